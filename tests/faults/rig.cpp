#include "faults/rig.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <iostream>
#include <stdexcept>

#include "faults/fuse_disk.hpp"
#include "faults/mounts.hpp"
#include "support/temp_dir.hpp"

namespace stele::test {
namespace {

class PlainDisk final : public DiskPolicy {
 public:
  int on_write(DiskBytes&, std::size_t, std::span<std::byte const>) override { return 0; }
  int on_flush(DiskBytes&) override { return 0; }
};

/// Why not, or nothing.
std::string try_fault_disk() try {
  enter_private_mounts();
  TempDir const home;
  make_ext4(home / "image", 16 << 20);
  PlainDisk policy;
  FuseDisk const disk(read_image(home / "image"), policy);
  MountedImage mounted(disk.file(), home / "mount");
  write_file(mounted.path() + "/file", "content");
  mounted.unmount();
  return {};
} catch (std::exception const& error) {
  return error.what();
}

}  // namespace

boost::test_tools::assertion_result has_fault_disks(boost::unit_test::test_unit_id /*unit*/) {
  static auto const obstacle = try_fault_disk();
  boost::test_tools::assertion_result result(obstacle.empty());
  result.message() << "needs root, loop devices, ext4 and FUSE: " << obstacle;
  return result;
}

std::string to_string(WayOfWriting const& way) {
  return way.backend + (way.buffered ? " buffered" : " direct");
}

std::ostream& operator<<(std::ostream& out, WayOfWriting const& way) {
  return out << to_string(way);
}

std::vector<WayOfWriting> const& ways_of_writing() {
  static auto const ways = [] {
    std::vector<WayOfWriting> all;
    for (auto const& backend : backends()) {
      all.push_back({backend, false});
      all.push_back({backend, true});
    }
    return all;
  }();
  return ways;
}

std::vector<std::string> small_log_flags(WayOfWriting const& way) {
  std::vector<std::string> flags{"--segment-bytes",   std::to_string(small_segment_bytes),
                                 "--retain-bytes",    std::to_string(small_retain_bytes),
                                 "--max-frame-bytes", "1M",
                                 "--max-entry-bytes", "64K"};
  if (way.buffered) flags.emplace_back("--buffered");
  return flags;
}

// A start may go on removing segments after it has begun to answer: the entries and the statistics
// belong together only if nothing was removed between.
Findings look_at(Steled& daemon) {
  Findings found;
  auto const removed_seq = [](boost::json::object const& stats) {
    return stats.at("store").at("removed_seq").to_number<std::uint64_t>();
  };
  auto const ask_stats = R"({"op":"stats"})";
  boost::json::object stats;
  for (bool settled = false; !settled;) {
    WirePeer peer(daemon.socket());
    stats = peer.ask(ask_stats);
    found.removed_seq = removed_seq(stats);
    try {
      found.stored = read_entries(peer);
      settled = removed_seq(peer.ask(ask_stats)) == found.removed_seq;
    } catch (std::runtime_error const&) {
      BOOST_TEST_MESSAGE("retention overtook a read; it is made again");
    }
  }
  std::ranges::sort(found.stored, {}, &WireEntry::seq);
  found.log_bytes = stats.at("wal").at("log_bytes").to_number<std::uint64_t>();
  found.state = stats.at("state").as_string();
  for (auto const& value : stats.at("recovery").at("gaps").as_array()) {
    auto const& gap = value.as_object();
    if (gap.at("reason").as_string() != "torn") continue;
    found.gaps.push_back({gap.at("first_seq").to_number<std::uint64_t>(),
                          gap.at("last_seq").to_number<std::uint64_t>()});
  }
  for (auto const& finding : stats.at("recovery").at("findings").as_array()) {
    found.findings.emplace_back(finding.as_string());
  }
  return found;
}

std::vector<std::string> judge_start(KillOracle const& oracle, Findings const& found) {
  auto broken = oracle.judge(found.stored, found.removed_seq, found.gaps);
  if (found.state != "ok") broken.push_back("the state is " + found.state);
  for (auto const& finding : found.findings) {
    if (finding.find("an unfinished commit was set aside") != finding.npos) continue;
    broken.push_back("a power cut looks like damage: " + finding);
  }
  // It removes a segment only while the log with the next one is too large; a start adds a segment
  // and gives back what the last one did not use.
  if (found.removed_seq > 0 && found.log_bytes + 3 * small_segment_bytes < small_retain_bytes) {
    broken.push_back("retention left only " + std::to_string(found.log_bytes) + " bytes");
  }
  return broken;
}

void print(Report const& report) {
  auto const& master = boost::unit_test::framework::master_test_suite();
  auto const& unit = boost::unit_test::framework::current_test_unit();
  std::cout << report.fault << ": " << report.cases << " cases, " << report.failures
            << " failures; " << report.details << "\n  again: " << report.repeat << " "
            << master.argv[0] << " --run_test='" << unit.full_name() << "'" << std::endl;
}

}  // namespace stele::test
