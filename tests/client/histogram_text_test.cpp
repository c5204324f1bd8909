#include "client-lib/cli/read/histogram_text.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "client/time_zone.hpp"

using stele::cli::bar_text;
using stele::cli::choose_bucket_us;
using stele::cli::histogram_text;

namespace {

constexpr std::uint64_t second = 1'000'000;
constexpr std::uint64_t day = 86'400 * second;
using Buckets = std::vector<stele::LogCount::Bucket>;

}  // namespace

BOOST_AUTO_TEST_SUITE(histogram_text_test)

BOOST_AUTO_TEST_CASE(the_length_of_a_bar_is_the_shortest_round_one_that_fits) {
  BOOST_TEST(choose_bucket_us(0, 0) == 1'000U);
  BOOST_TEST(choose_bucket_us(0, 23'999) == 1'000U);
  BOOST_TEST(choose_bucket_us(0, 24'000) == 10'000U);
  BOOST_TEST(choose_bucket_us(0, 60 * second) == 5 * second);
  BOOST_TEST(choose_bucket_us(0, day - 1) == 3'600 * second);
  BOOST_TEST(choose_bucket_us(0, 30 * day) == 7 * day);
}

BOOST_AUTO_TEST_CASE(every_range_of_time_fits_into_the_bars) {
  for (auto const last : {std::uint64_t{1}, day * 400, day * 400'000, UINT64_MAX}) {
    auto const bucket_us = choose_bucket_us(0, last);
    BOOST_TEST(last / bucket_us < stele::cli::histogram_bars_default);
  }
}

BOOST_AUTO_TEST_CASE(a_bar_is_as_long_as_its_share_in_eighths_and_never_nothing) {
  BOOST_TEST(bar_text(10, 10, 3) == "███");
  BOOST_TEST(bar_text(5, 10, 3) == "█▌");
  BOOST_TEST(bar_text(1, 1'000'000, 3) == "▏");
  BOOST_TEST(bar_text(0, 10, 3) == "");
}

BOOST_AUTO_TEST_CASE(a_line_tells_when_how_many_and_shows_a_bar_as_wide_as_the_terminal) {
  TimeZone const zone("UTC");
  Buckets const buckets{{1'700'000'000 * second, 12}, {1'700'000'010 * second, 6}};
  BOOST_TEST(histogram_text(buckets, 10 * second, 35) ==
             "2023-11-14 22:13:20  12  ██████████\n"
             "2023-11-14 22:13:30   6  █████\n");
}

BOOST_AUTO_TEST_CASE(empty_stretches_have_a_line_and_long_ones_share_it) {
  TimeZone const zone("UTC");
  BOOST_TEST(histogram_text(Buckets{{0, 1}, {2 * day, 1}, {7 * day, 1}}, day, 24) ==
             "1970-01-01  1  █████████\n"
             "1970-01-02  0\n"
             "1970-01-03  1  █████████\n"
             "  (4 without entries)\n"
             "1970-01-08  1  █████████\n");
}

BOOST_AUTO_TEST_CASE(a_narrow_terminal_still_has_a_bar) {
  BOOST_TEST(histogram_text(Buckets{{0, 1}}, day, 1).find("████████") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(no_entries_are_no_lines) { BOOST_TEST(histogram_text({}, day, 80) == ""); }

BOOST_AUTO_TEST_SUITE_END()
