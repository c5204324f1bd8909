// A log some of whose segments are packed, and what readers get of it.
#pragma once

#include <boost/test/unit_test.hpp>
#include <map>
#include <string>
#include <vector>

#include "support/known_log.hpp"
#include "support/log_fixture.hpp"
#include "wal/format/segment_name.hpp"
#include "wal/pack/packed_directory.hpp"
#include "wal/write/segment_packer.hpp"

namespace stele::test {

/// What readers get of a log.
struct Reading {
  std::map<wal::Seq, std::string> payloads{};
  std::vector<std::string> groups{};
  std::string gaps{};
  std::vector<std::string> findings{};
  wal::Seq next_seq = 0;

  bool operator==(Reading const&) const = default;
};

inline std::string group_text(CollectingSink::Group const& group) {
  return std::to_string(group.first) + "-" + std::to_string(group.last) + " by " +
         std::to_string(group.writer.writer[0]) + " as " + std::to_string(group.writer.write_no) +
         (group.writer.late ? " late" : "");
}

inline Reading read(SimulatedDisk const& disk) {
  auto copy = disk.clone();
  LogFixture life(copy);
  BOOST_TEST_REQUIRE(life.open(), life.failure.message);
  Reading reading{.payloads = life.sink.payloads,
                  .gaps = text_of(life.report().gaps),
                  .findings = life.report().findings,
                  .next_seq = life.log->next_seq()};
  for (auto const& group : life.sink.groups) reading.groups.push_back(group_text(group));
  return reading;
}

/// Where the segments of a log end, and what they begin with, as the log knows it.
inline std::vector<wal::SegmentPacker::Target> targets_of(SimulatedDisk const& disk) {
  auto copy = disk.clone();
  auto const directory = copy.mount();
  wal::PackedDirectory with_packs(*directory);
  wal::ReadAhead reader(with_packs);
  CollectingSink sink;
  wal::RecoveryReport report;
  auto const reading = wal::read_log(with_packs, reader, sink, report);
  BOOST_TEST_REQUIRE(reading.has_value());
  std::vector<wal::SegmentPacker::Target> targets;
  for (auto const& segment : reading->recovered.segments) {
    if (segment.damaged || segment.end_offset == 0) continue;
    targets.push_back(
        {segment.segment_no, segment.end_offset, segment.first_commit_no, segment.first_chain});
  }
  return targets;
}

inline wal::PackOptions small_blocks() {
  wal::PackOptions options;
  options.block_bytes = 4000;
  return options;
}

inline wal::SegmentPacker::State run(wal::SegmentPacker& packer, wal::Directory& directory,
                                     wal::SegmentPacker::Target const& target) {
  packer.start(target);
  while (packer.state() == wal::SegmentPacker::State::working) {
    packer.poll();
    if (packer.in_flight()) directory.wait();
  }
  return packer.state();
}

/// Packs one segment to the end, or to where the disk stops.
inline wal::SegmentPacker::State pack(SimulatedDisk& disk, wal::SegmentPacker::Target const& target,
                                      std::string* failure = nullptr) {
  auto const directory = disk.mount();
  wal::InlinePackWorker worker;
  wal::PackedDirectory with_packs(*directory);
  wal::SegmentPacker packer(with_packs, worker, small_blocks());
  auto const state = run(packer, *directory, target);
  if (failure != nullptr) *failure = packer.failure().message;
  return state;
}

/// Text that compresses little, so that a pack has many sectors.
inline std::string noise(std::size_t size) {
  std::string text;
  std::uint64_t state = size;
  for (; text.size() < size; state = state * 6364136223846793005U + 1442695040888963407U) {
    text += static_cast<char>('!' + (state >> 40) % 90);
  }
  return text;
}

/// Three lives: groups, writers, drops, a torn tail in the middle, a clean stop at the end.
inline SimulatedDisk write_several_lives() {
  SimulatedDisk disk{{}};
  for (int life_no = 0; life_no < 3; ++life_no) {
    LogFixture life(disk);
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    for (std::uint64_t i = 0; i < 14; ++i) {
      wal::WriterMark const mark{.writer = {9},
                                 .write_no = 100 * static_cast<unsigned>(life_no) + i};
      life.append_group({"group " + std::to_string(i), noise(i * 1500), ""}, mark);
      if (i % 5 == 0) life.log->append_dropped({4}, 3);
      life.settle();
    }
    life.idle();
    if (life_no == 1) {
      // The write of this one is cut off, in the middle of a sector that is whole.
      life.append(std::string(3000, 'y'));
      life.start_commit();
      life.crash(Crash::power_cut);
    } else {
      life.stop();
    }
  }
  return disk;
}

inline bool has_pack(SimulatedDisk const& disk, std::uint64_t no) {
  return disk.has(wal::pack_name(no));
}
inline bool has_segment(SimulatedDisk const& disk, std::uint64_t no) {
  return disk.has(wal::segment_name(no));
}

}  // namespace stele::test
