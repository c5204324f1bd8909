// Reads one segment and says what is valid in it. Judges single commits only; recovery.cpp judges
// the log.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>

#include "wal/file/read_ahead.hpp"
#include "wal/format/format.hpp"
#include "wal/storage.hpp"

namespace stele::wal {

/// A commit that is valid in itself: conditions 1 to 5 of FORMAT.md. Whether it is the one that
/// belongs there (6 to 8) is for the caller to say. `body` is valid until the next call.
struct ScannedCommit {
  CommitHeader header{};
  std::uint32_t crc = 0;  ///< The header's own: the next commit's chain.
  std::uint64_t offset = 0;
  std::uint64_t end_offset = 0;  ///< Where the next commit would start.
  std::span<std::byte const> body{};
};

enum class ScanFault : std::uint8_t {
  invalid,      ///< No valid commit there.
  unreadable,   ///< The device does not give the bytes.
  unsupported,  ///< A valid header of a newer version.
};

/// What lies between a place in a segment and its end.
struct TailState {
  enum class Kind : std::uint8_t { zero, nonzero, unreadable };
  Kind kind = Kind::zero;
  std::uint64_t bytes = 0;  ///< Up to the last byte that is not zero.
};

/// What lies from a place in a segment on at which the commit that should be there is not, up to
/// the next valid commit or to the end of the segment.
struct Survey {
  std::optional<ScannedCommit> commit{};  ///< The first valid one whose number is high enough.
  bool header = false;  ///< A valid header of such a number was met, whatever its body is.
  TailState rest{};     ///< Of all of it.
  TailState behind{};   ///< Of the part behind the extent of the commit that is missing.
};

/// The header of a segment, from the first of its copies that is valid.
std::variant<SegmentHeader, ScanFault> read_segment_header(File& file);

/// Reads the commits of one segment. They are read ahead, so the order to look at them is from
/// front to back.
class SegmentScanner {
 public:
  /// `reader` is used by this scanner alone as long as it lives; both outlive it.
  SegmentScanner(ReadAhead& reader, File& file, SegmentHeader const& header);
  SegmentScanner(SegmentScanner const&) = delete;
  SegmentScanner& operator=(SegmentScanner const&) = delete;
  ~SegmentScanner();

  std::variant<ScannedCommit, ScanFault> commit_at(std::uint64_t offset);

  /// The header at this place if it is valid, whatever its body is.
  std::optional<CommitHeader> commit_header_at(std::uint64_t offset);

  /// The first valid commit at or after `offset` whose number is at least `commit_no_min`.
  std::optional<ScannedCommit> find(std::uint64_t offset, std::uint64_t commit_no_min);

  /// Looks at each byte from `offset` on once, up to the first valid commit whose number is at
  /// least `commit_no_min`. `extent_end`: where the missing commit would have ended.
  Survey survey(std::uint64_t offset, std::uint64_t extent_end, std::uint64_t commit_no_min);

  TailState rest(std::uint64_t offset);

 private:
  TailState block_at(std::uint64_t offset);

  ReadAhead& reader_;
  SegmentHeader const header_;
};

}  // namespace stele::wal
