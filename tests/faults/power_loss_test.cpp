// Power cuts on a real file system. The daemon works on ext4, on a loop device, on a disk that
// records each write and flush; images are cut out of the record at any moment, with what was not
// flushed kept, lost or torn; each is mounted, and the daemon started on it must hold what clients
// had been told by that moment. One of the images is where the next life begins.
// STELE_POWER_CUTS: images for each way of writing. STELE_SEED: which.
#include <algorithm>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "faults/disk_trace.hpp"
#include "faults/mounts.hpp"
#include "faults/rig.hpp"
#include "support/environment.hpp"
#include "support/load.hpp"
#include "support/subject.hpp"

using namespace stele::test;

BOOST_AUTO_TEST_SUITE(power_loss_test, *boost::unit_test::precondition(has_fault_disks))

namespace {

constexpr std::size_t cuts_per_life = 20;
constexpr std::uint64_t disk_bytes = 24 << 20;

struct Counts {
  std::size_t lives = 0;
  std::size_t images = 0;
  std::size_t broken_images = 0;
  std::size_t torn = 0;
  std::size_t retained = 0;  ///< Images of logs that retention had cut.
  std::size_t acknowledged = 0;
};

class PowerLoss {
 public:
  PowerLoss(WayOfWriting way, std::uint64_t seed, PowerCuts::Flushes flushes)
      : way_(std::move(way)), flushes_(flushes), random_(seed) {
    make_ext4(memory_.path() + "/image", disk_bytes);
    image_ = read_image(memory_.path() + "/image");
  }

  /// One life, recorded, and the cuts in it. Says what is wrong with an image to `complain`.
  template <class Complain>
  void run(std::size_t cuts, Complain const& complain) {
    auto const trace = live();
    PowerCuts power(image_, trace, flushes_);
    auto const next_start = random_() % cuts;
    auto next = image_;
    Findings next_past;
    std::size_t index = 0;
    for (auto const cut : moments(trace, cuts)) {
      auto const image = power.image_at(cut, random_);
      KillOracle oracle;
      tell(oracle, cut);
      Findings found;
      auto const broken = judge(image, oracle, found);
      if (!broken.empty()) {
        ++counts.broken_images;
        complain("after operation " + std::to_string(cut) + " of " + std::to_string(trace.size()) +
                 " of life " + std::to_string(counts.lives) + ": " + broken.front());
      }
      if (index++ == next_start && broken.empty()) {
        // As the daemon left it that was looked at: from the image itself a later start could show
        // again what retention had removed by then.
        next = read_image(memory_.path() + "/image");
        next_past = std::move(found);
      }
    }
    for (auto const& load : loads_) counts.acknowledged += load->acknowledged();
    loads_.clear();
    image_ = std::move(next);
    past_ = std::move(next_past);
  }

  Counts counts{};

 private:
  /// The daemon is started a few times, works, and ends in one way or another.
  DiskTrace live() {
    ++counts.lives;
    DiskRecorder recorder;
    {
      FuseDisk const disk(image_, recorder);
      MountedImage mounted(disk.file(), memory_.path() + "/life");
      Steled daemon(way_.backend, small_log_flags(way_));
      daemon.keep_data_in(mounted.path() + "/data");
      auto const runs = 1 + random_() % 3;
      for (std::size_t i = 0; i < runs; ++i) {
        daemon.start();
        auto const name = "l" + std::to_string(counts.lives) + "r" + std::to_string(i);
        loads_.push_back(
            std::make_unique<Load>(Load::Plan{.socket = daemon.socket(),
                                              .name = name,
                                              .now = [&recorder] { return recorder.position(); }},
                                   random_));
        loads_.back()->wait_for_replies(200 + random_() % 600, daemon.process());
        if (random_() % 2 == 0) {
          daemon.kill_hard();
        } else {
          BOOST_TEST(daemon.stop() == 0);
        }
        loads_.back()->finish();
      }
      mounted.unmount();
    }
    return recorder.take();
  }

  /// Half of them anywhere, half around the writes that are not commits: segments are born, turned
  /// and removed there.
  std::vector<std::size_t> moments(DiskTrace const& trace, std::size_t count) {
    std::vector<std::size_t> rare;
    for (std::size_t i = 0; i < trace.size(); ++i) {
      if (trace[i].kind == DiskOperation::Kind::write && !trace[i].is_commit) rare.push_back(i);
    }
    std::vector<std::size_t> chosen;
    while (chosen.size() < count) {
      auto moment = random_() % (trace.size() + 1);
      if (chosen.size() % 2 == 0 && !rare.empty()) {
        moment = std::min(trace.size(), rare[random_() % rare.size()] + random_() % 4);
      }
      chosen.push_back(moment);
    }
    std::ranges::sort(chosen);
    return chosen;
  }

  void tell(KillOracle& oracle, std::size_t cut) const {
    Conversation past;
    for (auto const& entry : past_.stored) past.push_back({{entry.body}, entry.seq, entry.seq});
    oracle.add(std::move(past));
    for (auto const& load : loads_) load->tell(oracle, cut);
  }

  std::vector<std::string> judge(DiskBytes const& image, KillOracle const& oracle,
                                 Findings& found) try {
    ++counts.images;
    write_image(memory_.path() + "/image", image);
    MountedImage mounted(memory_.path() + "/image", memory_.path() + "/cut");
    Steled daemon(way_.backend, small_log_flags(way_));
    daemon.keep_data_in(mounted.path() + "/data");
    daemon.start();
    found = look_at(daemon);
    auto broken = judge_start(oracle, found);
    daemon.kill_hard();
    if (random_() % 4 == 0) {
      daemon.start();
      auto const again = judge_start(oracle, look_at(daemon));
      broken.insert(broken.end(), again.begin(), again.end());
      daemon.kill_hard();
    }
    mounted.unmount();
    counts.torn += !found.findings.empty();
    counts.retained += found.removed_seq > 0;
    return broken;
  } catch (std::exception const& error) {
    return {error.what()};
  }

  WayOfWriting way_;
  PowerCuts::Flushes flushes_;
  std::mt19937_64 random_;
  TempDir home_{};
  Mount memory_{{"tmpfs", "tmpfs", "size=256M"}, home_ / "memory"};
  DiskBytes image_{};
  Findings past_{};  ///< What the log held when the life began.
  std::vector<std::unique_ptr<Load>> loads_{};
};

std::string details_of(Counts const& counts) {
  return std::to_string(counts.lives) + " lives, " + std::to_string(counts.acknowledged) +
         " entries acknowledged, " + std::to_string(counts.torn) + " torn tails, " +
         std::to_string(counts.retained) + " images behind retention";
}

}  // namespace

BOOST_DATA_TEST_CASE(what_was_acknowledged_is_there_after_a_power_cut_at_any_moment,
                     ways_of_writing(), way) {
  auto const images = number_from_environment("STELE_POWER_CUTS", is_sanitized() ? 5 : 8);
  auto const seed = number_from_environment("STELE_SEED", std::random_device()());
  PowerLoss power(way, seed, PowerCuts::Flushes::honest);
  while (power.counts.images < images) {
    power.run(std::min<std::size_t>(cuts_per_life, images - power.counts.images),
              [](std::string const& sentence) { BOOST_ERROR(sentence); });
  }
  print({.fault = "power loss, " + to_string(way),
         .cases = power.counts.images,
         .failures = power.counts.broken_images,
         .details = details_of(power.counts),
         .repeat =
             "STELE_SEED=" + std::to_string(seed) + " STELE_POWER_CUTS=" + std::to_string(images)});
  BOOST_TEST(power.counts.acknowledged > 0U);
}

// The rig must see what a disk that breaks its word does to acknowledged entries; else the case
// above proves nothing.
BOOST_AUTO_TEST_CASE(a_drive_that_lies_about_flushes_is_found_out) {
  auto const seed = number_from_environment("STELE_SEED", std::random_device()());
  PowerLoss power({.backend = "posix", .buffered = false}, seed, PowerCuts::Flushes::lying);
  std::string example;
  power.run(cuts_per_life, [&](std::string const& sentence) { example = sentence; });
  print({.fault = "power loss, lying drive",
         .cases = power.counts.images,
         .failures = 0,
         .details = std::to_string(power.counts.broken_images) +
                    " losses found, as they must be; " + example,
         .repeat = "STELE_SEED=" + std::to_string(seed)});
  BOOST_TEST(power.counts.broken_images > 0U);
}

BOOST_AUTO_TEST_SUITE_END()
