#include "client-lib/cli/terminal/progress.hpp"

#include <boost/test/unit_test.hpp>
#include <chrono>

using namespace std::chrono_literals;
using stele::cli::progress_text;

BOOST_AUTO_TEST_SUITE(progress_test)

BOOST_AUTO_TEST_CASE(sizes_and_counts_are_short) {
  BOOST_TEST(stele::cli::bytes_text(0) == "0 B");
  BOOST_TEST(stele::cli::bytes_text(1023) == "1023 B");
  BOOST_TEST(stele::cli::bytes_text(1024) == "1.0 KiB");
  BOOST_TEST(stele::cli::bytes_text(20 << 20) == "20 MiB");
  BOOST_TEST(stele::cli::count_text(999) == "999");
  BOOST_TEST(stele::cli::count_text(412'345) == "412 k");
  BOOST_TEST(stele::cli::count_text(1'500'000) == "1.5 M");
}

BOOST_AUTO_TEST_CASE(with_a_total_there_is_a_bar_and_a_time_left) {
  BOOST_TEST(
      progress_text(
          {.bytes_done = 1 << 20, .bytes_total = 4 << 20, .lines_done = 10'000, .elapsed = 2s}) ==
      "[#####               ] 25%  1.0 MiB/4.0 MiB  5.0 k lines/s  ETA 6s");
  BOOST_TEST(
      progress_text({.bytes_done = 100, .bytes_total = 100, .lines_done = 1, .elapsed = 1s}) ==
      "[####################] 100%  100 B/100 B  1 lines/s  ETA 0s");
}

BOOST_AUTO_TEST_CASE(at_the_start_nothing_is_divided_by_zero) {
  BOOST_TEST(progress_text({.bytes_total = 0}) == "[                    ] 0%  0 B/1 B  0 lines/s");
}

BOOST_AUTO_TEST_CASE(a_file_that_grew_stays_at_its_end) {
  auto const text = progress_text({.bytes_done = 200, .bytes_total = 100, .elapsed = 1s});
  BOOST_TEST(text.starts_with("[####################] 100%  100 B/100 B"));
}

BOOST_AUTO_TEST_CASE(without_a_total_there_are_counts) {
  BOOST_TEST(progress_text({.bytes_done = 2048, .lines_done = 20, .elapsed = 1s}) ==
             "2.0 KiB  20 lines  20 lines/s");
}

BOOST_AUTO_TEST_SUITE_END()
