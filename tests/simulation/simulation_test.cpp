// The whole of the daemon's logic on a simulated disk: the header of ledger.hpp says what holds.
//   STELE_SEED=42 STELE_SIM_RUNS=1000000 build/release/bin/simulation_test
// A failure names its seed; STELE_SIM_RUNS=1 with that seed repeats it exactly.
#include <spdlog/spdlog.h>

#include <boost/test/unit_test.hpp>
#include <iostream>

#include "simulation/simulation.hpp"
#include "support/environment.hpp"

using stele::test::Crash;
using stele::test::number_from_environment;
using stele::test::Simulation;
using stele::test::SimulationCounts;

namespace {

void print(SimulationCounts const& counts) {
  std::cout << counts.runs << " runs, " << counts.lives << " lives: " << counts.crashes_at_work
            << " crashes at work, " << counts.crashes_in_recovery << " in recovery, "
            << counts.disk_errors << " disk errors, " << counts.full_disks << " full disks, "
            << counts.clean_stops << " clean stops, " << counts.aged_lives
            << " with entries that went by age, " << counts.starts_on_nothing
            << " starts on a log of which nothing was left, " << counts.segments_made
            << " segments; " << counts.acknowledged << " entries acknowledged\n";
}

/// The daemon says on every crash what happened.
struct QuietLog {
  QuietLog() { spdlog::set_level(spdlog::level::off); }
  ~QuietLog() { spdlog::set_level(spdlog::level::info); }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(simulation_test, QuietLog)

BOOST_AUTO_TEST_CASE(what_was_promised_holds_after_any_crash) {
  auto const first = number_from_environment("STELE_SEED", 1);
  auto const runs = number_from_environment("STELE_SIM_RUNS", STELE_SIM_RUNS_DEFAULT);
  std::cout << "STELE_SEED=" << first << " STELE_SIM_RUNS=" << runs << ", commit " << STELE_COMMIT
            << '\n';
  SimulationCounts counts;
  for (auto seed = first; seed < first + runs; ++seed) {
    BOOST_TEST_CONTEXT("STELE_SEED=" << seed << " STELE_SIM_RUNS=1, commit " << STELE_COMMIT) {
      Simulation(seed, counts).run();
    }
  }
  print(counts);
  bool const all = counts.crashes_at_work > 0 && counts.crashes_in_recovery > 0 &&
                   counts.disk_errors > 0 && counts.full_disks > 0 && counts.clean_stops > 0 &&
                   counts.aged_lives > 0 && counts.starts_on_nothing > 0;
  BOOST_TEST((runs < 100 || all), "the runs did not meet every kind of end");
}

BOOST_AUTO_TEST_CASE(what_was_promised_holds_after_a_cut_at_every_storage_operation) {
  SimulationCounts counts;
  auto const seeds = number_from_environment("STELE_SIM_CUT_SEEDS", STELE_SIM_CUT_SEEDS_DEFAULT);
  std::uint64_t cuts = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    for (auto const kind : {Crash::kill, Crash::power_cut}) {
      bool cut = true;
      for (std::uint64_t operations = 0; cut; ++operations) {
        BOOST_TEST_CONTEXT("seed " << seed << ", cut after " << operations) {
          cut = Simulation(seed, counts).run_cut_after(operations, kind);
          ++cuts;
        }
      }
    }
  }
  std::cout << cuts << " cuts: " << seeds << " workloads, each cut after every storage operation\n";
}

BOOST_AUTO_TEST_SUITE_END()
