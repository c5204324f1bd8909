// A device that reports errors, under a real ext4: EIO for a write or a flush, once or from then
// on. No acknowledgement without the bytes; waiting writers get log_failed; the daemon exits 74.
// Healed and started again it serves what is on the disk, whatever the page cache says.
// STELE_DEVICE_ERRORS: cases for each way of writing. STELE_SEED: which.
#include <algorithm>
#include <array>
#include <boost/test/data/test_case.hpp>
#include <boost/test/results_collector.hpp>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>

#include "faults/fuse_disk.hpp"
#include "faults/mounts.hpp"
#include "faults/rig.hpp"
#include "support/environment.hpp"
#include "support/load.hpp"
#include "support/subject.hpp"

using namespace stele::test;

namespace {

constexpr std::uint64_t disk_bytes = 24 << 20;

struct DeviceFault {
  enum class Target : std::uint8_t { commit, flush, any_write };
  Target target = Target::commit;
  std::size_t after = 0;  ///< So many more of these succeed.
  bool stays = false;     ///< All later ones fail, too.
};

std::string to_string(DeviceFault const& fault) {
  constexpr char const* names[] = {"commit", "flush", "any write"};
  return std::string(names[static_cast<std::size_t>(fault.target)]) + " after " +
         std::to_string(fault.after) + (fault.stays ? ", from then on" : ", once");
}

/// The first of the file system, or that of its journal (jbd2's magic number, block type 3 or 4).
bool is_superblock(std::size_t offset, std::span<std::byte const> bytes) {
  if (offset == 0) return true;
  constexpr std::array<unsigned char, 7> journal{0xc0, 0x3b, 0x39, 0x98, 0, 0, 0};
  if (bytes.size() <= journal.size() || std::memcmp(bytes.data(), journal.data(), 7) != 0) {
    return false;
  }
  return bytes[7] == std::byte{3} || bytes[7] == std::byte{4};
}

/// Fails as told. A failed write leaves any part of its bytes; a failed flush loses commits that
/// were in the cache of the drive. ext4's superblocks are left whole or as they were: nothing could
/// mend the first, since a disk so small has no second copy, and with that of the journal ext4
/// gives up what is in it, files with synced names among that.
class FailingDevice final : public DiskPolicy {
 public:
  explicit FailingDevice(std::uint64_t seed) : random_(seed) {}

  void arm(DeviceFault const& fault) {
    std::scoped_lock const guard{mutex_};
    fault_ = fault;
    left_ = fault.after;
    armed_ = true;
  }
  void heal() {
    std::scoped_lock const guard{mutex_};
    armed_ = false;
  }
  std::size_t failures() {
    std::scoped_lock const guard{mutex_};
    return failures_;
  }

  int on_write(DiskBytes& media, std::size_t offset, std::span<std::byte const> bytes) override {
    std::scoped_lock const guard{mutex_};
    using Target = DeviceFault::Target;
    bool const hit = fault_.target == Target::any_write ||
                     (fault_.target == Target::commit && begins_commit(bytes));
    auto const place = media.begin() + static_cast<std::ptrdiff_t>(offset);
    if (hit && fails()) {
      auto const left = is_superblock(offset, bytes) ? random_() % 2 * bytes.size()
                                                     : random_() % (bytes.size() + 1);
      std::copy_n(bytes.begin(), left, place);
      return EIO;
    }
    if (begins_commit(bytes)) {
      unflushed_.emplace(offset,
                         DiskBytes(place, place + static_cast<std::ptrdiff_t>(bytes.size())));
    }
    return 0;
  }

  int on_flush(DiskBytes& media) override {
    std::scoped_lock const guard{mutex_};
    bool const failed = fault_.target == DeviceFault::Target::flush && fails();
    if (failed) {
      for (auto const& [offset, before] : unflushed_) {
        if (random_() % 2 == 0) continue;
        std::ranges::copy(before, media.begin() + static_cast<std::ptrdiff_t>(offset));
      }
    }
    unflushed_.clear();
    return failed ? EIO : 0;
  }

 private:
  bool fails() {
    if (!armed_) return false;
    if (left_ > 0) {
      --left_;
      return false;
    }
    armed_ = fault_.stays;
    ++failures_;
    return true;
  }

  std::mutex mutex_{};
  std::mt19937_64 random_;
  DeviceFault fault_{};
  std::size_t left_ = 0;
  std::size_t failures_ = 0;
  bool armed_ = false;
  std::map<std::size_t, DiskBytes> unflushed_{};  ///< What stood where commits were written.
};

struct Counts {
  std::size_t cases = 0;
  std::size_t exits = 0;      ///< The daemon ended with 74.
  std::size_t unnoticed = 0;  ///< The fault met nothing that the daemon waits for.
  std::size_t acknowledged = 0;
};

class DeviceErrors {
 public:
  DeviceErrors(WayOfWriting way, std::uint64_t seed) : way_(std::move(way)), random_(seed) {
    make_ext4(memory_.path() + "/image", disk_bytes);
    image_ = read_image(memory_.path() + "/image");
  }

  void run(DeviceFault const& fault) {
    ++counts.cases;
    FailingDevice device(random_());
    FuseDisk disk(image_, device);
    auto mounted = std::make_unique<MountedImage>(disk.file(), memory_.path() + "/disk");
    Steled daemon(way_.backend, small_log_flags(way_));
    daemon.keep_data_in(mounted->path() + "/data");
    daemon.start();
    KillOracle oracle;
    suffer(fault, device, daemon, oracle);
    device.heal();
    // After an error of its own journal ext4 needs to be mounted again; else the page cache stays.
    if (!write_probe(*mounted)) {
      mounted.reset();
      repair_ext4(disk.file());
      mounted = std::make_unique<MountedImage>(disk.file(), memory_.path() + "/disk");
    }
    daemon.start();
    auto const found = look_at(daemon);
    for (auto const& sentence : judge_start(oracle, found)) BOOST_ERROR(sentence);
    resend(daemon);
    daemon.kill_hard();
    check_media(disk.snapshot(), found);
    mounted->unmount();
  }

  Counts counts{};

 private:
  /// Load, the fault under it, and the end that must follow.
  void suffer(DeviceFault const& fault, FailingDevice& device, Steled& daemon, KillOracle& oracle) {
    Load load({.socket = daemon.socket(), .name = "c" + std::to_string(counts.cases)}, random_);
    BOOST_TEST(load.wait_for_replies(random_() % 200, daemon.process()));
    device.arm(fault);
    constexpr std::size_t more_replies = 3000;
    bool const survived = load.wait_for_replies(more_replies, daemon.process());
    if (survived) {
      BOOST_TEST((fault.target == DeviceFault::Target::any_write || device.failures() == 0));
      ++counts.unnoticed;
      daemon.kill_hard();
    } else {
      BOOST_TEST(daemon.process().wait() == 74, daemon.log());
      BOOST_TEST(device.failures() > 0U);
      ++counts.exits;
    }
    load.finish();
    load.tell(oracle);
    counts.acknowledged += load.acknowledged();
  }

  static bool write_probe(MountedImage const& mounted) try {
    write_file(mounted.path() + "/probe", "probe");
    return true;
  } catch (std::exception const&) {
    return false;
  }

  static void resend(Steled& daemon) {
    WirePeer peer(daemon.socket());
    BOOST_TEST(peer.ask(R"({"op":"write_log","entry":{"message":"again"}})").at("ok").as_bool());
  }

  /// What was served was read from the disk: another machine with this disk serves it as well.
  void check_media(DiskBytes const& media, Findings const& served) {
    write_image(memory_.path() + "/image", media);
    repair_ext4(memory_.path() + "/image");
    MountedImage mounted(memory_.path() + "/image", memory_.path() + "/copy");
    Steled daemon(way_.backend, small_log_flags(way_));
    daemon.keep_data_in(mounted.path() + "/data");
    daemon.start();
    KillOracle oracle;
    Sightings seen;
    for (auto const& entry : served.stored) seen.emplace(entry.seq, entry.body);
    Conversation stored;
    auto const found = look_at(daemon);
    for (auto const& entry : found.stored) stored.push_back({{entry.body}, entry.seq, entry.seq});
    oracle.add(std::move(stored));
    oracle.add(seen);
    for (auto const& sentence : judge_start(oracle, found)) {
      BOOST_ERROR("on the media: " << sentence);
    }
    daemon.kill_hard();
    mounted.unmount();
  }

  WayOfWriting way_;
  std::mt19937_64 random_;
  TempDir home_{};
  Mount memory_{{"tmpfs", "tmpfs", "size=256M"}, home_ / "memory"};
  DiskBytes image_{};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(device_error_test, *boost::unit_test::precondition(has_fault_disks))

BOOST_DATA_TEST_CASE(after_an_error_of_the_device_nothing_acknowledged_is_missing,
                     ways_of_writing(), way) {
  auto const cases = number_from_environment("STELE_DEVICE_ERRORS", is_sanitized() ? 3 : 4);
  auto const seed = number_from_environment("STELE_SEED", std::random_device()());
  std::mt19937_64 random(seed);
  DeviceErrors errors(way, random());
  auto const result = [] {
    auto const unit = boost::unit_test::framework::current_test_case_id();
    return boost::unit_test::results_collector.results(unit).p_assertions_failed.get();
  };
  for (std::size_t i = 0; i < cases; ++i) {
    DeviceFault const fault{.target = static_cast<DeviceFault::Target>(i % 3),
                            .after = random() % 40,
                            .stays = random() % 2 == 0};
    BOOST_TEST_CONTEXT("case " << i << ": EIO, " << to_string(fault) << ", STELE_SEED=" << seed) {
      try {
        errors.run(fault);
      } catch (std::exception const& error) {
        BOOST_ERROR(error.what());
      }
    }
  }
  print({.fault = "device error, " + to_string(way),
         .cases = errors.counts.cases,
         .failures = result(),
         .details = std::to_string(errors.counts.exits) + " exits with 74, " +
                    std::to_string(errors.counts.unnoticed) + " not noticed, " +
                    std::to_string(errors.counts.acknowledged) + " entries acknowledged",
         .repeat = "STELE_SEED=" + std::to_string(seed) +
                   " STELE_DEVICE_ERRORS=" + std::to_string(cases)});
  BOOST_TEST((cases < 2 || errors.counts.exits > 0));
}

BOOST_AUTO_TEST_SUITE_END()
