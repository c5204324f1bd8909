// The bytes of a pack: what a segment becomes when nobody writes to it any more. FORMAT.md is the
// specification and must change with this file. Headers only; no I/O.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "wal/format/format.hpp"
#include "wal/types.hpp"

namespace stele::wal {

inline constexpr std::uint16_t pack_major = 1;
inline constexpr std::uint16_t pack_minor = 0;

/// A pack is a whole number of shards, what parity protects one by one: a sector that is lost costs
/// one of them.
///
///   | header | block | block | … | directory | zeros |  map  | parity | the map again |
///   |<------------- data shards ------------------->|
inline constexpr std::size_t shard_bytes = 4096;
inline constexpr std::size_t pack_header_bytes = 256;
inline constexpr std::size_t block_header_bytes = 104;
inline constexpr std::size_t directory_header_bytes = 160;
inline constexpr std::size_t patch_header_bytes = 8 + 4;
/// Of how many shards a shard of the map has the checksums.
inline constexpr std::size_t map_crcs = (shard_bytes - 64 - 4) / 4;

/// What a reader takes, so that a forged header costs it no more memory than that.
inline constexpr std::size_t block_raw_bytes_max = std::size_t{64} << 20;
inline constexpr std::size_t frame_raw_bytes_max = std::size_t{16} << 20;
inline constexpr std::size_t block_payloads_max = std::size_t{1} << 16;
inline constexpr std::size_t patch_bytes_max = std::size_t{1} << 20;
inline constexpr std::uint64_t pack_shards_max = std::uint64_t{1} << 26;

/// How bytes were made smaller.
enum class Codec : std::uint8_t {
  raw = 0,  ///< They were not: they do not shrink.
  zstd = 1,
};

struct PackHeader {
  char separator = 0;  ///< Stands between two payloads of a block.
  SegmentHeader segment{};
  SegmentHeaderBytes segment_bytes{};  ///< The same as it stands in the segment.
};

/// One part of a block: `raw_bytes` bytes in `bytes`.
struct PackedPart {
  Codec codec = Codec::raw;
  std::uint32_t bytes = 0;
  std::uint32_t raw_bytes = 0;

  bool operator==(PackedPart const&) const = default;
};

/// Payloads whose seqs follow one another, and the commits that begin among them. Behind the header
/// lie the payloads, their lengths, the owner's note, and the frame: what else the commits say.
struct BlockHeader {
  std::uint64_t salt = 0;    ///< The segment's.
  std::uint64_t offset = 0;  ///< Of the block in its pack.
  Seq first_seq = 0;         ///< Of the first payload; without payloads: of the next one.
  std::uint32_t payload_count = 0;
  /// How many of them, the first ones, are of a commit that began in an earlier block.
  std::uint32_t continued_count = 0;
  std::uint32_t commit_count = 0;  ///< Of the commits that begin in it.
  PackedPart payloads{};
  PackedPart lengths{};
  std::uint32_t note_bytes = 0;
  PackedPart frame{};
  /// Of the first commit that begins in it, or would: its number, its place in the segment, and
  /// the chain that it carries.
  std::uint64_t commit_no = 0;
  std::uint64_t segment_offset = 0;
  std::uint32_t chain = 0;
  std::uint32_t content_crc = 0;  ///< Of payloads, lengths and note.
  std::uint32_t frame_crc = 0;    ///< Of the frame.

  /// Of what a store keeps,
  std::uint64_t content_bytes() const noexcept {
    return std::uint64_t{payloads.bytes} + lengths.bytes + note_bytes;
  }
  /// and of all of it, its header too.
  std::uint64_t total_bytes() const noexcept {
    return block_header_bytes + content_bytes() + frame.bytes;
  }
  /// The seq behind its last payload.
  Seq next_seq() const noexcept { return first_seq + payload_count; }
  bool operator==(BlockHeader const&) const = default;
};

/// A block as it lies in the pack, with right checksums.
struct PackedBlock {
  BlockHeader header{};
  std::vector<std::byte> bytes{};  ///< Payloads, lengths, note; the frame, if it was read.

  std::span<std::byte const> payloads() const noexcept;
  std::span<std::byte const> lengths() const noexcept;
  std::span<std::byte const> note() const noexcept;
  std::span<std::byte const> frame() const noexcept;
};

/// Bytes of the segment that are none of its commits': what a crash left behind the last one.
struct Patch {
  std::uint64_t segment_offset = 0;
  std::vector<std::byte> bytes{};

  bool operator==(Patch const&) const = default;
};

/// What a pack says of its segment as a whole.
struct PackSummary {
  std::uint64_t salt = 0;
  LogEnd begin{};                    ///< Number and chain of the first commit, and its first_seq.
  LogEnd end{};                      ///< The same of the one that comes behind the last.
  std::uint64_t end_offset = 0;      ///< In the segment: where the last commit ends.
  std::uint64_t durable_commit = 0;  ///< The highest that a commit names.
  std::uint64_t commit_count = 0;
  std::uint64_t payload_count = 0;
  std::uint64_t payload_bytes = 0;
  bool sealed = false;  ///< The last commit is a SEAL.
  /// The first and the highest age record in it: retention goes by them.
  std::optional<std::chrono::milliseconds> first_age{};
  std::chrono::milliseconds last_age{};

  bool operator==(PackSummary const&) const = default;
};

/// The footer: where the blocks are, and what is said once.
struct PackDirectory {
  PackHeader header{};  ///< Once more.
  PackSummary summary{};
  std::vector<BlockHeader> blocks{};
  std::vector<Patch> patches{};
  std::vector<std::byte> note{};  ///< The owner's, of the whole pack.
};

/// How shards belong together: a window has `window` data shards, the last one fewer. Of n data
/// shards in a window, stripe s has those numbered s, s + count, s + 2 count, …, where count is the
/// number of stripes that n shards need. So a stretch of damage hits many stripes.
struct StripeGeometry {
  std::uint32_t data = 64;      ///< Of a stripe, at most.
  std::uint32_t parity = 2;     ///< Of each stripe: that many lost shards are made again.
  std::uint32_t window = 1024;  ///< Data shards.

  bool operator==(StripeGeometry const&) const = default;
};

/// One shard of the map.
struct PackMap {
  std::uint64_t salt = 0;
  std::uint64_t segment_no = 0;
  std::uint32_t index = 0;
  std::uint64_t data_shards = 0;
  std::uint64_t directory_offset = 0;
  std::uint32_t directory_bytes = 0;
  StripeGeometry geometry{};
  std::array<std::uint32_t, map_crcs> crcs{};  ///< Of data shards, then of parity shards.
};

/// Where what lies in a pack, by the number of its data shards.
struct PackLayout {
  PackLayout(std::uint64_t data, StripeGeometry const& geometry) noexcept;

  std::uint64_t stripes_of_window(std::uint64_t window) const noexcept;
  std::uint64_t total_shards() const noexcept {
    return data_shards + parity_shards + 2 * map_shards;
  }
  /// First shard of the parity, and of the two maps.
  std::uint64_t first_map() const noexcept { return data_shards; }
  std::uint64_t first_parity() const noexcept { return data_shards + map_shards; }
  std::uint64_t second_map() const noexcept { return first_parity() + parity_shards; }
  /// The place of the checksum of a shard of data or parity in the map; nothing: it is of a map.
  std::optional<std::uint64_t> crc_index(std::uint64_t shard) const noexcept;

  std::uint64_t data_shards;
  StripeGeometry geometry;
  std::uint64_t parity_shards = 0;
  std::uint64_t map_shards = 0;
};

using PackHeaderBytes = std::array<std::byte, pack_header_bytes>;
PackHeaderBytes encode_pack_header(PackHeader const& header) noexcept;
Decoded<PackHeader> decode_pack_header(
    std::span<std::byte const, pack_header_bytes> bytes) noexcept;

using BlockHeaderBytes = std::array<std::byte, block_header_bytes>;
BlockHeaderBytes encode_block_header(BlockHeader const& header) noexcept;
/// Within the bounds above. `unsupported`: packed by a codec that is not known.
Decoded<BlockHeader> decode_block_header(
    std::span<std::byte const, block_header_bytes> bytes) noexcept;

std::vector<std::byte> encode_pack_directory(PackDirectory const& directory);
Decoded<PackDirectory> decode_pack_directory(std::span<std::byte const> bytes);
/// How long the directory is that begins so; nothing: none does.
std::optional<std::uint64_t> pack_directory_bytes(
    std::span<std::byte const, directory_header_bytes> header) noexcept;

void encode_pack_map(PackMap const& map, std::span<std::byte, shard_bytes> out) noexcept;
Decoded<PackMap> decode_pack_map(std::span<std::byte const, shard_bytes> bytes) noexcept;

}  // namespace stele::wal
