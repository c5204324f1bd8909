// A write or sync that fails is final: no later success is believed, and a restart finds the truth.
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "support/log_fixture.hpp"
#include "wal/format/segment_name.hpp"
#include "wal/log.hpp"

using namespace stele::wal;
using stele::test::Crash;
using stele::test::LogFixture;
using stele::test::SimulatedDisk;

BOOST_AUTO_TEST_SUITE(log_failure_test)

namespace {

auto const eio = make_error_code(boost::system::errc::io_error);

struct Fixture {
  Fixture() {
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    life.settle();
  }

  SimulatedDisk disk{{}};
  LogFixture life{disk};
};

/// Some of everything that a log does: groups, a mark, several segments, retention, a clean stop.
/// Stops where the log does. Returns the last durable seq.
Seq scripted_work(LogFixture& life, std::map<Seq, std::string>& sent) {
  Seq durable = 0;
  if (!life.open()) return durable;
  for (int i = 0; i < 30 && life.listener.failures.empty(); ++i) {
    auto const text = std::to_string(i) + std::string(6000, 'x');
    if (life.log->admit(1, text.size())) break;
    auto const seq = life.append(text);
    sent[seq] = text;
    life.settle();
    if (i % 10 == 5 && life.listener.failures.empty()) life.idle();
    durable = std::max(durable, life.listener.durable);
  }
  if (life.listener.failures.empty()) (void)life.log->close();
  return durable;
}

Options script_options() {
  auto options = LogFixture::small_options();
  options.retain_bytes = 3 << 16;
  return options;
}

/// Seqs up to here were removed by retention.
Seq expired_to(LogFixture const& life) {
  for (auto const& gap : life.report().gaps) {
    if (gap.reason == GapReason::expired) return gap.last_seq;
  }
  return 0;
}

void check_restart(SimulatedDisk& disk, std::map<Seq, std::string> const& sent, Seq durable) {
  LogFixture life(disk, script_options());
  BOOST_TEST_REQUIRE(life.open(), life.failure.message);
  for (auto const& [seq, payload] : life.sink.payloads) {
    auto const original = sent.find(seq);
    BOOST_TEST((original != sent.end() && original->second == payload), "seq " << seq);
  }
  for (auto seq = expired_to(life) + 1; seq <= durable; ++seq) {
    BOOST_TEST(life.sink.payloads.contains(seq), "durable seq " << seq << " is lost");
  }
  for (auto const& gap : life.report().gaps) BOOST_TEST((gap.reason != GapReason::damaged));
  auto const next = life.write("after");
  BOOST_TEST(life.listener.durable == next);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_failed_commit_is_told_once_and_nothing_is_durable_afterwards) {
  Fixture fix;
  fix.life.write("before");
  fix.life.append("failing");
  fix.disk.fail_after(0, eio);
  fix.life.start_commit();
  fix.life.append("queued behind it");
  fix.life.settle();
  BOOST_TEST(fix.life.listener.failures.size() == 1u);
  BOOST_TEST(fix.life.listener.durable == 1u);
  BOOST_TEST(fix.life.log->durable_seq() == 1u);
  BOOST_TEST((fix.life.log->admit(1, 1) == Errc::failed));
  auto const operations = fix.disk.operations();
  for (int i = 0; i < 5; ++i) {
    fix.life.start_commit();
    fix.life.advance_ms(1000);
    fix.life.poll();
  }
  BOOST_TEST(fix.disk.operations() == operations);
  BOOST_TEST(fix.life.listener.failures.size() == 1u);
  BOOST_TEST(!fix.life.log->next_deadline().has_value());
}

BOOST_AUTO_TEST_CASE(a_failure_names_the_segment_and_the_error) {
  Fixture fix;
  fix.disk.fail_after(0, eio);
  fix.life.write("x");
  BOOST_TEST_REQUIRE(fix.life.listener.failures.size() == 1u);
  BOOST_TEST(fix.life.listener.failures[0] ==
             "wal-0000000000000001.seg: commit failed: " + eio.message());
}

BOOST_AUTO_TEST_CASE(a_short_write_is_a_failure) {
  Fixture fix;
  fix.disk.fail_after(0, Errc::short_write);
  fix.life.write("x");
  BOOST_TEST(fix.life.listener.failures.size() == 1u);
  BOOST_TEST(fix.life.listener.durable == 0u);
}

// The space of a commit was written before it was admitted: even this error is no "disk full".
BOOST_AUTO_TEST_CASE(no_space_for_a_commit_is_a_failure_too) {
  Fixture fix;
  fix.disk.fail_after(0, Errc::no_space);
  fix.life.write("x");
  BOOST_TEST(fix.life.listener.failures.size() == 1u);
  BOOST_TEST(fix.life.listener.refused.empty());
}

BOOST_AUTO_TEST_CASE(a_log_whose_directory_was_replaced_has_failed) {
  SimulatedDisk disk{{}};
  LogFixture life(disk);
  BOOST_TEST_REQUIRE(life.open());
  life.write("kept");
  life.log->check_place();
  BOOST_TEST(life.listener.failures.empty());
  disk.replace_directory();
  life.log->check_place();
  BOOST_TEST(life.listener.failures.size() == 1U);
  BOOST_TEST((life.log->admit(1, 1) == Errc::failed));
  life.log->check_place();
  BOOST_TEST(life.listener.failures.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_commit_into_a_file_without_a_name_is_not_acknowledged) {
  SimulatedDisk disk{{}};
  LogFixture life(disk);
  BOOST_TEST_REQUIRE(life.open());
  life.write("kept");
  auto const durable = life.listener.durable;
  disk.remove(segment_name(1));
  life.append("lost");
  life.settle();
  BOOST_TEST(life.listener.durable == durable);
  BOOST_TEST(life.listener.failures.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_failed_mark_fails_the_log) {
  Fixture fix;
  fix.life.write("x");
  fix.disk.fail_after(0, eio);
  fix.life.idle();
  BOOST_TEST(fix.life.listener.failures.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_failed_seal_is_reported_by_close) {
  Fixture fix;
  fix.life.write("x");
  fix.disk.fail_after(0, eio);
  auto const closed = fix.life.log->close();
  BOOST_TEST_REQUIRE(closed.has_error());
  BOOST_TEST((closed.error().code == eio));
}

BOOST_AUTO_TEST_CASE(a_commit_in_flight_when_the_spare_fails_is_never_acknowledged) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SimulatedDisk disk({.seed = seed});
    LogFixture life(disk);
    BOOST_TEST_REQUIRE(life.open());
    life.append("x");
    life.start_commit();
    disk.fail_after(disk.random(3), eio);
    life.settle();
    if (!disk.has_failed()) continue;  // The spare was almost ready.
    BOOST_TEST_REQUIRE(life.listener.failures.size() == 1u, "seed " << seed);
    auto const durable = life.listener.durable;
    life.settle();
    BOOST_TEST(life.listener.durable == durable);
    life.crash(Crash::power_cut);
    BOOST_TEST_REQUIRE(life.open());
    BOOST_TEST(life.sink.payloads.size() >= durable);
  }
}

BOOST_AUTO_TEST_CASE(after_a_failure_a_restart_finds_the_durable_prefix_and_goes_on) {
  for (auto const kind : {Crash::kill, Crash::power_cut}) {
    Fixture fix;
    fix.life.write("durable");
    fix.disk.fail_after(0, eio);
    fix.life.write("unknown");
    fix.life.crash(kind);
    BOOST_TEST_REQUIRE(fix.life.open(), fix.life.failure.message);
    BOOST_TEST(fix.life.sink.payloads.at(1) == "durable");
    auto const seq = fix.life.write("after");
    BOOST_TEST(seq >= 2u);
    BOOST_TEST(fix.life.listener.durable == seq);
  }
}

BOOST_AUTO_TEST_CASE(every_operation_of_a_life_may_fail_and_no_durable_payload_is_lost) {
  std::uint64_t operations = 0;
  for (auto const kind : {Crash::kill, Crash::power_cut}) {
    for (operations = 0;; ++operations) {
      BOOST_TEST_CONTEXT("operation " << operations) {
        SimulatedDisk disk({.seed = operations + 1});
        std::map<Seq, std::string> sent;
        Seq durable = 0;
        {
          LogFixture life(disk, script_options());
          disk.fail_after(operations, eio);
          durable = scripted_work(life, sent);
          if (!disk.has_failed()) break;
          life.crash(kind);
        }
        check_restart(disk, sent, durable);
      }
    }
    BOOST_TEST(operations > 80u);
  }
}

BOOST_AUTO_TEST_CASE(every_operation_of_a_restart_may_fail_and_the_next_one_works) {
  SimulatedDisk disk{{}};
  std::map<Seq, std::string> sent;
  Seq durable = 0;
  {
    LogFixture life(disk, script_options());
    durable = scripted_work(life, sent);
    life.crash(Crash::kill);
  }
  for (std::uint64_t operation = 0;; ++operation) {
    BOOST_TEST_CONTEXT("operation " << operation) {
      auto copy = disk.clone();
      {
        LogFixture life(copy, script_options());
        copy.fail_after(operation, eio);
        (void)life.open();
        if (!copy.has_failed()) {
          BOOST_TEST(operation > 8u);
          break;
        }
        if (life.log) life.settle();
        life.crash(Crash::power_cut);
      }
      check_restart(copy, sent, durable);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
