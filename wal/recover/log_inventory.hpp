// Which segments a log directory should hold, and what is known of each before its commits are
// read.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "wal/log.hpp"
#include "wal/recover/log_files.hpp"
#include "wal/types.hpp"

namespace stele::wal {

/// New in this look at the log, or known already.
struct Finding {
  enum class Kind : std::uint8_t {
    damage,  ///< What was on disk is not there any more, or nobody can know.
    torn,    ///< A write was under way; it was not acknowledged.
    note,    ///< Nothing is missing: bytes that nothing depends on, or that something else says.
  };
  Kind kind = Kind::damage;
  std::string text{};  ///< One sentence, with file and offset.
  bool named = false;  ///< By a gap record: an earlier start found it.
  Gap gap{};           ///< What is missing, and where it lay; last_seq below first_seq: no seqs.
  /// The log goes on in this segment, at this offset, with this commit; 0: nowhere.
  std::uint64_t next_segment_no = 0;
  std::uint64_t next_offset = 0;
  std::uint32_t next_chain = 0;       ///< What that commit says of the one before it.
  std::uint64_t first_commit_no = 0;  ///< The commits that are missing,
  std::uint64_t last_commit_no = 0;
  /// and what the first of them must have said of the one before it, if that is known.
  std::optional<std::uint32_t> first_chain{};

  bool operator==(Finding const&) const = default;
};

/// A file with the name of a segment that is no part of the log: it is reported, left alone, and
/// kept under another name before the log makes a segment of that name.
struct StraySegment {
  std::uint64_t segment_no = 0;
  /// 0: nothing says that it was ever part of this log. Else its last commit, and the seq behind
  /// it: neither is ever given out again.
  std::uint64_t last_commit_no = 0;
  Seq next_seq = 0;
};

struct LogInventory {
  LogFiles files{};
  bool fresh = false;  ///< Nothing was ever written here: the rest is empty.
  Manifest manifest{};
  bool rebuilt = false;  ///< There was no MANIFEST to trust: this one is from the segments.
  /// From the first to the last that should be there, by number. No file is open: a log may have
  /// more segments than a process may have files.
  std::map<std::uint64_t, OpenSegment> segments{};
  std::vector<StraySegment> strays{};
  std::vector<Finding> findings{};  ///< Of MANIFEST, and of files that it does not name.
};

/// Looks at names and headers, and at what lies in files that MANIFEST does not name.
Result<LogInventory> take_inventory(Directory& directory, ReadAhead& reader);

/// The last commit that may lie in a segment: a start that made a later one found the log's end
/// there, and what was written behind it is not part of the log.
std::uint64_t end_commit_of(LogInventory const& inventory, std::uint64_t segment_no);

/// How large a segment can have been of which nothing is left: as large as the largest that is.
std::uint64_t lost_bytes_max(LogInventory const& inventory);

}  // namespace stele::wal
