// One line of each of many programs' logs, with the time, the level and the message that it has.
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <string>

#include "client-lib/cli/import/line_parser.hpp"
#include "client-lib/cli/times/time_text.hpp"
#include "client/time_zone.hpp"

using namespace stele::cli;

BOOST_AUTO_TEST_SUITE(log_lines_test)

namespace {

constexpr std::uint64_t noon_us = 1'704'196'800'000'000;  // 2024-01-02T12:00:00Z

std::string member(boost::json::object const& row, char const* name, std::string otherwise) {
  auto const* const value = row.if_contains(name);
  if (value == nullptr || value->is_null()) return otherwise;
  return {value->as_string().data(), value->as_string().size()};
}

LineForm form_of(std::string const& format) {
  if (format == "json") return {.json = usual_mapping()};
  if (format == "stele") return {.json = stele_mapping()};
  if (format == "journal") return {.json = journal_mapping()};
  return {.time = {.kind = TimeOption::Kind::automatic}};
}

void check(boost::json::object const& row) {
  TimeZone const zone(member(row, "zone", "UTC").c_str());
  auto const line = member(row, "line", "");
  auto const format = member(row, "format", "lines");
  LineParser parser(form_of(format), noon_us);
  parser.begin_file(line, true, noon_us);
  auto const made = parser.parse(line);
  BOOST_REQUIRE(made.has_value());
  std::string time = "none";
  if (made->entry.timestamp) {
    time.clear();
    append_utc_time(time, *made->entry.timestamp);
  }
  BOOST_TEST(time == member(row, "time", "none"));
  BOOST_TEST(to_string(made->entry.level) == member(row, "level", ""));
  BOOST_TEST(made->entry.message == member(row, "message", line));
  BOOST_TEST(made->entry.metadata == member(row, "metadata", "{}"));
  auto const* const clock = parser.clock();
  BOOST_TEST((clock == nullptr ? "none" : clock->name()) == member(row, "form", "none"));
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_line_of_each_programs_log_has_its_time_level_and_message) {
  std::ifstream rows(STELE_LOG_LINES);
  std::size_t count = 0;
  for (std::string text; std::getline(rows, text); ++count) {
    auto const row = boost::json::parse(text);
    BOOST_TEST_CONTEXT(member(row.as_object(), "name", "")) { check(row.as_object()); }
  }
  BOOST_TEST(count >= 40U);
}

BOOST_AUTO_TEST_SUITE_END()
