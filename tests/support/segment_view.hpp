// What lies in the segments of a simulated disk, for tests that check or damage it. Reads a copy:
// the log that is open is not touched.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "support/simulated_disk.hpp"
#include "wal/format/format.hpp"

namespace stele::test {

struct PlacedCommit {
  wal::CommitHeader header{};
  std::uint64_t offset = 0;
  std::uint64_t used_end = 0;  ///< Where its padding begins.
  std::uint64_t end = 0;
};

/// The names of the segments, oldest first.
std::vector<std::string> segments_of(SimulatedDisk const& disk);

/// The header of a segment, from the first copy that is valid.
wal::SegmentHeader header_of(SimulatedDisk const& disk, std::string const& name);

/// The valid commits from the start of a segment on.
std::vector<PlacedCommit> commits_of(SimulatedDisk const& disk, std::string const& name);

/// The commit that holds this seq, and its segment's name.
struct CommitPlace {
  std::string segment{};
  PlacedCommit commit{};
};
CommitPlace place_of(SimulatedDisk const& disk, wal::Seq seq);

using Files = std::map<std::string, std::vector<std::byte>>;

/// All segments with their bytes.
Files segment_files(SimulatedDisk const& disk);

}  // namespace stele::test
