// What people type as a time means what systemd takes it for.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>

#include "support/program.hpp"
#include "support/steled.hpp"
#include "support/subject.hpp"

using stele::test::run_program;
using stele::test::run_stele;
using stele::test::stele_path;
using stele::test::Steled;

namespace {

constexpr std::uint64_t second = 1'000'000;

/// In a time zone with summer time.
std::string in_berlin(std::string const& command) {
  return run_program({"/bin/sh", "-c", "export LC_ALL=C TZ=Europe/Berlin; " + command}).out;
}

/// What `systemd-analyze timestamp` makes of it, in microseconds since the epoch.
std::optional<std::uint64_t> by_systemd(std::string const& time) {
  auto const told = in_berlin("systemd-analyze timestamp -- '" + time + "'");
  auto const at = told.find("UNIX seconds: @");
  if (at == std::string::npos) return std::nullopt;
  return static_cast<std::uint64_t>(std::llround(std::stod(told.substr(at + 15)) * 1e6));
}

boost::test_tools::assertion_result has_systemd(boost::unit_test::test_unit_id /*test*/) {
  boost::test_tools::assertion_result result(by_systemd("@0").has_value());
  result.message() << "needs systemd-analyze";
  return result;
}

struct TimeFixture {
  Steled daemon{};
  TimeFixture() { daemon.start(); }

  /// Whether `time` lies between two entries that are `apart` before and behind `expected`.
  void check(std::string const& time, std::uint64_t expected, std::uint64_t apart) {
    BOOST_TEST_CONTEXT(time) {
      for (auto const at : {expected - apart, expected + apart}) {
        run_stele(daemon, {"write", "--timestamp", std::to_string(at), "[" + time + "]"});
      }
      auto const count = [&](std::string const& end) {
        return in_berlin(stele_path() + " count --socket " + daemon.socket() + " --contains '[" +
                         time + "]' " + end + " '" + time + "'");
      };
      BOOST_TEST(count("--since") == "1\n");
      BOOST_TEST(count("--until") == "1\n");
    }
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(time_forms_test, TimeFixture, *boost::unit_test::precondition(has_systemd))

BOOST_AUTO_TEST_CASE(a_moment_is_the_same_to_the_microsecond) {
  for (std::string const time :
       {"2023-11-14 22:13:20", "2023-11-14 22:13", "2023-11-14", "2023-07-14 22:13:20.5",
        "2023-11-14 22:13:20 UTC", "@1700000000"}) {
    auto const expected = by_systemd(time);
    BOOST_REQUIRE_MESSAGE(expected.has_value(), time);
    check(time, *expected, 1);
  }
}

BOOST_AUTO_TEST_CASE(a_moment_from_now_is_the_same_but_for_what_passes_meanwhile) {
  for (std::string const time :
       {"now", "today", "yesterday", "tomorrow", "-1h", "+5min", "-2h30min", "10 min ago",
        "1h 30min ago", "90s ago", "2 hours ago", "2 days ago", "1 week ago"}) {
    auto const expected = by_systemd(time);
    BOOST_REQUIRE_MESSAGE(expected.has_value(), time);
    check(time, *expected, 120 * second);
  }
}

BOOST_AUTO_TEST_SUITE_END()
