// What `stele doctor` makes of the figures of a machine: each check good and bad.
#include "client-lib/cli/offline/doctor_judgement.hpp"

#include <linux/magic.h>

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <ostream>
#include <string>

using namespace stele::cli;
using std::chrono::microseconds;
using std::chrono::milliseconds;

namespace stele::cli {
std::ostream& operator<<(std::ostream& out, Grade grade) { return out << to_string(grade); }
}  // namespace stele::cli

namespace {

bool says(Diagnosis const& diagnosis, std::string_view words) {
  return diagnosis.text.find(words) != std::string::npos;
}

SyncFacts syncs_of(std::chrono::nanoseconds most, std::chrono::nanoseconds worst) {
  SyncFacts facts{.way = "O_DIRECT, RWF_DSYNC"};
  facts.times.assign(180, most);
  facts.times.insert(facts.times.begin(), 20, worst);
  return facts;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(doctor_judgement_test)

BOOST_AUTO_TEST_CASE(a_daemon_is_well_if_it_answers_and_says_so) {
  DaemonFacts daemon{.version = "1.2.3", .state = "ok"};
  BOOST_TEST(judge_daemon(daemon).grade == Grade::ok);
  BOOST_TEST(judge_daemon(daemon).text == "steled 1.2.3, state ok");
  daemon.state = "shutting_down";
  BOOST_TEST(judge_daemon(daemon).grade == Grade::warn);
  for (auto const* const state : {"no_space", "damaged", "log_failed"}) {
    daemon.state = state;
    BOOST_TEST(judge_daemon(daemon).grade == Grade::bad);
  }
  BOOST_TEST(judge_daemon({.failure = "no such file"}).grade == Grade::bad);
}

BOOST_AUTO_TEST_CASE(a_mount_is_found_by_its_number) {
  constexpr std::string_view mountinfo =
      "22 27 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n"
      "27 1 253:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,nobarrier\n"
      "28 27 0:25 / /x rw - tmpfs tmpfs rw\n";
  FileSystemFacts facts;
  BOOST_TEST(find_mount(mountinfo, 27, facts).value() == "253:0");
  BOOST_TEST(facts.type == "ext4");
  BOOST_TEST(facts.source == "/dev/vda");
  BOOST_TEST(facts.options == "rw,relatime,rw,nobarrier");
  BOOST_TEST(find_mount(mountinfo, 28, facts).value() == "0:25");
  BOOST_TEST(facts.type == "tmpfs");
  BOOST_TEST(!find_mount(mountinfo, 29, facts).has_value());
  BOOST_TEST(!find_mount("27", 27, facts).has_value());
}

BOOST_AUTO_TEST_CASE(only_a_local_disk_keeps_a_log) {
  BOOST_TEST(judge_file_system({.magic = EXT4_SUPER_MAGIC, .type = "ext4"}).grade == Grade::ok);
  BOOST_TEST(judge_file_system({.magic = XFS_SUPER_MAGIC}).grade == Grade::ok);
  BOOST_TEST(judge_file_system({.magic = TMPFS_MAGIC}).grade == Grade::bad);
  BOOST_TEST(judge_file_system({.magic = RAMFS_MAGIC}).grade == Grade::bad);
  BOOST_TEST(judge_file_system({.magic = NFS_SUPER_MAGIC}).grade == Grade::bad);
  BOOST_TEST(judge_file_system({.magic = FUSE_SUPER_MAGIC}).grade == Grade::bad);
  BOOST_TEST(judge_file_system({.magic = OVERLAYFS_SUPER_MAGIC}).grade == Grade::warn);
}

BOOST_AUTO_TEST_CASE(a_cache_without_barriers_loses_what_it_holds) {
  FileSystemFacts facts{.options = "rw,relatime,rw,nobarriers_not", .write_cache = "write back"};
  BOOST_TEST(judge_write_cache(facts).grade == Grade::ok);
  facts.write_cache = "write through";
  BOOST_TEST(judge_write_cache(facts).grade == Grade::ok);
  facts.write_cache = "";
  BOOST_TEST(judge_write_cache(facts).grade == Grade::note);
  for (auto const* const word : {"nobarrier", "barrier=0", "fsync_mode=nobarrier"}) {
    facts.options = std::string("rw,") + word + ",relatime";
    BOOST_TEST(judge_write_cache(facts).grade == Grade::bad);
    BOOST_TEST(says(judge_write_cache(facts), word));
  }
}

BOOST_AUTO_TEST_CASE(syncs_are_neither_too_fast_nor_too_slow) {
  auto const usual = judge_syncs(syncs_of(microseconds(50), microseconds(900)));
  BOOST_TEST(usual.grade == Grade::ok);
  BOOST_TEST(says(usual, "p50 0.050 ms, p99 0.900 ms of 200 writes of 4096 bytes, O_DIRECT"));
  BOOST_TEST(judge_syncs(syncs_of(microseconds(2), microseconds(900))).grade == Grade::warn);
  auto const slow = judge_syncs(syncs_of(milliseconds(5), milliseconds(101)));
  BOOST_TEST(slow.grade == Grade::warn);
  BOOST_TEST(says(slow, "slow"));
  auto const none = judge_syncs({.failure = "Permission denied"});
  BOOST_TEST(none.grade == Grade::note);
  BOOST_TEST(says(none, "Permission denied"));
}

BOOST_AUTO_TEST_CASE(what_blocks_io_uring_is_said) {
  DaemonFacts const rings{.backend = "io_uring, O_DIRECT"};
  DaemonFacts const calls{.backend = "posix, O_DIRECT"};
  BOOST_TEST(judge_ring({}, rings).grade == Grade::ok);
  BOOST_TEST(judge_ring({}, calls).grade == Grade::note);
  BOOST_TEST(judge_ring({}, {}).grade == Grade::ok);
  BOOST_TEST(says(judge_ring({.error = ENOSYS}, calls), "the kernel has none"));
  BOOST_TEST(says(judge_ring({.error = EPERM}, calls), "seccomp"));
  BOOST_TEST(says(judge_ring({.error = EPERM, .disabled = 0}, calls), "seccomp"));
  BOOST_TEST(
      says(judge_ring({.error = EPERM, .disabled = 2}, calls), "kernel.io_uring_disabled is 2"));
  BOOST_TEST(says(judge_ring({.error = ENOMEM}, calls), "ulimit -l"));
  BOOST_TEST(judge_ring({.error = EPERM}, calls).grade == Grade::note);
}

BOOST_AUTO_TEST_CASE(there_is_room_for_what_retention_allows) {
  constexpr std::uint64_t mib = std::uint64_t{1} << 20;
  SpaceFacts facts{.free_bytes = 2000 * mib, .log_bytes = 100 * mib, .retain_bytes = 1024 * mib};
  BOOST_TEST(judge_space(facts).grade == Grade::ok);
  facts.free_bytes = 1000 * mib;
  BOOST_TEST(judge_space(facts).grade == Grade::warn);
  facts.log_bytes = 1100 * mib;
  BOOST_TEST(judge_space(facts).grade == Grade::ok);
  facts.free_bytes = 150 * mib;
  BOOST_TEST(judge_space(facts).grade == Grade::warn);
  facts.free_bytes = 63 * mib;
  BOOST_TEST(judge_space(facts).grade == Grade::bad);
  BOOST_TEST(judge_space({.free_bytes = 2000 * mib, .retain_bytes = 0}).grade == Grade::warn);
  BOOST_TEST(judge_space({.free_bytes = 2000 * mib}).grade == Grade::ok);
  BOOST_TEST(judge_space({.failure = "Permission denied"}).grade == Grade::note);
}

BOOST_AUTO_TEST_CASE(a_clock_is_synchronized_and_not_behind_the_entries) {
  ClockFacts facts{.synchronized = true, .now_us = 1'000'000'000, .newest_us = 1'050'000'000};
  BOOST_TEST(judge_clock(facts).grade == Grade::ok);
  facts.newest_us = 1'090'000'000;
  BOOST_TEST(judge_clock(facts).grade == Grade::warn);
  BOOST_TEST(says(judge_clock(facts), "90 s in the future"));
  facts.newest_us.reset();
  BOOST_TEST(judge_clock(facts).grade == Grade::ok);
  facts.synchronized = false;
  BOOST_TEST(judge_clock(facts).grade == Grade::warn);
}

BOOST_AUTO_TEST_CASE(a_socket_is_not_for_everybody) {
  SocketFacts facts{.mode = 0660, .owner = "root", .group = "stele", .directory_mode = 0755};
  BOOST_TEST(judge_socket(facts).grade == Grade::ok);
  BOOST_TEST(judge_socket(facts).text == "0660 root:stele");
  facts.mode = 0666;
  BOOST_TEST(judge_socket(facts).grade == Grade::warn);
  facts.directory_mode = 01777;
  BOOST_TEST(judge_socket(facts).grade == Grade::warn);
  facts.directory_mode = 0777;
  BOOST_TEST(judge_socket(facts).grade == Grade::bad);
  BOOST_TEST(judge_socket({.failure = "No such file or directory"}).grade == Grade::bad);
}

BOOST_AUTO_TEST_CASE(a_unit_that_a_drop_in_opens_is_told) {
  BOOST_TEST(judge_unit({.exposure = 0.4}).grade == Grade::ok);
  BOOST_TEST(judge_unit({.exposure = 0.4}).text == "exposure 0.4 of 10");
  BOOST_TEST(judge_unit({.exposure = 2.1}).grade == Grade::warn);
  BOOST_TEST(judge_unit({.failure = "not installed"}).grade == Grade::note);
  auto const score = exposure_in("…\n→ Overall exposure level for steled.service: 0.4 SAFE 😀\n");
  BOOST_TEST(score.value() == 0.4);
  BOOST_TEST(!exposure_in("Failed to load steled.service").has_value());
  BOOST_TEST(!exposure_in("Overall exposure level for x: none").has_value());
}

BOOST_AUTO_TEST_CASE(what_the_daemon_may_take_is_held_against_what_there_is) {
  constexpr std::uint64_t gib = std::uint64_t{1} << 30;
  BOOST_TEST(judge_memory({}).grade == Grade::note);
  BOOST_TEST(judge_memory({.bytes_max = gib}).grade == Grade::note);
  BOOST_TEST(judge_memory({.bytes_max = gib, .machine_bytes = 2 * gib}).grade == Grade::ok);
  auto const misfit = judge_memory({.bytes_max = 3 * gib, .machine_bytes = gib});
  BOOST_TEST(misfit.grade == Grade::warn);
  BOOST_TEST(misfit.text.find("3072 MiB") != std::string::npos);
  BOOST_TEST(misfit.text.find("1024 MiB") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
