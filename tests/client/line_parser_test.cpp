#include "client-lib/cli/line_parser.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "client/time_zone.hpp"

using stele::Level;
using stele::cli::JsonMapping;
using stele::cli::LineForm;
using stele::cli::LineParser;
using stele::cli::TimePattern;

namespace {

constexpr std::uint64_t second = 1'000'000;
constexpr std::uint64_t now_us = 1'700'000'000 * second;  // 2023-11-14 22:13:20 UTC

std::optional<std::uint64_t> time_in(std::string_view format, std::string_view line,
                                     int first_year = 0) {
  TimeZone const zone("UTC");
  return TimePattern(format, first_year, now_us).find(line);
}

stele::LogEntry entry_of(LineForm form, std::string_view line) {
  TimeZone const zone("UTC");
  auto made = LineParser(std::move(form)).parse(line);
  return made ? made->entry : stele::LogEntry{.message = "failed: " + made.error().message};
}

stele::LogEntry entry_of_json(JsonMapping mapping, std::string_view line) {
  return entry_of({.json = std::move(mapping)}, line);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(line_parser_test)

BOOST_AUTO_TEST_CASE(named_formats_find_the_times_of_common_logs) {
  BOOST_TEST(*time_in("apache", "[Sun Dec 04 04:47:44 2005] [notice] x") == 1133671664 * second);
  BOOST_TEST(*time_in("apache", "[Sun Dec 04 04:47:44.25 2005] [a:error] x") ==
             1133671664 * second + 250'000);
  BOOST_TEST(*time_in("hdfs", "081109 203615 148 INFO dfs: x") == 1226262975 * second);
  BOOST_TEST(*time_in("clf", R"(::1 - - [10/Oct/2000:13:55:36 -0700] "GET /")") ==
             971211336 * second);
  BOOST_TEST(*time_in("epoch", "1700000000.5 x") == now_us + 500'000);
  for (auto const* line : {"2023-11-14T22:13:20Z x", "2023-11-14 22:13:20 x",
                           "2023-11-14 23:13:20+01:00 x", "2023-11-14T22:13:20"}) {
    BOOST_TEST(*time_in("iso", line) == now_us, line);
  }
  BOOST_TEST(*time_in("iso", "2023-11-14 22:13:20,250 x") == now_us + 250'000);
}

BOOST_AUTO_TEST_CASE(a_given_format_is_at_the_start_or_with_a_star_anywhere) {
  BOOST_TEST(*time_in("%Y/%m/%d %H:%M:%S", "2023/11/14 22:13:20: x") == now_us);
  BOOST_TEST(!time_in("%Y/%m/%d %H:%M:%S", "at 2023/11/14 22:13:20").has_value());
  BOOST_TEST(*time_in("*%Y/%m/%d %H:%M:%S", "at 2023/11/14 22:13:20") == now_us);
  BOOST_TEST(!time_in("%Y-%m-%d", "no time").has_value());
  BOOST_TEST(!time_in("%Y-%m-%d", "1969-12-31").has_value());
}

BOOST_AUTO_TEST_CASE(without_a_year_it_is_the_latest_that_is_not_in_the_future) {
  BOOST_TEST(*time_in("syslog", "Nov 14 22:13:20 host x") == now_us);
  BOOST_TEST(*time_in("syslog", "Nov 14 22:13:21 host x") == (1'700'000'001 - 31'536'000) * second);
  BOOST_TEST(*time_in("syslog", "Jun 14 15:16:01 combo sshd", 2005) == 1118762161 * second);
}

BOOST_AUTO_TEST_CASE(a_month_far_before_the_last_begins_a_year) {
  TimeZone const zone("UTC");
  TimePattern pattern("syslog", 2005, now_us);
  BOOST_TEST(*pattern.find("Dec 31 23:59:59 x") == 1136073599 * second);
  BOOST_TEST(*pattern.find("Jan  1 00:00:00 x") == 1136073600 * second);
  BOOST_TEST(*pattern.find("Feb 29 00:00:00 x") == *pattern.find("Mar  1 00:00:00 x"));
}

BOOST_AUTO_TEST_CASE(local_times_are_of_the_zone_that_holds) {
  TimeZone const zone("Europe/Berlin");
  BOOST_TEST(*TimePattern("iso", 0, now_us).find("2023-11-14 23:13:20") == now_us);
  BOOST_TEST(*TimePattern("iso", 0, now_us).find("2023-07-14 23:13:20") == (1689369200 * second));
  BOOST_TEST(*TimePattern("iso", 0, now_us).find("2023-11-14T22:13:20Z") == now_us);
}

BOOST_AUTO_TEST_CASE(a_line_without_a_time_has_that_of_the_line_before) {
  TimeZone const zone("UTC");
  LineForm form;
  form.time.emplace("iso", 0, now_us);
  LineParser parser(std::move(form));
  BOOST_TEST(!parser.parse("before any")->entry.timestamp.has_value());
  BOOST_TEST(*parser.parse("2023-11-14 22:13:20 error")->entry.timestamp == now_us);
  auto const continued = parser.parse("  at main.cpp:7");
  BOOST_TEST(*continued->entry.timestamp == now_us);
  BOOST_TEST(continued->has_time_of_earlier_line);
  BOOST_TEST(continued->entry.message == "  at main.cpp:7");
}

BOOST_AUTO_TEST_CASE(a_level_is_what_the_first_group_says_else_the_given_one) {
  auto const level_in = [](std::string_view line) {
    LineForm form{.level = Level::debug};
    form.level_pattern.emplace(R"(\[(\w+)\])", "--level-pattern");
    return entry_of(std::move(form), line).level;
  };
  BOOST_TEST((level_in("[WARN] x") == Level::warn));
  BOOST_TEST((level_in("[notice] x") == Level::info));
  BOOST_TEST((level_in("[main] x") == Level::debug));
  BOOST_TEST((level_in("x") == Level::debug));
}

BOOST_AUTO_TEST_CASE(json_members_are_mapped_and_the_rest_is_metadata_as_it_was_written) {
  auto const entry = entry_of_json(
      stele::cli::usual_mapping(),
      R"( {"ts": 1700000000.5 ,"severity":"WARN","msg":"a\n\u00fc","n": 1.0,"e":{"b" :[1e2]}} )");
  BOOST_TEST(*entry.timestamp == now_us + 500'000);
  BOOST_TEST((entry.level == Level::warn));
  BOOST_TEST(entry.message == "a\n\xc3\xbc");
  BOOST_TEST(entry.metadata == R"({"n":1.0,"e":{"b" :[1e2]}})");
}

BOOST_AUTO_TEST_CASE(times_in_json_are_numbers_of_any_unit_or_text) {
  for (auto const* time :
       {"1700000000", "1700000000000", "1700000000000000", "1700000000000000000", "\"1700000000\"",
        "\"2023-11-14T22:13:20Z\"", "\"2023-11-14 23:13:20+01:00\""}) {
    auto const line = std::string{R"({"time":)"} + time + "}";
    BOOST_TEST(*entry_of_json(stele::cli::usual_mapping(), line).timestamp == now_us, time);
  }
}

BOOST_AUTO_TEST_CASE(levels_in_json_are_names_or_numbers) {
  BOOST_TEST((*stele::cli::level_of_text("Error") == Level::error));
  BOOST_TEST((*stele::cli::level_of_text("3") == Level::error));
  BOOST_TEST((*stele::cli::level_of_text("50") == Level::error));
  BOOST_TEST(!stele::cli::level_of_text("9").has_value());
  BOOST_TEST(!stele::cli::level_of_text("70").has_value());
}

BOOST_AUTO_TEST_CASE(a_line_that_is_no_object_is_refused_with_the_reason) {
  auto const refusal = [](std::string_view line) {
    return entry_of_json(stele::cli::usual_mapping(), line).message;
  };
  BOOST_TEST(refusal("[1]") == "failed: is not a JSON object");
  BOOST_TEST(refusal("{\"a\":") == "failed: is not a JSON object");
  BOOST_TEST(refusal("\xff") == "failed: is not valid UTF-8");
  BOOST_TEST(refusal(R"({"level":"loud"})") == R"(failed: has an unknown level: "loud")");
  BOOST_TEST(refusal(R"({"time":"soon"})") ==
             R"(failed: has a time that is not understood: "soon")");
}

BOOST_AUTO_TEST_CASE(journal_entries_have_their_fields_as_metadata_and_bytes_as_text) {
  auto const entry =
      entry_of_json(stele::cli::journal_mapping(),
                    R"({"__CURSOR":"s=1","__REALTIME_TIMESTAMP":"1700000000000000","PRIORITY":"4",)"
                    R"("MESSAGE":[104,105,255],"_PID":"1","__MONOTONIC_TIMESTAMP":"2"})");
  BOOST_TEST(*entry.timestamp == now_us);
  BOOST_TEST((entry.level == Level::warn));
  BOOST_TEST(entry.message == "hi\xef\xbf\xbd");
  BOOST_TEST(entry.metadata == R"({"_PID":"1"})");
}

BOOST_AUTO_TEST_CASE(an_exported_entry_is_the_entry_without_what_the_daemon_gave) {
  auto const entry = entry_of_json(
      stele::cli::stele_mapping(),
      R"({"seq":7,"timestamp":18446744073709551615,"level":"fatal","message":"\u0000",)"
      R"("metadata":{"a":1.0,"b":{"seq":1}},"version":1,"origin":{"pid":1,"uid":0,"gid":0},)"
      R"("time":"+586524-01-19T08:01:49.551615Z"})");
  BOOST_TEST((entry == stele::LogEntry{.timestamp = UINT64_MAX,
                                       .level = Level::fatal,
                                       .message = std::string(1, '\0'),
                                       .metadata = R"({"a":1.0,"b":{"seq":1}})"}));
}

BOOST_AUTO_TEST_SUITE_END()
