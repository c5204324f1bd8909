// A real ext4 that turns read-only under load, as it does when its own blocks cannot be written:
// the daemon ends with 74, and on the mended disk everything acknowledged is there.
// STELE_READ_ONLY_CASES: how often. STELE_SEED: the load.
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <random>
#include <string>

#include "faults/mounts.hpp"
#include "faults/rig.hpp"
#include "support/environment.hpp"
#include "support/load.hpp"

using namespace stele::test;

BOOST_AUTO_TEST_SUITE(read_only_test, *boost::unit_test::precondition(has_fault_disks))

namespace {

constexpr std::uint64_t disk_bytes = 64 << 20;
constexpr std::size_t more_replies = 100'000;

}  // namespace

BOOST_DATA_TEST_CASE(a_disk_that_turns_read_only_ends_the_daemon_and_loses_nothing_acknowledged,
                     ways_of_writing(), way) {
  auto const cases = number_from_environment("STELE_READ_ONLY_CASES", 2);
  auto const seed = number_from_environment("STELE_SEED", std::random_device()());
  std::mt19937_64 random(seed);
  TempDir const home;
  Mount const memory({"tmpfs", "tmpfs", "size=128M"}, home / "memory");
  auto const image = memory.path() + "/image";
  make_ext4(image, disk_bytes);
  Steled daemon(way.backend, small_log_flags(way));
  KillOracle oracle;
  std::size_t failures = 0;
  for (std::size_t i = 0; i < cases; ++i) {
    MountedImage mounted(image, memory.path() + "/disk");
    daemon.keep_data_in(mounted.path() + "/data");
    daemon.start();
    Load load({.socket = daemon.socket(), .name = "r" + std::to_string(i)}, random);
    BOOST_REQUIRE(load.wait_for_replies(1 + random() % 500, daemon.process()));
    BOOST_REQUIRE(mounted.mount().remount(0, "abort"));
    BOOST_TEST(!load.wait_for_replies(more_replies, daemon.process()));
    BOOST_TEST(daemon.process().wait() == 74, daemon.log());
    load.finish();
    load.tell(oracle);
    mounted.unmount();

    repair_ext4(image);
    MountedImage mended(image, memory.path() + "/disk");
    daemon.start();
    auto const sentences = judge_start(oracle, look_at(daemon));
    for (auto const& sentence : sentences) BOOST_ERROR(sentence);
    failures += sentences.size();
    daemon.kill_hard();
    mended.unmount();
  }
  print({.fault = "disk turned read-only, " + to_string(way),
         .cases = cases,
         .failures = failures,
         .details = std::to_string(oracle.acknowledged()) + " entries acknowledged",
         .repeat = "STELE_SEED=" + std::to_string(seed) +
                   " STELE_READ_ONLY_CASES=" + std::to_string(cases)});
}

BOOST_AUTO_TEST_SUITE_END()
