#include "client-lib/cli/times/time_spec.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <string_view>
#include <vector>

#include "client/time_zone.hpp"

using stele::cli::parse_time;

BOOST_AUTO_TEST_SUITE(time_spec_test)

namespace {

constexpr std::uint64_t second = 1'000'000;
constexpr std::uint64_t minute = 60 * second;
constexpr std::uint64_t hour = 60 * minute;
constexpr std::uint64_t day = 24 * hour;

// 2023-11-14T22:13:20Z, a Tuesday.
constexpr std::uint64_t now = 1'700'000'000 * second;

struct Case {
  std::string_view text;
  std::uint64_t time;
};

void check(std::vector<Case> const& cases) {
  for (auto const& [text, time] : cases) {
    BOOST_TEST_CONTEXT(text) {
      auto const parsed = parse_time(text, now);
      BOOST_REQUIRE(parsed.has_value());
      BOOST_TEST(*parsed == time);
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(rfc_3339) {
  TimeZone const zone{"EST5"};  // Must not matter.
  check({{"2023-11-14T22:13:20Z", now},
         {"2023-11-14t22:13:20z", now},
         {"2023-11-14 22:13:20Z", now},
         {"2023-11-14 22:13:20 UTC", now},
         {"2023-11-14T22:13Z", now - 20 * second},
         {"2023-11-14T22:13:20.5Z", now + second / 2},
         {"2023-11-14T22:13:20.000001Z", now + 1},
         {"2023-11-14T22:13:20.0000019Z", now + 1},
         {"2023-11-14T23:13:20+01:00", now},
         {"2023-11-14T23:13:20+0100", now},
         {"2023-11-14T23:13:20+01", now},
         {"2023-11-14T17:43:20-04:30", now},
         {"2024-02-29T00:00:00Z", 1'709'164'800 * second},
         {"1970-01-01T00:00:00Z", 0},
         {"9999-12-31T23:59:59.999999Z", 253'402'300'799 * second + 999'999}});
}

BOOST_AUTO_TEST_CASE(local_time_follows_the_zone_and_its_summer_time) {
  TimeZone const zone{"CET-1CEST,M3.5.0,M10.5.0/3"};
  check({{"2023-11-14 23:13:20", now},
         {"2023-11-14T23:13:20", now},
         {"2023-11-14 23:13", now - 20 * second},
         {"2023-11-14 23:13:20.25", now + second / 4},
         {"2023-11-14", now - 23 * hour - 13 * minute - 20 * second},
         {"2023-07-01 12:00", 1'688'205'600 * second},  // 10:00 UTC
         {"23:13", now - 20 * second},
         {"00:00:00.5", now - 23 * hour - 13 * minute - 20 * second + second / 2}});
}

BOOST_AUTO_TEST_CASE(names_of_days_are_their_first_moment_in_local_time) {
  TimeZone const zone{"CET-1"};
  auto const today = now - 23 * hour - 13 * minute - 20 * second;
  check({{"now", now}, {"today", today}, {"yesterday", today - day}, {"tomorrow", today + day}});
}

BOOST_AUTO_TEST_CASE(yesterday_is_a_day_of_23_hours_when_the_clock_went_forward) {
  TimeZone const zone{"CET-1CEST,M3.5.0,M10.5.0/3"};
  auto const monday = 1'711'922'400 * second;  // 2024-04-01 00:00 CEST
  BOOST_TEST(*parse_time("today", monday + hour) == monday);
  BOOST_TEST(*parse_time("yesterday", monday + hour) == monday - 23 * hour);
}

BOOST_AUTO_TEST_CASE(relative_times_have_units) {
  check({{"10 min ago", now - 10 * minute},
         {"10min ago", now - 10 * minute},
         {"1 hour ago", now - hour},
         {"-1h", now - hour},
         {"+5min", now + 5 * minute},
         {"-1h 30min", now - hour - 30 * minute},
         {"1h30m ago", now - hour - 30 * minute},
         {"1.5h ago", now - hour - 30 * minute},
         {"2 days ago", now - 2 * day},
         {"1 week ago", now - 7 * day},
         {"1 month ago", now - 2'629'800 * second},
         {"1M ago", now - 2'629'800 * second},
         {"1y ago", now - 31'557'600 * second},
         {"250 ms ago", now - second / 4},
         {"1us ago", now - 1},
         {"0s ago", now},
         {"60 years ago", 0}});
}

BOOST_AUTO_TEST_CASE(epoch_is_seconds_after_an_at_sign_and_else_microseconds) {
  check({{"@1700000000", now},
         {"@1700000000.5", now + second / 2},
         {"@0", 0},
         {"1700000000000000", now},
         {"0", 0},
         {"18446744073709551615", UINT64_MAX}});
}

BOOST_AUTO_TEST_CASE(a_year_alone_a_month_or_digits_of_a_date_are_its_first_moment) {
  TimeZone const zone{"UTC"};
  check({{"2023", 1'672'531'200 * second},
         {"202311", 1'698'796'800 * second},
         {"20231114", now - 22 * hour - 13 * minute - 20 * second},
         {"202311142213", now - 20 * second},
         {"20231114221320", now},
         {"1970", 0},
         {"202313", 202'313},
         {"2200", 2'200}});
}

BOOST_AUTO_TEST_CASE(a_number_that_may_be_seconds_or_milliseconds_is_ambiguous) {
  for (auto const* text : {"100000000", "1700000000", "1700000000000", "99999999999999"}) {
    BOOST_TEST(!parse_time(text, now).has_value(), text);
    BOOST_TEST(!stele::cli::likely_meaning(text).empty(), text);
  }
  BOOST_TEST(stele::cli::likely_meaning("1700000000") ==
             "@1700000000 are seconds, 1700000000000000 are microseconds");
  BOOST_TEST(stele::cli::likely_meaning("1700000000123") ==
             "@1700000000.123 are seconds, 1700000000123000 are microseconds");
  BOOST_TEST(*parse_time("@1700000000.123", now) == now + 123'000);
  check({{"100000000000000", 100'000'000 * second}, {"99999999", 99'999'999}});
  for (auto const* text : {"soon", "17000000000x", ""}) {
    BOOST_TEST(stele::cli::likely_meaning(text).empty());
  }
}

BOOST_AUTO_TEST_CASE(a_time_before_1970_is_told_as_one) {
  TimeZone const zone{"UTC"};
  for (auto const* text :
       {"1969", "19691231", "1969-12-31", "1969-12-31 23:59:59", "1901-02-03T04:05:06Z"}) {
    BOOST_TEST(!parse_time(text, now).has_value(), text);
    BOOST_TEST(stele::cli::is_before_epoch(text), text);
  }
  for (auto const* text : {"", "soon", "1969-13-01", "2023-02-30", "1969-12-31 25:00"}) {
    BOOST_TEST(!stele::cli::is_before_epoch(text), text);
  }
}

BOOST_AUTO_TEST_CASE(local_time_decides_about_dates_and_names_of_days_alone) {
  for (auto const* text : {"2023", "2023-11-14", "2023-11-14 22:13", "22:13", "today"}) {
    BOOST_TEST(stele::cli::needs_local_zone(text, now), text);
  }
  for (auto const* text : {"now", "-1h", "@1700000000", "1700000000000000", "2023-11-14T22:13Z",
                           "2023-11-14 22:13 UTC+2"}) {
    BOOST_TEST(!stele::cli::needs_local_zone(text, now), text);
  }
}

BOOST_AUTO_TEST_CASE(other_text_is_no_time) {
  TimeZone const zone{"UTC"};
  for (auto const* text : {"",
                           " ",
                           "gestern",
                           "Now",
                           "2023-11",
                           "2023-13-01",
                           "2023-02-29",
                           "2023-11-31",
                           "23-11-14",
                           "2023-11-14T",
                           "2023-11-14 24:00",
                           "2023-11-14 22:60",
                           "2023-11-14 22:13:60",
                           "2023-11-14 22:13:20.",
                           "2023-11-14 22:13:20+",
                           "2023-11-14T22:13:20Zulu",
                           "2023-11-14T22:13:20+24:00",
                           "1969-12-31T23:59:59Z",
                           "22:",
                           "22:1",
                           "22:13Z",
                           "10 min",
                           "10 ago",
                           "-5",
                           "ago",
                           "min ago",
                           "- 1h",
                           "+1h ago",
                           "-1h later",
                           "1 fortnight ago",
                           "-99999999999999999999h",
                           "@",
                           "@-1",
                           "@1.",
                           "@18446744073710",
                           "18446744073709551616",
                           "-1h\n",
                           "1e9"}) {
    BOOST_TEST_CONTEXT(text) { BOOST_TEST(!parse_time(text, now).has_value()); }
  }
}

BOOST_AUTO_TEST_SUITE_END()
