// Reads what a log directory holds, in order, and judges it. Writes nothing and takes no lock.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "wal/file/read_ahead.hpp"
#include "wal/log.hpp"
#include "wal/recover/log_inventory.hpp"

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
  bool damaged = false;   ///< Kept when it expires.
  bool packed = false;    ///< A pack stands in its place,
  bool repaired = false;  ///< which is damaged, and gave all that was asked for.
  bool stays = false;     ///< It could not be packed.
  /// By the age of the log, see FORMAT.md: the first and the last age record in it,
  std::optional<std::chrono::milliseconds> first_age{};
  std::chrono::milliseconds last_age{};
  /// and when it was left; of the active one, when it became that.
  std::chrono::milliseconds since{};
};

struct Renaming {
  std::string from{};
  std::string to{};
};

/// Of a pack that is damaged, and gave all that was asked for.
struct RepairedPack {
  std::uint64_t segment_no = 0;
  std::uint64_t sectors = 0;  ///< That were made again from parity.
};

struct Recovered {
  bool fresh = false;  ///< The directory was empty.
  Manifest manifest{};
  bool rebuilt = false;  ///< It is from the segments: the file is missing or damaged.
  std::vector<KeptSegment> segments{};
  /// Where the log goes on; what is named by new_gaps lies before it.
  LogEnd start{};
  std::uint64_t last_salt = 0;
  std::chrono::milliseconds age{};  ///< That the log is known to have, by its own count.
  /// Found in this start, and not yet named by a gap record of the log.
  std::vector<Gap> new_gaps{};
  std::vector<Finding> findings{};      ///< All of them, also those that a gap record names.
  bool damaged = false;                 ///< There is damage among them.
  std::vector<std::uint64_t> packed{};  ///< Segments in whose places packs stand, ascending.
  std::vector<RepairedPack> repaired{};
  /// Files that no crash-free log would hold: unfinished ones, and segments outside the MANIFEST.
  std::vector<std::string> leftovers{};
  /// Files that are kept under another name: expired segments that may hold damage.
  std::vector<Renaming> damaged_leftovers{};
  /// The same of files with the name of a segment that are no part of the log: before the log
  /// makes a segment of that name.
  std::vector<Renaming> strays{};
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

/// As read_log(). What was read is on disk when this returns, and `recovered` says what files the
/// start is to put away. Blocks.
Result<Recovered> recover(Directory& directory, RecoverySink& sink, RecoveryReport& report);

}  // namespace stele::wal
