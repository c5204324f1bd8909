// The files of a log directory, each by itself: which names mean what, and what a file says that it
// is. recovery.cpp judges them together.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "wal/file/read_ahead.hpp"
#include "wal/format/format.hpp"
#include "wal/format/manifest.hpp"
#include "wal/storage.hpp"

namespace stele::wal {

/// The names in a directory, sorted out. Others mean nothing.
struct LogFiles {
  bool manifest = false;
  std::vector<std::uint64_t> segments{};  ///< Ascending.
  std::vector<std::string> unfinished{};
  std::vector<std::string> put_aside{};  ///< See stray_suffix.
};
Result<LogFiles> list_log_files(Directory& directory);

Result<Decoded<Manifest>> read_manifest(Directory& directory);

struct OpenSegment {
  std::uint64_t segment_no = 0;
  std::unique_ptr<File> file{};
  SegmentHeader header{};
  std::uint64_t bytes = 0;
  std::string unreadable{};    ///< Why nothing of it can be used; empty: it can.
  bool start_crashed = false;  ///< A start made it and got no commit into it.
};

/// `start_crashed` is left to the caller. Fails only if the segment is of a newer format version.
Result<OpenSegment> open_segment(Directory& directory, std::uint64_t segment_no);

/// Whether commits may have been written to it: only what is surely a spare is not.
bool was_used(ReadAhead& reader, OpenSegment const& segment);
/// Whether any valid commit lies in it. Precondition: it is readable.
bool holds_commit(ReadAhead& reader, OpenSegment const& segment);
/// Where a log that this segment was part of would have gone on; commit_no 0: no valid commit lies
/// in it. Precondition: it is readable.
struct SegmentEnd {
  std::uint64_t commit_no = 0;  ///< The last one that lies in it.
  Seq next_seq = 0;
};
SegmentEnd end_of(ReadAhead& reader, OpenSegment const& segment);
/// Whether commits follow one another in it up to where only zeros are. Precondition: it is
/// readable.
bool is_whole(ReadAhead& reader, OpenSegment const& segment);

}  // namespace stele::wal
