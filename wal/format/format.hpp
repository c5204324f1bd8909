// The bytes on disk; FORMAT.md is the specification and must change with this file.
//
// To change the format: raise format_major (or format_minor, if old readers may go on), keep the
// reader of the old one, add golden files of the new one under tests/, and write down in FORMAT.md
// what changed and why.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>

#include "wal/types.hpp"

namespace stele::wal {

inline constexpr std::uint16_t format_major = 1;
inline constexpr std::uint16_t format_minor = 2;

/// A segment starts with two copies of its header, each in a block of its own, so that one
/// unreadable sector does not take the segment. Commits follow.
inline constexpr std::size_t header_block_bytes = 4096;
inline constexpr std::size_t header_blocks = 2;
inline constexpr std::uint64_t first_commit_offset = header_block_bytes * header_blocks;
inline constexpr std::size_t segment_header_bytes = 128;

/// Commits start at multiples of a power of two between these.
inline constexpr std::size_t commit_align_min = 512;
inline constexpr std::size_t commit_align_max = 4096;
static_assert(first_commit_offset % commit_align_max == 0, "the first commit is aligned too");

inline constexpr std::size_t commit_header_bytes = 64;
inline constexpr std::size_t group_header_bytes = 16 + 8 + 4 + 4;
inline constexpr std::size_t record_header_bytes = 4 + 4;
inline constexpr std::size_t gap_record_bytes = 4 + 4 + 8 + 8 + 8 + 8 + 8 + 16;

/// Fills what a commit leaves of its last block. Not zero: a block that was written differs from
/// one that never was.
inline constexpr std::byte padding_byte{0xa5};

/// The first commit of a log, and the chain value that it carries.
inline constexpr std::uint64_t first_commit_no = 1;
inline constexpr std::uint32_t first_chain = 0;

/// Where a log goes on: what comes behind the last commit.
struct LogEnd {
  std::uint64_t commit_no = first_commit_no;
  std::uint32_t chain = first_chain;
  Seq next_seq = 1;

  bool operator==(LogEnd const&) const = default;
};

/// SegmentHeader::prev_end_commit of a segment made while the log was running: there the commits
/// themselves show where the one before ended.
inline constexpr std::uint64_t end_commit_unknown = UINT64_MAX;

struct SegmentHeader {
  std::uint64_t segment_bytes = 0;
  std::uint32_t commit_align = 0;
  StoreId store_id{};
  std::uint64_t segment_no = 0;
  std::uint64_t salt = 0;             ///< Random; every commit of the segment carries it.
  std::uint64_t prev_segment_no = 0;  ///< 0: this is the first.
  std::uint64_t prev_salt = 0;
  /// The last commit that the start which made this segment found in the log before it. What
  /// stands behind it in older segments was set aside by that start.
  std::uint64_t prev_end_commit = end_commit_unknown;

  bool operator==(SegmentHeader const&) const = default;
};

/// Else it was made while the log was running.
constexpr bool is_made_by_start(SegmentHeader const& header) noexcept {
  return header.prev_end_commit != end_commit_unknown;
}

enum class CommitKind : std::uint8_t {
  entries = 1,  ///< Groups of payloads.
  mark = 2,     ///< Nothing but the header: the commits before it are on disk.
  seal = 3,     ///< A mark at a clean stop: nothing follows in this segment.
  gap = 4,      ///< Gap records.
};

struct CommitHeader {
  CommitKind kind = CommitKind::entries;
  std::uint64_t salt = 0;
  std::uint64_t commit_no = 0;
  Seq first_seq = 0;                 ///< Of the first payload; without payloads: of the next.
  std::uint64_t durable_commit = 0;  ///< The last commit known to be on disk when this was written.
  std::uint32_t payload_count = 0;
  std::uint32_t body_bytes = 0;
  std::uint32_t body_crc = 0;
  std::uint32_t chain = first_chain;  ///< header_crc of the commit before.

  bool operator==(CommitHeader const&) const = default;
};

/// Why bytes are not a header. `unsupported` is not damage: the checksum is right.
enum class HeaderFault : std::uint8_t { invalid, unsupported };
template <class Header>
using Decoded = std::variant<Header, HeaderFault>;

using SegmentHeaderBytes = std::array<std::byte, segment_header_bytes>;
SegmentHeaderBytes encode_segment_header(SegmentHeader const& header) noexcept;
Decoded<SegmentHeader> decode_segment_header(
    std::span<std::byte const, segment_header_bytes> bytes) noexcept;

using CommitHeaderBytes = std::array<std::byte, commit_header_bytes>;
CommitHeaderBytes encode_commit_header(CommitHeader const& header) noexcept;
Decoded<CommitHeader> decode_commit_header(
    std::span<std::byte const, commit_header_bytes> bytes) noexcept;
/// The checksum inside an encoded header: the next commit's chain.
std::uint32_t header_crc(std::span<std::byte const, commit_header_bytes> bytes) noexcept;

/// The checksum of a commit's body; it starts from the salt, so that a body of another life of the
/// block does not match.
std::uint32_t body_crc(std::uint64_t salt, std::span<std::byte const> body) noexcept;

struct GroupHeader {
  WriterMark writer{};
  std::uint32_t payload_count = 0;
  std::uint32_t records_bytes = 0;  ///< Of the records that follow, their headers included.

  bool operator==(GroupHeader const&) const = default;
};
void encode_group_header(GroupHeader const& header,
                         std::span<std::byte, group_header_bytes> out) noexcept;
GroupHeader decode_group_header(std::span<std::byte const, group_header_bytes> bytes) noexcept;

struct RecordHeader {
  std::uint32_t payload_bytes = 0;
  std::uint32_t payload_crc =
      0;  ///< For salvage: a record of a damaged commit can be judged alone.
};
void encode_record_header(RecordHeader const& header,
                          std::span<std::byte, record_header_bytes> out) noexcept;
RecordHeader decode_record_header(std::span<std::byte const, record_header_bytes> bytes) noexcept;

/// A gap record that names no gap: how long the log had been open when it was written. Readers that
/// do not know it skip it.
inline constexpr std::uint32_t age_record_reason = 5;
Gap age_record(std::chrono::milliseconds age) noexcept;
std::optional<std::chrono::milliseconds> decode_age_record(
    std::span<std::byte const, gap_record_bytes> bytes) noexcept;
/// Another one: an operator knows of the damage among the seqs that it names.
inline constexpr std::uint32_t acknowledgement_reason = 6;
Gap acknowledgement_record(Seq first, Seq last) noexcept;
/// With first_seq and last_seq alone.
std::optional<Gap> decode_acknowledgement(
    std::span<std::byte const, gap_record_bytes> bytes) noexcept;
void encode_gap(Gap const& gap, std::span<std::byte, gap_record_bytes> out) noexcept;
std::optional<Gap> decode_gap(std::span<std::byte const, gap_record_bytes> bytes) noexcept;

/// Bytes that a group of payloads takes in a commit's body.
constexpr std::size_t group_bytes(std::size_t payloads, std::size_t payload_bytes) noexcept {
  return group_header_bytes + payloads * record_header_bytes + payload_bytes;
}

constexpr std::uint64_t align_up(std::uint64_t bytes, std::uint64_t alignment) noexcept {
  return (bytes + alignment - 1) / alignment * alignment;
}

}  // namespace stele::wal
