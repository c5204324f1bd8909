// Retention by age: whole segments, the oldest first, also of a log that nobody writes to.
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <string>

#include "support/log_fixture.hpp"
#include "support/segment_view.hpp"
#include "wal/format/segment_name.hpp"
#include "wal/gap_ledger.hpp"
#include "wal/log.hpp"

using namespace stele::wal;
using namespace std::chrono_literals;
using stele::test::Crash;
using stele::test::LogFixture;
using stele::test::SimulatedDisk;

namespace {

Options keeping(std::chrono::seconds age) {
  auto options = LogFixture::small_options();
  options.retain_age = age;
  return options;
}

struct AgeFixture {
  AgeFixture() { reopen(); }
  void reopen() { BOOST_TEST_REQUIRE(life.open(), life.failure.message); }

  SimulatedDisk disk{{}};
  LogFixture life{disk, keeping(100s)};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(log_age_test, AgeFixture)

BOOST_AUTO_TEST_CASE(segments_go_when_their_last_commit_is_too_old_and_not_before) {
  life.fill(15);
  auto const second = life.metrics().active_first_seq;
  life.wait(60s);
  life.fill(15);
  life.wait(39s);
  BOOST_TEST(life.metrics().segments_removed == 0U);
  life.wait(20s);
  BOOST_TEST(life.metrics().segments_removed == 1U);
  BOOST_TEST(life.listener.expired == second - 1);
  BOOST_TEST(life.log->gaps().totals().expired == second - 1);
}

BOOST_AUTO_TEST_CASE(a_log_that_is_written_to_no_more_is_empty_after_twice_the_age) {
  life.fill(3);
  life.wait(99s);
  BOOST_TEST(life.listener.expired == 0U);
  life.wait(130s);
  BOOST_TEST(life.listener.expired == 3U);
  auto const made = life.metrics().segments_made;
  for (int i = 0; i < 20; ++i) life.wait(100s);
  BOOST_TEST(life.metrics().segments_made == made);
  life.stop();
  reopen();
  BOOST_TEST(life.sink.payloads.empty());
  BOOST_TEST(life.write("next") == 4U);
}

BOOST_AUTO_TEST_CASE(age_is_counted_over_stops_and_kills_and_by_no_clock_but_the_own) {
  for (bool const clean : {true, false}) {
    SimulatedDisk other{{}};
    LogFixture log(other, keeping(100s));
    BOOST_TEST_REQUIRE(log.open(), log.failure.message);
    log.fill(3);
    for (int start = 1; start <= 3; ++start) {
      if (clean) {
        log.stop();
      } else {
        log.crash(Crash::kill);
      }
      log.now += 1'000'000s * start;  // Nobody counts what passes while it is closed,
      if (start == 2) log.now = {};   // and each life's clock begins somewhere.
      BOOST_TEST_REQUIRE(log.open(), log.failure.message);
      BOOST_TEST(log.sink.payloads.size() == 3U);
      log.settle();
      BOOST_TEST(log.listener.expired == 0U);
      log.wait(30s);
      BOOST_TEST(log.listener.expired == 0U, "start " << start);
    }
    // A kill loses what was counted since the last record: an eighth of the age at most.
    log.wait(clean ? 25s : 25s + 2 * 13s);
    BOOST_TEST(log.listener.expired == 3U, (clean ? "clean" : "killed"));
  }
}

BOOST_AUTO_TEST_CASE(a_log_that_is_given_an_age_counts_from_then_on) {
  SimulatedDisk other{{}};
  {
    LogFixture log(other, LogFixture::small_options());
    BOOST_TEST_REQUIRE(log.open(), log.failure.message);
    log.fill(3);
    log.wait(1000s);
    log.stop();
  }
  LogFixture log(other, keeping(100s));
  BOOST_TEST_REQUIRE(log.open(), log.failure.message);
  log.settle();
  log.wait(99s);
  BOOST_TEST(log.listener.expired == 0U);
  log.wait(13s);
  BOOST_TEST(log.listener.expired == 3U);
}

// Nothing is left but what is named as expired, and gaps: every later start goes on from there.
BOOST_AUTO_TEST_CASE(a_log_of_which_everything_has_expired_starts_again_and_again) {
  for (bool const clean : {true, false}) {
    SimulatedDisk other{{}};
    LogFixture log(other, keeping(100s));
    for (Seq seq = 1; seq <= 4; ++seq) {
      for (int start = 0; start < 3; ++start) {
        BOOST_TEST_REQUIRE(log.open(), log.failure.message);
        BOOST_TEST(log.log->next_seq() == seq);
        BOOST_TEST(log.sink.payloads.empty());
        BOOST_TEST(log.report().findings.empty());
        BOOST_TEST(log.log->gaps().totals().expired == seq - 1);
        log.settle();
        if (start == 2) BOOST_TEST(log.write("text") == seq);
        log.wait(250s);
        if (clean) {
          log.stop();
        } else {
          log.crash(Crash::kill);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(an_empty_log_writes_down_no_age) {
  life.wait(1000s);
  auto const marks = life.metrics().marks;
  auto const operations = disk.operations();
  life.wait(100'000s);
  BOOST_TEST(life.metrics().marks == marks);
  BOOST_TEST(disk.operations() == operations);
}

// Once everything is known to be too old, or as long as nothing has been left, there is nothing to
// say.
BOOST_AUTO_TEST_CASE(an_idle_log_writes_down_no_more_ages_than_payloads_need) {
  life.fill(15);
  auto const segments = life.metrics().segments;
  auto const marks = life.metrics().marks;
  for (int i = 0; i < 40; ++i) life.wait(100s);
  BOOST_TEST(life.listener.expired == 15U);
  BOOST_TEST(life.metrics().marks - marks < 50U);
  BOOST_TEST(life.metrics().segments <= segments);
}

BOOST_AUTO_TEST_CASE(without_an_age_nothing_goes_however_long_it_lies) {
  SimulatedDisk other{{}};
  LogFixture log(other, LogFixture::small_options());
  BOOST_REQUIRE(log.open());
  log.fill(30);
  log.idle();
  log.now += 1'000'000'000s;
  log.log->on_timer(log.now);
  log.settle();
  BOOST_TEST(log.metrics().segments_removed == 0U);
  BOOST_TEST(!log.log->next_deadline().has_value());
}

BOOST_AUTO_TEST_CASE(a_crash_at_any_point_of_it_loses_nothing_that_is_not_named) {
  for (std::uint64_t operations = 0; operations < 24; ++operations) {
    BOOST_TEST_CONTEXT(operations << " operations") {
      SimulatedDisk other{{.seed = operations + 1}};
      LogFixture log(other, keeping(100s));
      BOOST_REQUIRE(log.open());
      log.fill(15);
      log.idle();
      other.stop_after(operations);
      for (int i = 0; i < 3; ++i) {
        log.now += 100s;
        log.log->on_timer(log.now);
        log.settle();
      }
      log.crash(Crash::power_cut);
      BOOST_TEST_REQUIRE(log.open(), log.failure.message);
      auto const totals = log.log->gaps().totals();
      BOOST_TEST(totals.damaged == 0U);
      BOOST_TEST(totals.torn == 0U);
      BOOST_TEST(log.sink.payloads.size() + log.expired_when_opened() == 15U);
      BOOST_TEST(log.listener.expired <= totals.expired);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_sink_that_is_full_ends_the_start) {
  struct FullSink final : RecoverySink {
    void on_payload(Seq, std::string_view) override {}
    bool is_full() const noexcept override { return true; }
  };
  life.fill(3);
  life.stop();
  FullSink sink;
  stele::test::RecordingListener listener;
  auto const directory = disk.mount();
  auto const opened = Log::open(*directory, keeping(100s), sink, listener);
  BOOST_REQUIRE(!opened);
  BOOST_TEST(opened.error().code == make_error_code(Errc::sink_full));
}

BOOST_AUTO_TEST_SUITE_END()
