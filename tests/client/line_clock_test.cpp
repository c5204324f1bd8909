#include "client-lib/cli/times/line_clock.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "client-lib/cli/command_line/given_options.hpp"
#include "client-lib/cli/times/time_text.hpp"
#include "client/time_zone.hpp"

using namespace stele::cli;

BOOST_AUTO_TEST_SUITE(line_clock_test)

namespace {

constexpr std::uint64_t second = 1'000'000;
constexpr std::uint64_t today_us = 1'700'000'000 * second;  // 2023-11-14 22:13:20 UTC

std::string moment(LineClock& clock, std::string_view line) {
  auto const found = clock.find(line);
  if (!found) return "none";
  std::string text;
  append_utc_time(text, found->time_us / second * second);
  text.resize(text.size() - 8);  // `.000000Z`
  return text;
}

/// The times of lines that are in this order in one log.
void check(std::string_view format, char const* zone_name,
           std::initializer_list<std::pair<std::string_view, std::string_view>> lines,
           std::uint64_t latest_us = today_us) {
  TimeZone const zone(zone_name);
  auto clock = line_clock_of(format, latest_us);
  for (auto const& [line, time] : lines) BOOST_TEST(moment(clock, line) == time, line);
}

std::optional<std::uint64_t> time_in(std::string_view format, std::string_view line) {
  TimeZone const zone("UTC");
  auto clock = line_clock_of(format, today_us);
  auto const found = clock.find(line);
  return found ? std::optional{found->time_us} : std::nullopt;
}

}  // namespace

BOOST_AUTO_TEST_CASE(named_forms_find_the_times_of_common_logs) {
  BOOST_TEST(*time_in("apache", "[Sun Dec 04 04:47:44 2005] [notice] x") == 1133671664 * second);
  BOOST_TEST(*time_in("apache", "[Sun Dec 04 04:47:44.25 2005] [a:error] x") ==
             1133671664 * second + 250'000);
  BOOST_TEST(*time_in("hdfs", "081109 203615 148 INFO dfs: x") == 1226262975 * second);
  BOOST_TEST(*time_in("clf", R"(::1 - - [10/Oct/2000:13:55:36 -0700] "GET /")") ==
             971211336 * second);
  BOOST_TEST(*time_in("epoch", "1700000000.5 x") == today_us + 500'000);
  for (auto const* line : {"2023-11-14T22:13:20Z x", "2023-11-14 22:13:20 x",
                           "2023-11-14 23:13:20+01:00 x", "2023-11-14T22:13:20"}) {
    BOOST_TEST(*time_in("iso", line) == today_us, line);
  }
  BOOST_TEST(*time_in("iso", "2023-11-14 22:13:20,250 x") == today_us + 250'000);
}

BOOST_AUTO_TEST_CASE(a_given_format_is_at_the_start_or_with_a_star_anywhere) {
  BOOST_TEST(*time_in("%Y/%m/%d %H:%M:%S", "2023/11/14 22:13:20: x") == today_us);
  BOOST_TEST(!time_in("%Y/%m/%d %H:%M:%S", "at 2023/11/14 22:13:20").has_value());
  BOOST_TEST(*time_in("*%Y/%m/%d %H:%M:%S", "at 2023/11/14 22:13:20") == today_us);
  BOOST_TEST(*time_in("(%d.%m.%y) [%I:%M:%S%f %p]", "(14.11.23) [10:13:20.5 PM] x") ==
             today_us + 500'000);
  for (auto const* format : {"%F %T%f", "%F %T.%f", "%F %T,%f", "%F %T:%f"}) {
    for (auto const* line : {"2023-11-14 22:13:20.5 x", "2023-11-14 22:13:20,500 x"}) {
      BOOST_TEST(*time_in(format, line) == today_us + 500'000, format);
    }
    BOOST_TEST(*time_in(format, "2023-11-14 22:13:20 x") == today_us, format);
    BOOST_TEST(*time_in(format, "2023-11-14 22:13:20:500 x") == today_us + 500'000, format);
  }
  BOOST_TEST(*time_in("%j/%Y %T%z", "318/2023 23:13:20+0100") == today_us);
  BOOST_TEST(*time_in("%G-W%V-%u %T", "2023-W46-2 22:13:20 x") == today_us);
  BOOST_TEST(!time_in("%G-W%V-%u %T", "2023-W53-2 22:13:20 x").has_value());
  BOOST_TEST(!time_in("%G-W%V-%u %T", "2023-W00-2 22:13:20 x").has_value());
  BOOST_CHECK_THROW(line_clock_of("%G-W%V %T", today_us), UsageError);
  BOOST_TEST(!time_in("%Y-%m-%d", "no time").has_value());
  BOOST_TEST(!time_in("%Y-%m-%d", "1969-12-31").has_value());
  for (auto const* format : {"whenever", "%Q", "%H:%M:%S", "%"}) {
    BOOST_CHECK_THROW(line_clock_of(format, today_us), UsageError);
  }
}

BOOST_AUTO_TEST_CASE(a_zone_is_one_only_where_no_word_or_number_goes_on) {
  check("iso", "America/New_York",
        {{"2024-01-02 03:04:05 ZooKeeper up", "2024-01-02T08:04:05"},
         {"2024-01-02 03:04:05.0 UTC [9] LOG: x", "2024-01-02T03:04:05"},
         {"2024-01-02 03:04:05 UTCx", "2024-01-02T08:04:05"},
         {"2024-01-02 03:04:05Z", "2024-01-02T03:04:05"},
         {"2024-01-02 03:04:05 Z x", "2024-01-02T03:04:05"},
         {"2024-01-02 03:04:05+01 x", "2024-01-02T02:04:05"},
         {"2024-01-02 03:04:05 -0800 x", "2024-01-02T11:04:05"},
         {"2024-01-02 03:04:05 -08:00 x", "2024-01-02T11:04:05"},
         {"2024-01-02 03:04:05 -5 items", "2024-01-02T08:04:05"},
         {"2024-01-02 03:04:05 -1234 is left", "2024-01-02T08:04:05"},
         {"2024-01-02 03:04:05 -0800123", "2024-01-02T08:04:05"},
         {"2024-01-02 03:04:05 CET x", "2024-01-02T02:04:05"},
         {"2024-01-02 03:04:05 EST x", "2024-01-02T08:04:05"},
         {"2024-01-02 03:04:05 WARN x", "2024-01-02T08:04:05"},
         {"2024-01-02 03:04:05 zone", "2024-01-02T08:04:05"}});
}

BOOST_AUTO_TEST_CASE(without_a_year_the_nearest_in_both_directions_holds) {
  constexpr std::uint64_t may_2026_us = 1'777'600'000 * second;
  check("syslog", "UTC",
        {{"Dec 31 23:59:58 x", "2025-12-31T23:59:58"},
         {"Jan  1 00:00:01 x", "2026-01-01T00:00:01"},
         {"Dec 31 23:59:59 x", "2025-12-31T23:59:59"},
         {"Jan  1 00:00:05 x", "2026-01-01T00:00:05"}},
        may_2026_us);
  check("syslog", "UTC",
        {{"Jan  5 00:00:00 x", "2026-01-05T00:00:00"},
         {"Feb 20 00:00:00 x", "2026-02-20T00:00:00"},
         {"Feb  2 00:00:00 x", "2026-02-02T00:00:00"}},
        may_2026_us);
  check(
      "syslog", "UTC",
      {{"Jan  5 00:00:00 x", "2023-01-05T00:00:00"}, {"Oct 10 00:00:00 x", "2023-10-10T00:00:00"}});
}

BOOST_AUTO_TEST_CASE(without_a_year_the_first_is_the_latest_that_is_not_far_ahead) {
  check("syslog", "UTC", {{"Nov 14 22:13:20 host x", "2023-11-14T22:13:20"}});
  check("syslog", "UTC", {{"Nov 14 22:13:25 host x", "2023-11-14T22:13:25"}});
  check("syslog", "UTC", {{"Nov 16 22:13:25 host x", "2022-11-16T22:13:25"}});
}

BOOST_AUTO_TEST_CASE(a_leap_day_is_in_a_leap_year) {
  check("syslog", "UTC", {{"Feb 29 04:59:43 x", "2020-02-29T04:59:43"}});
  check("syslog", "UTC",
        {{"Feb 28 04:59:43 x", "2023-02-28T04:59:43"},
         {"Feb 29 04:59:43 x", "2020-02-29T04:59:43"},
         {"Mar  1 04:59:43 x", "2020-03-01T04:59:43"}});
  check("iso", "UTC",
        {{"2023-02-29 04:59:43 x", "none"}, {"2024-02-29 04:59:43", "2024-02-29T04:59:43"}});
}

BOOST_AUTO_TEST_CASE(the_first_year_of_a_whole_log_is_told_by_its_end) {
  auto const year_of = [](std::initializer_list<CivilTime> times) {
    FirstYear year;
    for (auto const& time : times) year.add(time);
    return *year.before(today_us);
  };
  CivilTime const august{.month = 8};
  CivilTime const january{.month = 1};
  BOOST_TEST(year_of({august}) == 2023);
  BOOST_TEST(year_of({august, january}) == 2022);
  BOOST_TEST(year_of({august, january, august, january}) == 2021);
  BOOST_TEST(year_of({{.month = 12, .day = 31}}) == 2022);
  BOOST_TEST(year_of({{.month = 2, .day = 28}, {.month = 2, .day = 29}}) == 2020);
  BOOST_TEST(year_of({{.month = 12}, {.month = 2, .day = 29}}) == 2019);
}

BOOST_AUTO_TEST_CASE(the_hour_that_comes_twice_is_told_by_the_order_of_the_lines) {
  check("iso", "Europe/Berlin",
        {{"2024-10-27 02:30:00 x", "2024-10-27T00:30:00"},
         {"2024-10-27 02:59:59 x", "2024-10-27T00:59:59"},
         {"2024-10-27 02:59:40 x", "2024-10-27T00:59:40"},
         {"2024-10-27 02:30:00 x", "2024-10-27T01:30:00"},
         {"2024-10-27 02:30:00 x", "2024-10-27T01:30:00"},
         {"2024-10-27 03:00:00 x", "2024-10-27T02:00:00"}});
  check("iso", "Europe/Berlin",
        {{"2024-10-27 02:30:00 CET x", "2024-10-27T01:30:00"},
         {"2024-10-27 02:30:00 CEST x", "2024-10-27T00:30:00"},
         {"2024-03-31 01:59:59 x", "2024-03-31T00:59:59"},
         {"2024-03-31 02:30:00 x", "2024-03-31T01:30:00"},
         {"2024-03-31 03:00:00 x", "2024-03-31T01:00:00"},
         {"2024-07-01 00:00:00 x", "2024-06-30T22:00:00"}});
  check("iso", "Australia/Lord_Howe",
        {{"2024-04-07 01:45:00 x", "2024-04-06T14:45:00"},
         {"2024-04-07 01:35:00 x", "2024-04-06T15:05:00"}});
}

BOOST_AUTO_TEST_CASE(a_leap_second_is_the_first_moment_of_the_next_minute) {
  check("iso", "UTC",
        {{"2016-12-31T23:59:60Z x", "2017-01-01T00:00:00"}, {"2016-12-31T23:59:61Z x", "none"}});
  check("syslog", "UTC", {{"Jul  1 01:59:60 x", "2023-07-01T02:00:00"}});
}

BOOST_AUTO_TEST_CASE(no_time_is_before_1970_or_beyond_2200) {
  check("iso", "UTC",
        {{"1969-12-31T23:59:59Z x", "none"},
         {"1970-01-01T00:00:00+00:30 x", "none"},
         {"2199-12-31T23:59:59Z x", "2199-12-31T23:59:59"},
         {"9999-12-31T23:59:59Z x", "none"}});
  ClockFinder finder(today_us);
  BOOST_TEST(!finder.find_clock("4123456789 a number of a telephone\n", today_us).has_value());
}

BOOST_AUTO_TEST_CASE(the_unit_of_a_number_is_told_by_its_size) {
  check("epoch", "UTC",
        {{"1704164645 x", "2024-01-02T03:04:05"},
         {"1704164645123 x", "2024-01-02T03:04:05"},
         {"1704164645123456 x", "2024-01-02T03:04:05"},
         {"1704164645123456789 x", "2024-01-02T03:04:05"}});
  BOOST_TEST(*epoch_us_of_number("1.5E9") == 1'500'000'000 * second);
  BOOST_TEST(*epoch_us_of_number("1.704164645123456e9") == 1'704'164'645'123'456U);
  BOOST_TEST(*epoch_us_of_number("1704164645123.456") == 1'704'164'645'123'456U);
  BOOST_TEST(*epoch_us_of_number("1700000000") == today_us);
  BOOST_TEST(*epoch_us_of_number("0") == 0U);
  for (auto const* text :
       {"", ".", "1.", "-1", "1e99", "1x", "1e", "99999999999", "99999999999999999999", "1.5.5"}) {
    BOOST_TEST(!epoch_us_of_number(text).has_value(), text);
  }
}

BOOST_AUTO_TEST_CASE(the_form_is_the_one_that_most_of_the_first_lines_have) {
  TimeZone const zone("UTC");
  ClockFinder finder(today_us);
  auto const name = [&](std::string_view lines) {
    auto const clock = finder.find_clock(lines, today_us);
    return clock ? clock->name() : "none";
  };
  BOOST_TEST(name("# a comment\nNov 14 22:13:20 h x\n2023-11-14 22:13:20 x\nNov 14 22:13:20 y\n") ==
             "syslog");
  BOOST_TEST(name("one\ntwo\n") == "none");
  BOOST_TEST(name("") == "none");
  std::string text = "2023-11-14 22:13:20 was a fine day\n";
  for (int i = 0; i < 150; ++i) text += "word\n";
  BOOST_TEST(name(text) == "none");
}

BOOST_AUTO_TEST_CASE(a_text_that_is_a_time_and_nothing_else_may_have_any_form) {
  TimeZone const zone("UTC");
  ClockFinder finder(today_us);
  for (auto const* text :
       {"1700000000", "1700000000000", "2023-11-14T22:13:20Z", "2023-11-14 23:13:20+01:00",
        "14/Nov/2023:22:13:20 +0000", "Tue, 14 Nov 2023 22:13:20 GMT", "Nov 14 22:13:20",
        "Tue Nov 14 22:13:20 2023", "2023/11/14 22:13:20"}) {
    auto const time = finder.time_of(text);
    BOOST_REQUIRE_MESSAGE(time.has_value(), text);
    BOOST_TEST(*time == today_us, text);
  }
  for (auto const* text : {"", "now", "10 min ago", "soon", "2023-11-14T22:13:20Z and more"}) {
    BOOST_TEST(!finder.time_of(text).has_value(), text);
  }
}

BOOST_AUTO_TEST_SUITE_END()
