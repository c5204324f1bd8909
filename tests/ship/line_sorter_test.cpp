#include "client-lib/ship/line_sorter.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <random>
#include <span>
#include <string>
#include <tuple>
#include <vector>

namespace stele::ship {
namespace {

using Key = std::tuple<std::uint64_t, std::string, std::uint64_t>;

Key key_of(ShippedLine const& line) { return {line.timestamp, line.store, line.seq}; }

std::vector<ShippedLine> many_lines(std::size_t count) {
  std::mt19937_64 random(7);
  std::vector<ShippedLine> lines;
  for (std::size_t i = 0; i < count; ++i) {
    lines.push_back({.timestamp = random() % 500,
                     .seq = i,
                     .store = std::string(1 + i % 3, 's'),
                     .line = std::string(random() % 300, 'x') + std::to_string(i)});
  }
  return lines;
}

struct Sorted {
  std::vector<ShippedLine> lines{};
  std::uint64_t runs = 0;
};

Sorted sorted_by(SortOptions options, std::vector<ShippedLine> const& lines) {
  options.directory = std::filesystem::temp_directory_path();
  LineSorter sorter(std::move(options));
  for (auto const& line : lines) BOOST_REQUIRE(sorter.add(line).has_value());
  Sorted sorted{.runs = sorter.runs()};
  auto const done = sorter.visit([&](ShippedLine const& line) {
    sorted.lines.push_back(line);
    return true;
  });
  BOOST_REQUIRE(done.has_value());
  return sorted;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(line_sorter_test)

BOOST_AUTO_TEST_CASE(lines_that_do_not_fit_into_memory_come_all_and_in_order) {
  auto const lines = many_lines(3000);
  auto const small = sorted_by({.memory_bytes = 20'000}, lines);
  BOOST_TEST(small.runs > 10U);
  BOOST_TEST(small.lines.size() == lines.size());
  BOOST_TEST(std::ranges::is_sorted(small.lines, {}, key_of));
  for (auto const& line : small.lines) {
    auto const& added = lines[line.seq];
    BOOST_TEST((line.line == added.line && key_of(line) == key_of(added)));
  }
}

BOOST_AUTO_TEST_CASE(the_first_and_the_last_are_those_of_all_in_either_order) {
  auto const lines = many_lines(2000);
  for (bool const newest_first : {false, true}) {
    auto const all = sorted_by({.newest_first = newest_first}, lines).lines;
    BOOST_TEST(all.size() == lines.size());
    for (std::uint64_t const count : {0U, 1U, 20U, 900U, 2000U, 5000U}) {
      for (std::size_t const memory : {std::size_t{20'000}, std::size_t{1} << 30}) {
        auto const wanted = std::min<std::size_t>(count, all.size());
        auto const first = sorted_by(
            {.newest_first = newest_first, .first = count, .memory_bytes = memory}, lines);
        auto const last =
            sorted_by({.newest_first = newest_first, .last = count, .memory_bytes = memory}, lines);
        BOOST_TEST(first.lines.size() == wanted);
        BOOST_TEST(last.lines.size() == wanted);
        BOOST_TEST(
            std::ranges::equal(first.lines, std::span(all).first(wanted), {}, key_of, key_of));
        BOOST_TEST(std::ranges::equal(last.lines, std::span(all).last(wanted), {}, key_of, key_of));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_few_of_many_need_no_file) {
  auto const sorted = sorted_by({.last = 5, .memory_bytes = 20'000}, many_lines(3000));
  BOOST_TEST(sorted.runs == 0U);
}

BOOST_AUTO_TEST_CASE(a_place_that_takes_no_file_is_named) {
  LineSorter sorter({.memory_bytes = 100, .directory = "/nonexistent"});
  auto const added = sorter.add({.line = std::string(1000, 'x')});
  BOOST_REQUIRE(added.has_error());
  BOOST_TEST(added.error().message.find("/nonexistent") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace stele::ship
