// Crashes a log at random moments, many times over, and asks the oracle after every restart: its
// header says what is checked. STELE_SEED and STELE_RUNS choose the runs; a failure names its own.
#include <boost/test/unit_test.hpp>
#include <iostream>

#include "support/environment.hpp"
#include "support/log_fixture.hpp"
#include "support/log_oracle.hpp"
#include "support/sanitized.hpp"

using stele::test::Crash;
using stele::test::is_sanitized_test;
using stele::test::LogFixture;
using stele::test::LogOracle;
using stele::test::number_from_environment;
using stele::test::SimulatedDisk;

namespace {

/// Appends, commits, lets the disk work and time pass, in random order, until the disk stops.
void work(SimulatedDisk& disk, LogFixture& life, LogOracle& oracle) {
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
    LogOracle oracle;
    auto options = LogFixture::small_options();
    if (disk.random(2) == 0) options.retain_bytes = 4 * options.segment_bytes;
    auto const lives = 2 + disk.random(4);
    for (std::uint64_t life_no = 0; life_no < lives; ++life_no) {
      LogFixture life(disk, options);
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
    LogFixture last(disk, options);
    BOOST_TEST_REQUIRE(last.open(), last.failure.message);
    oracle.check(last);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(log_crash_test)

BOOST_AUTO_TEST_CASE(acknowledged_payloads_survive_any_crash) {
  auto const first = number_from_environment("STELE_SEED", 1);
  auto const runs = number_from_environment("STELE_RUNS", is_sanitized_test ? 80 : 400);
  std::cout << "STELE_SEED=" << first << " STELE_RUNS=" << runs << '\n';
  for (auto seed = first; seed < first + runs; ++seed) run(seed);
}

BOOST_AUTO_TEST_SUITE_END()
