// Reads a log directory and judges what it holds. Writes nothing: old segments stay as they are.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "wal/commit_pipeline.hpp"
#include "wal/log.hpp"
#include "wal/manifest.hpp"
#include "wal/storage.hpp"

namespace stele::wal {

/// A segment that was written to, or of which nobody can say that it was not.
struct KeptSegment {
  std::uint64_t segment_no = 0;
  std::uint64_t bytes = 0;            ///< Counted against retention: up to its last commit.
  std::uint64_t end_offset = 0;       ///< Where its last commit ends; 0: it has none.
  bool ends_in_zeros = false;         ///< Behind that nothing was written, as far as was looked.
  std::uint64_t first_commit_no = 0;  ///< What its first commit carries: see Manifest.
  std::uint32_t first_chain = 0;
  Seq first_seq = 0;
  bool damaged = false;  ///< Kept when it expires.
};

struct Recovered {
  bool fresh = false;  ///< The directory was empty.
  Manifest manifest{};
  std::vector<KeptSegment> segments{};
  /// Where the log goes on; what is named by new_gaps lies before it.
  CommitPipeline::Start start{};
  std::uint64_t last_salt = 0;
  /// Found in this start, and not yet named by a gap record of the log.
  std::vector<Gap> new_gaps{};
  bool damaged = false;  ///< Damage was found, now or by an earlier start.
  /// Files that no crash-free log would hold: unfinished ones, and segments outside the MANIFEST.
  std::vector<std::string> leftovers{};
  /// Segments that retention left out of the MANIFEST and that may hold damage: to be kept under
  /// another name.
  std::vector<std::string> damaged_leftovers{};
};

/// Delivers every readable payload to `sink`, in seq order, and fills `report`. What was read is
/// on disk when this returns. Blocks.
Result<Recovered> recover(Directory& directory, RecoverySink& sink, RecoveryReport& report);

}  // namespace stele::wal
