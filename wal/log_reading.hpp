// Reads what a log directory holds, in order, and judges it. Writes nothing and takes no lock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "wal/commit_pipeline.hpp"
#include "wal/log.hpp"
#include "wal/log_inventory.hpp"
#include "wal/read_ahead.hpp"

namespace stele::wal {

/// One place of a log at which something is not as it was written, new or known.
struct Finding {
  enum class Kind : std::uint8_t {
    damage,  ///< What was on disk is not there any more, or nobody can tell.
    torn,    ///< A write was under way; nobody was told that it had succeeded.
    note,    ///< Bytes that nothing depends on, or whose copy serves.
  };
  Kind kind = Kind::damage;
  std::string text{};  ///< One sentence, with file and offset.
  bool named = false;  ///< By a gap record: an earlier start found it.
  Gap gap{};           ///< What is missing, and where it lay; last_seq below first_seq: no seqs.
  /// The log goes on in this segment, at this offset, with this commit; 0: nowhere.
  std::uint64_t next_segment_no = 0;
  std::uint64_t next_offset = 0;
  std::uint64_t first_commit_no = 0;  ///< The commits that are missing.
  std::uint64_t last_commit_no = 0;

  bool operator==(Finding const&) const = default;
};

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
  Instant since{};       ///< For the log: its last commit; of the active one, when it became that.
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
  std::vector<Finding> findings{};  ///< All of them, also those that a gap record names.
  bool damaged = false;             ///< There is damage among them.
  /// Files that no crash-free log would hold: unfinished ones, and segments outside the MANIFEST.
  std::vector<std::string> leftovers{};
  /// Segments that retention left out of the MANIFEST and that may hold damage: to be kept under
  /// another name.
  std::vector<std::string> damaged_leftovers{};
};

/// What read_log() found in a directory, and what it knows of the files.
struct LogReading {
  LogInventory inventory{};
  Recovered recovered{};
};

/// Delivers every readable payload to `sink`, in seq order, and fills `report`. Blocks. `reader`
/// reads `directory`.
Result<LogReading> read_log(Directory& directory, ReadAhead& reader, RecoverySink& sink,
                            RecoveryReport& report);

/// Names what retention removed as expired. Older gaps that lie in it are a part of that.
void name_expired(Manifest const& manifest, std::vector<Gap>& gaps);

}  // namespace stele::wal
