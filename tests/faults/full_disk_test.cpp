// A real ext4 that somebody else fills: writes are refused with no_space, reads go on, and when
// there is space again writing goes on by itself. 16 clients; the daemon is never restarted.
// STELE_FULL_DISK_CYCLES: how often it is filled. STELE_SEED: the load.
#include <fcntl.h>
#include <unistd.h>

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <filesystem>
#include <random>
#include <string>

#include "faults/mounts.hpp"
#include "faults/rig.hpp"
#include "support/environment.hpp"
#include "support/load.hpp"
#include "support/subject.hpp"

using namespace stele::test;

BOOST_AUTO_TEST_SUITE(full_disk_test, *boost::unit_test::precondition(has_fault_disks))

namespace {

constexpr std::uint64_t disk_bytes = 64 << 20;
constexpr std::size_t clients = 16;
constexpr std::chrono::milliseconds look_delay{5};

/// Takes all the space there is, down to the last block.
void fill(std::string const& path) {
  int const fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  std::string const piece(std::size_t{1} << 20, 'f');
  for (std::size_t bytes = piece.size(); bytes >= 4096; bytes /= 2) {
    while (::write(fd, piece.data(), bytes) > 0) {
    }
  }
  ::close(fd);
}

std::string state_of(WirePeer& peer) {
  return std::string(peer.ask(R"({"op":"stats"})").at("state").as_string());
}

}  // namespace

BOOST_DATA_TEST_CASE(a_disk_that_fills_and_empties_stops_writers_and_nothing_else,
                     ways_of_writing(), way) {
  auto const cycles = number_from_environment("STELE_FULL_DISK_CYCLES", 1);
  auto const seed = number_from_environment("STELE_SEED", std::random_device()());
  std::mt19937_64 random(seed);
  TempDir const home;
  Mount const memory({"tmpfs", "tmpfs", "size=128M"}, home / "memory");
  make_ext4(memory.path() + "/image", disk_bytes);
  MountedImage mounted(memory.path() + "/image", memory.path() + "/disk");
  auto flags = small_log_flags(way);
  flags.insert(flags.end(), {"--retain-bytes", "16M"});
  Steled daemon(way.backend, flags);
  daemon.keep_data_in(mounted.path() + "/data");
  daemon.start();
  auto const filler = mounted.path() + "/filler";
  WirePeer watcher(daemon.socket());
  std::chrono::milliseconds longest{0};
  Load load({.socket = daemon.socket(), .name = "f", .writers = clients}, random);
  for (std::size_t cycle = 0; cycle < cycles; ++cycle) {
    fill(filler);
    while (state_of(watcher) != "no_space") {
      fill(filler);
      BOOST_REQUIRE_MESSAGE(!daemon.process().wait_for(look_delay), daemon.log());
    }
    BOOST_TEST(error_code_of(watcher.ask(R"({"op":"read_logs","limit":1})")) == "");
    BOOST_REQUIRE(load.wait_for_replies(clients, daemon.process()));

    std::filesystem::remove(filler);
    auto const freed = std::chrono::steady_clock::now();
    while (state_of(watcher) != "ok") {
      BOOST_REQUIRE_MESSAGE(!daemon.process().wait_for(look_delay), daemon.log());
      BOOST_REQUIRE(std::chrono::steady_clock::now() < freed + patience);
    }
    longest = std::max(longest, std::chrono::duration_cast<std::chrono::milliseconds>(
                                    std::chrono::steady_clock::now() - freed));
    BOOST_REQUIRE(load.wait_for_replies(100, daemon.process()));
  }
  load.finish();
  KillOracle oracle;
  load.tell(oracle);
  auto failures = judge_start(oracle, look_at(daemon));
  daemon.kill_hard();
  daemon.start();
  auto const again = judge_start(oracle, look_at(daemon));
  failures.insert(failures.end(), again.begin(), again.end());
  for (auto const& sentence : failures) BOOST_ERROR(sentence);
  BOOST_TEST(load.refused() > 0U);
  daemon.kill_hard();
  mounted.unmount();
  print({.fault = "full disk, " + to_string(way),
         .cases = cycles,
         .failures = failures.size(),
         .details = std::to_string(load.acknowledged()) + " entries acknowledged, " +
                    std::to_string(load.refused()) + " writes refused, at the latest " +
                    std::to_string(longest.count()) + " ms from space to writing",
         .repeat = "STELE_SEED=" + std::to_string(seed) +
                   " STELE_FULL_DISK_CYCLES=" + std::to_string(cycles)});
  BOOST_WARN_MESSAGE(longest.count() <= 2000, "writing resumed later than promised");
}

BOOST_AUTO_TEST_SUITE_END()
