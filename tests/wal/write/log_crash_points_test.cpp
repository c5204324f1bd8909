// One short life of a log, crashed behind each of its storage operations; and each restart after
// that, crashed behind each of its own. The oracle's header says what is checked.
#include <boost/test/unit_test.hpp>

#include "support/log_fixture.hpp"
#include "support/log_oracle.hpp"
#include "support/sanitized.hpp"

using stele::test::Crash;
using stele::test::LogFixture;
using stele::test::LogOracle;
using stele::test::SimulatedDisk;
using stele::wal::Options;

namespace {

constexpr Crash kinds[] = {Crash::kill, Crash::power_cut};

Options options() {
  auto options = LogFixture::small_options();
  options.retain_bytes = 3 * options.segment_bytes;
  return options;
}

/// Groups, gathered commits, a mark, turns of segments and, with them, retention.
void script(LogFixture& life, LogOracle& oracle) {
  auto const send = [&](std::vector<std::string> payloads) {
    std::size_t bytes = 0;
    for (auto const& payload : payloads) bytes += payload.size();
    if (!life.listener.failures.empty() || life.log->admit(payloads.size(), bytes)) return;
    auto const first = life.append_group(payloads);
    oracle.sent(first, std::move(payloads));
  };
  auto const settle = [&] {
    life.settle();
    oracle.durable(life.listener.durable);
  };
  send({"one"});
  life.start_commit();
  send({"two", std::string(1500, '3')});
  send({"four"});
  settle();
  life.idle();
  for (char digit = '0'; digit <= '9'; ++digit) {
    send({std::string(20'000, digit), "with it"});
    settle();
  }
  send({"last"});
  settle();
}

/// Lives one life that a crash ends; whether it lived to the end of the script.
bool live(SimulatedDisk& disk, LogOracle& oracle, Crash kind) {
  LogFixture life(disk, options());
  if (life.open()) {
    oracle.check(life);
    script(life, oracle);
  }
  bool const to_the_end = !disk.stopped();
  life.crash(kind);
  return to_the_end;
}

void check_start(SimulatedDisk& disk, LogOracle& oracle) {
  LogFixture life(disk, options());
  BOOST_TEST_REQUIRE(life.open(), life.failure.message);
  oracle.check(life);
  life.crash(Crash::kill);
}

/// Between two operations of a restart that are tried. The sanitizers make them slow; as the first
/// one differs from life to life, they meet every place in a restart, too.
constexpr std::uint64_t restart_step = stele::test::is_sanitized_test ? 12 : 1;
constexpr std::uint64_t seeds = stele::test::is_sanitized_test ? 2 : 4;
constexpr std::uint64_t rows = stele::test::is_sanitized_test ? 15 : 40;

/// Crashes a restart behind its operations in turn, and restarts once more.
void crash_each_restart(SimulatedDisk const& disk, LogOracle const& oracle, Crash kind,
                        std::uint64_t first) {
  for (auto operation = first % restart_step;; operation += restart_step) {
    BOOST_TEST_CONTEXT("restart: operation " << operation) {
      auto copy = disk.clone();
      auto oracle_copy = oracle;
      copy.stop_after(operation);
      LogFixture life(copy, options());
      bool const opened = life.open();
      if (opened) oracle_copy.check(life);
      life.crash(kind);
      check_start(copy, oracle_copy);
      if (opened) return;
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(log_crash_points_test)

BOOST_AUTO_TEST_CASE(a_crash_behind_any_operation_loses_nothing_that_was_durable) {
  for (auto const kind : kinds) {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
      for (std::uint64_t operation = 0;; ++operation) {
        BOOST_TEST_CONTEXT("operation " << operation << ", seed " << seed) {
          SimulatedDisk disk({.seed = seed});
          LogOracle oracle;
          disk.stop_after(operation);
          bool const to_the_end = live(disk, oracle, kind);
          check_start(disk, oracle);
          check_start(disk, oracle);
          if (to_the_end) {
            BOOST_TEST(operation > 70u);
            break;
          }
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_crash_behind_any_operation_of_the_restart_changes_nothing) {
  for (auto const kind : kinds) {
    for (std::uint64_t operation = 0;; ++operation) {
      BOOST_TEST_CONTEXT("operation " << operation) {
        SimulatedDisk disk({.seed = operation + 100});
        LogOracle oracle;
        disk.stop_after(operation);
        bool const to_the_end = live(disk, oracle, kind);
        for (auto const restart_kind : kinds) {
          crash_each_restart(disk, oracle, restart_kind, operation);
        }
        if (to_the_end) break;
      }
    }
  }
}

// As a disk that loses power in a loop: nobody lives long, and nothing that lasted is lost.
BOOST_AUTO_TEST_CASE(crashes_in_a_row_lose_nothing) {
  for (std::uint64_t seed = 1; seed <= rows; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      SimulatedDisk disk({.seed = seed});
      LogOracle oracle;
      for (int life = 0; life < 12; ++life) {
        disk.stop_after(disk.random(40));
        (void)live(disk, oracle, kinds[disk.random(2)]);
      }
      check_start(disk, oracle);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
