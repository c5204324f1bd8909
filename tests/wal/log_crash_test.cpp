// Crashes a log at random moments, many times over, and asks the oracle.
//
// Invariants checked after every restart:
//  - every payload that was reported durable is there, at its seq, with its bytes;
//  - every payload that is there was appended, at that seq;
//  - what a restart has once delivered, every later restart delivers;
//  - a group is there as a whole or not at all;
//  - a missing seq below a present one is named by a gap record, and none of them was durable;
//  - no start reports damage: a crash alone never looks like it.
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <iostream>
#include <set>

#include "support/log_fixture.hpp"

using stele::test::Crash;
using stele::test::LogFixture;
using stele::test::SimulatedDisk;
using stele::wal::Gap;
using stele::wal::GapReason;
using stele::wal::Seq;

namespace {

std::uint64_t from_environment(char const* name, std::uint64_t otherwise) {
  char const* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

struct SentGroup {
  Seq first = 0;
  std::vector<std::string> payloads{};
};

class Oracle {
 public:
  void sent(Seq first, std::vector<std::string> payloads) {
    groups_.push_back({first, std::move(payloads)});
  }
  void durable(Seq seq) { durable_ = std::max(durable_, seq); }

  void check(LogFixture const& life) {
    auto const& found = life.sink.payloads;
    auto const& report = life.log->recovery();
    std::string findings;
    for (auto const& finding : report.findings) findings += "\n  " + finding;
    BOOST_TEST(report.findings.size() <= 1u, "findings:" << findings);
    for (auto const& gap : report.gaps) BOOST_TEST((gap.reason == GapReason::torn));

    std::map<Seq, std::string> expected;
    for (auto const& group : groups_) {
      if (!is_there(group, found)) continue;
      for (std::size_t i = 0; i < group.payloads.size(); ++i) {
        expected[group.first + i] = group.payloads[i];
      }
    }
    BOOST_TEST((found == expected));
    for (Seq seq = 1; seq <= durable_; ++seq) {
      BOOST_TEST((found.contains(seq) || was_gap_before(seq)), "durable seq " << seq << " is lost");
    }
    for (auto const& [seq, payload] : delivered_) {
      auto const again = found.find(seq);
      BOOST_TEST((again != found.end() && again->second == payload),
                 "seq " << seq << " was delivered once and is gone");
    }
    check_density(found, report.gaps);
    delivered_ = found;
    gaps_ = report.gaps;
    durable_ = std::max(durable_, life.log->next_seq() - 1);
  }

 private:
  static bool is_there(SentGroup const& group, std::map<Seq, std::string> const& found) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < group.payloads.size(); ++i) {
      auto const at = found.find(group.first + i);
      if (at != found.end() && at->second == group.payloads[i]) ++count;
    }
    BOOST_TEST((count == 0 || count == group.payloads.size()), "a group is there in part");
    return count > 0;
  }

  bool was_gap_before(Seq seq) const {
    return std::ranges::any_of(
        gaps_, [&](Gap const& gap) { return gap.first_seq <= seq && seq <= gap.last_seq; });
  }

  static void check_density(std::map<Seq, std::string> const& found, std::vector<Gap> const& gaps) {
    std::set<Seq> named;
    for (auto const& gap : gaps) {
      for (auto seq = gap.first_seq; seq <= gap.last_seq; ++seq) named.insert(seq);
    }
    Seq next = 1;
    for (auto const& [seq, payload] : found) {
      for (; next < seq; ++next) BOOST_TEST(named.contains(next), "seq " << next << " is unnamed");
      BOOST_TEST(!named.contains(seq));
      next = seq + 1;
    }
  }

  std::vector<SentGroup> groups_{};
  std::map<Seq, std::string> delivered_{};
  std::vector<Gap> gaps_{};
  Seq durable_ = 0;
};

/// Appends, commits, lets the disk work and time pass, in random order, until the disk stops.
void work(SimulatedDisk& disk, LogFixture& life, Oracle& oracle) {
  std::uint64_t id = 0;
  for (int step = 0; step < 400 && !disk.stopped() && life.listener.failures.empty(); ++step) {
    auto const choice = disk.random(10);
    if (choice < 4 && !life.log->admit(4, 8000)) {
      std::vector<std::string> payloads;
      for (auto count = disk.random(3) + 1; count > 0; --count) {
        auto const text = std::to_string(life.log->next_seq()) + "/" + std::to_string(++id) + ":";
        payloads.push_back(text + std::string(disk.random(2000), 'x'));
      }
      auto const first = life.append_group(payloads);
      oracle.sent(first, std::move(payloads));
    } else if (choice < 6) {
      life.start_commit();
    } else if (choice < 9) {
      life.poll();
    } else {
      life.advance_ms(30);
    }
    oracle.durable(life.listener.durable);
  }
}

void run(std::uint64_t seed) {
  BOOST_TEST_CONTEXT("STELE_SEED=" << seed << " STELE_RUNS=1") {
    SimulatedDisk disk({.seed = seed});
    Oracle oracle;
    auto const lives = 2 + disk.random(4);
    for (std::uint64_t life_no = 0; life_no < lives; ++life_no) {
      LogFixture life(disk);
      auto const kind = disk.random(2) == 0 ? Crash::kill : Crash::power_cut;
      // Low numbers stop it in recovery and in the making of the first segment.
      disk.stop_after(disk.random(disk.random(4) == 0 ? 160 : 1500));
      if (life.open()) {
        oracle.check(life);
        work(disk, life, oracle);
      } else {
        BOOST_TEST(disk.stopped(), life.failure.message);
      }
      life.crash(kind);
    }
    LogFixture last(disk);
    BOOST_TEST_REQUIRE(last.open(), last.failure.message);
    oracle.check(last);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(log_crash_test)

BOOST_AUTO_TEST_CASE(acknowledged_payloads_survive_any_crash) {
  auto const first = from_environment("STELE_SEED", 1);
  auto const runs = from_environment("STELE_RUNS", 1000);
  std::cout << "STELE_SEED=" << first << " STELE_RUNS=" << runs << '\n';
  for (auto seed = first; seed < first + runs; ++seed) run(seed);
}

BOOST_AUTO_TEST_SUITE_END()
