// How a log ended: MANIFEST of a closed log says it, so that an end which is not there any more is
// damage, down to the last trace of it; and a crash at any step of a stop takes nothing.
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "support/known_log.hpp"
#include "wal/format/manifest.hpp"
#include "wal/format/segment_name.hpp"

using namespace stele::wal;
using stele::test::commits_of;
using stele::test::Crash;
using stele::test::is_named;
using stele::test::KnownLog;
using stele::test::LogFixture;
using stele::test::PlacedCommit;
using stele::test::SimulatedDisk;

BOOST_AUTO_TEST_SUITE(log_end_test)

namespace {

std::string const manifest_file(manifest_name);

Manifest manifest_of(SimulatedDisk const& disk) {
  auto const& bytes = disk.bytes(manifest_file);
  auto const decoded =
      decode_manifest(std::span<std::byte const, manifest_bytes>(bytes.data(), manifest_bytes));
  return std::get<Manifest>(decoded);
}

/// Lives one life that ends with a stop.
void live_and_stop(KnownLog& log, int payloads) {
  LogFixture life(log.disk);
  BOOST_TEST_REQUIRE(life.open(), life.failure.message);
  log.write_large(life, payloads);
  life.stop();
}

/// Two lives, each over more than one segment.
KnownLog closed_log() {
  KnownLog log;
  live_and_stop(log, 14);
  live_and_stop(log, 14);
  return log;
}

/// Puts zeros over all commits from this one on.
void cut(SimulatedDisk& disk, std::vector<std::string> const& names, std::size_t from,
         std::uint64_t offset) {
  for (auto i = from; i < names.size(); ++i) {
    auto& bytes = disk.bytes(names[i]);
    auto const begin = i == from ? offset : first_commit_offset;
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(begin), bytes.end(), std::byte{0});
  }
}

}  // namespace

// No test cut a log at a commit: what was cut off is as clean as what was never written.
BOOST_AUTO_TEST_CASE(zeros_from_any_commit_of_a_closed_log_on_are_damage_and_no_seq_comes_twice) {
  auto const log = closed_log();
  auto const names = stele::test::segments_of(log.disk);
  auto const next_seq = log.payloads.rbegin()->first + 1;
  int cuts = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    for (auto const& commit : commits_of(log.disk, names[i])) {
      BOOST_TEST_CONTEXT(names[i] << " at " << commit.offset) {
        auto disk = log.disk.clone();
        cut(disk, names, i, commit.offset);
        auto const start = log.check_start(disk);
        BOOST_TEST(start.complains());
        BOOST_TEST(start.next_seq == next_seq, "the end is known to the seq");
        ++cuts;
      }
    }
  }
  BOOST_TEST(cuts > 28);
}

BOOST_AUTO_TEST_CASE(a_closed_log_that_lost_its_end_is_refused_if_the_options_say_so) {
  auto const log = closed_log();
  auto const names = stele::test::segments_of(log.disk);
  auto disk = log.disk.clone();
  auto const last = commits_of(disk, names[3]).back();
  cut(disk, names, 3, last.offset);
  auto options = LogFixture::small_options();
  options.on_damage = OnDamage::refuse;
  LogFixture life(disk, options);
  BOOST_TEST(!life.open());
  BOOST_TEST((life.failure.code == Errc::damaged));
}

BOOST_AUTO_TEST_CASE(manifest_names_the_end_of_a_closed_log_and_of_no_other) {
  KnownLog log;
  live_and_stop(log, 3);
  auto const closed = manifest_of(log.disk);
  BOOST_TEST(closed.end_seq == 4u);
  BOOST_TEST(closed.durable_commit == 5u);  // A MARK, three payloads, and the SEAL.
  LogFixture life(log.disk);
  BOOST_TEST_REQUIRE(life.open());
  BOOST_TEST(manifest_of(log.disk).end_seq == 0u);
  life.crash(Crash::kill);
  BOOST_TEST(manifest_of(log.disk).end_seq == 0u);
}

BOOST_AUTO_TEST_CASE(a_crash_at_any_step_of_a_stop_takes_nothing) {
  for (auto const kind : {Crash::kill, Crash::power_cut}) {
    for (std::uint64_t step = 0;; ++step) {
      BOOST_TEST_CONTEXT("step " << step) {
        KnownLog log;
        log.disk = SimulatedDisk({.seed = step + 1});
        bool whole = false;
        {
          LogFixture life(log.disk);
          BOOST_TEST_REQUIRE(life.open());
          log.write_large(life, 14);
          life.settle();
          log.disk.stop_after(step);
          whole = life.log->close().has_value() && !log.disk.stopped();
          life.crash(kind);
        }
        LogFixture again(log.disk);
        BOOST_TEST_REQUIRE(again.open(), again.failure.message);
        BOOST_TEST((again.sink.payloads == log.payloads));
        for (auto const& gap : again.report().gaps) BOOST_TEST((gap.reason == GapReason::torn));
        for (auto const& finding : again.report().findings) {
          BOOST_TEST(finding.find("an unfinished commit") != std::string::npos, finding);
        }
        if (whole) {
          BOOST_TEST(step >= 5u);
          break;
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_full_disk_does_not_keep_a_log_from_being_closed) {
  KnownLog log;
  {
    LogFixture life(log.disk);
    BOOST_TEST_REQUIRE(life.open());
    log.write_large(life, 3);
    life.settle();
    log.disk.set_capacity(log.disk.used_bytes());
    life.stop();
  }
  log.disk.set_capacity(UINT64_MAX);
  LogFixture again(log.disk);
  BOOST_TEST_REQUIRE(again.open());
  BOOST_TEST((again.sink.payloads == log.payloads));
  BOOST_TEST(again.report().clean_stop);
}

// Nothing that a client wrote is missing, but what was on disk is not there: a start tells it as a
// check does.
BOOST_AUTO_TEST_CASE(damage_that_costs_no_entries_is_told_by_a_start_as_by_a_check) {
  for (bool const is_seal : {true, false}) {
    SimulatedDisk disk{{}};
    LogFixture life(disk);
    BOOST_TEST_REQUIRE(life.open());
    life.write("payload");
    life.stop();
    BOOST_TEST_REQUIRE(life.open());
    BOOST_TEST(!life.report().damage_without_seqs);
    life.stop();
    auto const name = segment_name(2);
    if (is_seal) {
      auto const seal = commits_of(disk, name).back();
      BOOST_TEST_REQUIRE((seal.header.kind == CommitKind::seal));
      std::fill_n(disk.bytes(name).begin() + static_cast<std::ptrdiff_t>(seal.offset),
                  seal.end - seal.offset, std::byte{0});
    } else {
      disk.remove(std::string(manifest_name));
    }
    auto copy = disk.clone();
    auto const checked = check_log(*copy.mount(), [] { return false; });
    BOOST_TEST_REQUIRE(checked.has_value());
    BOOST_TEST(checked->has(Finding::Kind::damage));
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    BOOST_TEST((life.sink.payloads == std::map<Seq, std::string>{{1, "payload"}}));
    BOOST_TEST(life.report().damage_without_seqs);
  }
}

BOOST_AUTO_TEST_SUITE_END()
