// What somebody still wants outlives retention, as far as the disk is given for it.
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <string>

#include "support/log_fixture.hpp"
#include "wal/gap_ledger.hpp"
#include "wal/log.hpp"

using namespace stele::wal;
using namespace std::chrono_literals;
using stele::test::Crash;
using stele::test::LogFixture;
using stele::test::SimulatedDisk;

namespace {

Options holding(std::uint64_t retained_segments, std::uint64_t held_segments) {
  auto options = LogFixture::small_options();
  options.retain_bytes = retained_segments * options.segment_bytes;
  options.hold_bytes = held_segments * options.segment_bytes;
  return options;
}

struct HoldFixture {
  explicit HoldFixture(Options const& options = holding(4, 6)) : life(disk, options) { reopen(); }
  void reopen() { BOOST_TEST_REQUIRE(life.open(), life.failure.message); }

  SimulatedDisk disk{{}};
  LogFixture life;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(log_hold_test, HoldFixture)

BOOST_AUTO_TEST_CASE(until_somebody_says_from_where_everything_is_held) {
  life.fill(70);
  BOOST_TEST(life.metrics().segments > 6U);
  BOOST_TEST(life.listener.expired == 0U);
  life.crash(Crash::kill);
  reopen();
  life.fill(5);
  BOOST_TEST(life.sink.payloads.contains(1));
  BOOST_TEST(life.listener.expired == 0U);
}

BOOST_AUTO_TEST_CASE(what_is_held_stays_and_what_lies_before_it_goes) {
  life.log->hold_from(25);
  life.fill(80);
  BOOST_TEST(life.listener.expired >= 10U);
  BOOST_TEST(life.listener.expired < 25U);
}

BOOST_AUTO_TEST_CASE(a_hold_that_moves_lets_retention_follow) {
  life.fill(70);
  life.log->hold_from(life.log->next_seq());
  life.fill(12);
  BOOST_TEST(life.metrics().log_bytes <= life.log->options().retain_bytes);
}

BOOST_AUTO_TEST_CASE(above_its_limit_the_log_holds_nothing) {
  life.fill(300);
  auto const limit = life.log->options().retain_bytes + life.log->options().hold_bytes;
  BOOST_TEST(life.metrics().log_bytes <= limit);
  BOOST_TEST(life.metrics().log_bytes > limit - 2 * life.log->options().segment_bytes);
  BOOST_TEST(life.log->gaps().totals().expired == life.listener.expired);
}

BOOST_AUTO_TEST_CASE(what_is_held_does_not_age_and_makes_no_segments_turn) {
  SimulatedDisk other{{}};
  auto options = LogFixture::small_options();
  options.retain_age = 100s;
  options.hold_bytes = 1;
  LogFixture log(other, options);
  BOOST_TEST_REQUIRE(log.open(), log.failure.message);
  for (int i = 0; i < 3; ++i) log.write("text");
  auto const made = log.metrics().segments_made;
  for (int i = 0; i < 20; ++i) log.wait(100s);
  BOOST_TEST(log.metrics().segments_made == made);
  BOOST_TEST(log.listener.expired == 0U);
  log.log->hold_from(4);
  for (int i = 0; i < 3; ++i) log.wait(100s);
  BOOST_TEST(log.listener.expired == 3U);
}

// Ages that are written down for entries which nobody lets go would fill the log.
BOOST_AUTO_TEST_CASE(a_log_that_is_held_writes_down_no_ages_but_of_its_starts) {
  for (bool const clean : {true, false}) {
    SimulatedDisk other{{}};
    auto options = holding(0, 1);
    options.retain_age = 100s;
    LogFixture log(other, options);
    for (int start = 0; start < 3; ++start) {
      BOOST_TEST_REQUIRE(log.open(), log.failure.message);
      if (start == 0) log.fill(25);
      log.idle();
      auto const operations = other.operations();
      for (int i = 0; i < 1000; ++i) log.wait(100s);
      BOOST_TEST(other.operations() == operations);
      BOOST_TEST(log.listener.expired == 0U);
      if (clean) {
        log.stop();
      } else {
        log.crash(Crash::kill);
      }
    }
    BOOST_TEST_REQUIRE(log.open(), log.failure.message);
    log.settle();
    log.log->hold_from(log.log->next_seq());
    for (int i = 0; i < 3; ++i) log.wait(100s);
    BOOST_TEST(log.listener.expired == 25U);
  }
}

BOOST_AUTO_TEST_SUITE_END()
