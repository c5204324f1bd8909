#include "wal/pack/pack_format.hpp"

#include <algorithm>
#include <string_view>

#include "wal/format/crc32c.hpp"
#include "wal/format/field_codec.hpp"

namespace stele::wal {
namespace {

constexpr std::string_view pack_magic = "STELEPAK";
constexpr std::string_view block_magic = "SPBK";
constexpr std::string_view directory_magic = "SPDR";
constexpr std::string_view map_magic = "SPMP";
constexpr std::uint8_t part_version = 1;
constexpr std::size_t checksum_bytes = 4;

/// The last four bytes are the checksum of those before them.
bool has_right_crc(std::span<std::byte const> bytes) noexcept {
  auto const size = bytes.size() - checksum_bytes;
  return FieldReader(bytes.subspan(size)).u32() == crc32c(bytes.first(size));
}

void finish(FieldWriter& out, std::span<std::byte> bytes) noexcept {
  out.zeros(bytes.size() - checksum_bytes - out.position());
  out.u32(crc32c(std::span<std::byte const>(bytes).first(out.position())));
}

bool is_known(Codec codec) noexcept { return codec == Codec::raw || codec == Codec::zstd; }

bool is_possible(PackedPart const& part, std::size_t raw_bytes_max) noexcept {
  if (part.raw_bytes > raw_bytes_max) return false;
  return part.codec == Codec::raw ? part.bytes == part.raw_bytes : part.bytes < part.raw_bytes;
}

/// The longest that a length takes: see frame_codec.hpp.
constexpr std::size_t length_bytes_max = 5;

bool is_possible(BlockHeader const& header) noexcept {
  return header.payload_count <= block_payloads_max &&
         header.continued_count <= header.payload_count &&
         is_possible(header.payloads, block_raw_bytes_max) &&
         is_possible(header.lengths, header.payload_count * length_bytes_max) &&
         is_possible(header.frame, frame_raw_bytes_max);
}

}  // namespace

std::span<std::byte const> PackedBlock::payloads() const noexcept {
  return std::span(bytes).first(header.payloads.bytes);
}
std::span<std::byte const> PackedBlock::lengths() const noexcept {
  return std::span(bytes).subspan(header.payloads.bytes, header.lengths.bytes);
}
std::span<std::byte const> PackedBlock::note() const noexcept {
  return std::span(bytes).subspan(std::size_t{header.payloads.bytes} + header.lengths.bytes,
                                  header.note_bytes);
}
std::span<std::byte const> PackedBlock::frame() const noexcept {
  return std::span(bytes).last(header.frame.bytes);
}

PackLayout::PackLayout(std::uint64_t data, StripeGeometry const& stripes) noexcept
    : data_shards(data), geometry(stripes) {
  auto const whole = data_shards / geometry.window;
  parity_shards = whole * ((geometry.window + geometry.data - 1) / geometry.data);
  parity_shards += (data_shards % geometry.window + geometry.data - 1) / geometry.data;
  parity_shards *= geometry.parity;
  map_shards = (data_shards + parity_shards + map_crcs - 1) / map_crcs;
}

std::uint64_t PackLayout::stripes_of_window(std::uint64_t window) const noexcept {
  auto const begin = window * geometry.window;
  auto const shards = std::min<std::uint64_t>(geometry.window, data_shards - begin);
  return (shards + geometry.data - 1) / geometry.data;
}

std::optional<std::uint64_t> PackLayout::crc_index(std::uint64_t shard) const noexcept {
  if (shard < data_shards) return shard;
  if (shard < first_parity() || shard >= second_map()) return std::nullopt;
  return shard - map_shards;
}

// Pack header, 256 bytes, at 0:
//
//    0 magic "STELEPAK"      8 major u16  10 minor u16   12 header_bytes u32
//   16 incompatible u32     20 compatible u32            24 separator u8   25 zero 71 bytes
//   96 segment_header 128 bytes                         224 zero 28 bytes  252 crc u32

PackHeaderBytes encode_pack_header(PackHeader const& header) noexcept {
  PackHeaderBytes bytes;
  FieldWriter out(bytes);
  out.bytes(pack_magic.data(), pack_magic.size());
  out.u16(pack_major);
  out.u16(pack_minor);
  out.u32(pack_header_bytes);
  out.u32(0);
  out.u32(0);
  out.u8(static_cast<std::uint8_t>(header.separator));
  constexpr std::size_t segment_header_at = 96;
  out.zeros(segment_header_at - out.position());
  out.bytes(header.segment_bytes.data(), header.segment_bytes.size());
  finish(out, bytes);
  return bytes;
}

Decoded<PackHeader> decode_pack_header(
    std::span<std::byte const, pack_header_bytes> bytes) noexcept {
  FieldReader in(bytes);
  if (!in.is(pack_magic) || !has_right_crc(bytes)) return HeaderFault::invalid;
  bool supported = in.u16() == pack_major;
  in.u16();  // Any minor version can be read.
  supported = in.u32() == pack_header_bytes && supported;
  supported = in.u32() == 0 && supported;  // Incompatible flags: none is known.
  in.u32();                                // Compatible flags: all can be ignored.
  if (!supported) return HeaderFault::unsupported;
  PackHeader header;
  header.separator = static_cast<char>(in.u8());
  constexpr std::size_t segment_header_at = 96;
  auto const segment = bytes.subspan<segment_header_at, segment_header_bytes>();
  auto const decoded = decode_segment_header(segment);
  if (auto const* fault = std::get_if<HeaderFault>(&decoded)) return *fault;
  header.segment = std::get<SegmentHeader>(decoded);
  std::ranges::copy(segment, header.segment_bytes.begin());
  return header;
}

// Block header, 104 bytes:
//
//    0 magic "SPBK"     4 version u8    5 codec of payloads u8, of lengths u8, of the frame u8
//    8 salt u64        16 offset u64   24 first_seq u64
//   32 payload_count u32               36 commit_count u32
//   40 payloads: bytes u32, raw u32    48 lengths: bytes u32, raw u32
//   56 note_bytes u32                  60 frame: bytes u32, raw u32
//   68 commit_no u64   76 segment_offset u64   84 chain u32
//   88 content_crc u32 92 frame_crc u32        96 continued_count u32   100 crc u32

BlockHeaderBytes encode_block_header(BlockHeader const& header) noexcept {
  BlockHeaderBytes bytes;
  FieldWriter out(bytes);
  out.bytes(block_magic.data(), block_magic.size());
  out.u8(part_version);
  for (auto const& part : {header.payloads, header.lengths, header.frame}) {
    out.u8(static_cast<std::uint8_t>(part.codec));
  }
  out.u64(header.salt);
  out.u64(header.offset);
  out.u64(header.first_seq);
  out.u32(header.payload_count);
  out.u32(header.commit_count);
  for (auto const& part : {header.payloads, header.lengths}) {
    out.u32(part.bytes);
    out.u32(part.raw_bytes);
  }
  out.u32(header.note_bytes);
  out.u32(header.frame.bytes);
  out.u32(header.frame.raw_bytes);
  out.u64(header.commit_no);
  out.u64(header.segment_offset);
  out.u32(header.chain);
  out.u32(header.content_crc);
  out.u32(header.frame_crc);
  out.u32(header.continued_count);
  finish(out, bytes);
  return bytes;
}

Decoded<BlockHeader> decode_block_header(
    std::span<std::byte const, block_header_bytes> bytes) noexcept {
  FieldReader in(bytes);
  if (!in.is(block_magic) || !has_right_crc(bytes)) return HeaderFault::invalid;
  BlockHeader header;
  bool supported = in.u8() == part_version;
  for (auto* part : {&header.payloads, &header.lengths, &header.frame}) {
    part->codec = static_cast<Codec>(in.u8());
    supported = is_known(part->codec) && supported;
  }
  if (!supported) return HeaderFault::unsupported;
  header.salt = in.u64();
  header.offset = in.u64();
  header.first_seq = in.u64();
  header.payload_count = in.u32();
  header.commit_count = in.u32();
  for (auto* part : {&header.payloads, &header.lengths}) {
    part->bytes = in.u32();
    part->raw_bytes = in.u32();
  }
  header.note_bytes = in.u32();
  header.frame.bytes = in.u32();
  header.frame.raw_bytes = in.u32();
  header.commit_no = in.u64();
  header.segment_offset = in.u64();
  header.chain = in.u32();
  header.content_crc = in.u32();
  header.frame_crc = in.u32();
  header.continued_count = in.u32();
  if (!is_possible(header)) return HeaderFault::invalid;
  return header;
}

// Directory header, 160 bytes; the pack header, the block headers, the patches (segment_offset u64,
// bytes u32, the bytes) and the note of the pack follow:
//
//    0 magic "SPDR"     4 version u8    5 sealed u8    6 has_age u8    7 zero u8
//    8 salt u64        16 block_count u32             20 patch_count u32
//   24 patch_bytes u32 28 note_bytes u32              32 end_offset u64
//   40 first_commit_no u64   48 first_chain u32       52 end_chain u32   56 first_seq u64
//   64 end_commit_no u64     72 end_seq u64           80 durable_commit u64
//   88 commit_count u64      96 payload_count u64    104 payload_bytes u64
//  112 first_age u64        120 last_age u64         128 zero 24 bytes
//  152 rest_crc u32, of what follows                 156 crc u32

namespace {

void write_summary(FieldWriter& out, PackSummary const& summary) noexcept {
  out.u64(summary.end_offset);
  out.u64(summary.begin.commit_no);
  out.u32(summary.begin.chain);
  out.u32(summary.end.chain);
  out.u64(summary.begin.next_seq);
  out.u64(summary.end.commit_no);
  out.u64(summary.end.next_seq);
  out.u64(summary.durable_commit);
  out.u64(summary.commit_count);
  out.u64(summary.payload_count);
  out.u64(summary.payload_bytes);
  auto const first_age = summary.first_age.value_or(std::chrono::milliseconds(0));
  out.u64(static_cast<std::uint64_t>(first_age.count()));
  out.u64(static_cast<std::uint64_t>(summary.last_age.count()));
}

std::chrono::milliseconds read_age(FieldReader& in) noexcept {
  constexpr std::uint64_t age_max = std::uint64_t{1} << 50;  // As of an age record.
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::min(in.u64(), age_max)));
}

void read_summary(FieldReader& in, PackSummary& summary, bool has_age) noexcept {
  summary.end_offset = in.u64();
  summary.begin.commit_no = in.u64();
  summary.begin.chain = in.u32();
  summary.end.chain = in.u32();
  summary.begin.next_seq = in.u64();
  summary.end.commit_no = in.u64();
  summary.end.next_seq = in.u64();
  summary.durable_commit = in.u64();
  summary.commit_count = in.u64();
  summary.payload_count = in.u64();
  summary.payload_bytes = in.u64();
  auto const first_age = read_age(in);
  if (has_age) summary.first_age = first_age;
  summary.last_age = read_age(in);
}

/// The patches, in `bytes` altogether; false: they are not.
bool read_patches(std::span<std::byte const> bytes, std::uint32_t count,
                  std::vector<Patch>& patches) {
  for (; count > 0; --count) {
    if (bytes.size() < patch_header_bytes) return false;
    FieldReader in(bytes);
    auto const offset = in.u64();
    std::size_t const size = in.u32();
    bytes = bytes.subspan(patch_header_bytes);
    if (size > bytes.size()) return false;
    patches.push_back({offset, {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)}});
    bytes = bytes.subspan(size);
  }
  return bytes.empty();
}

}  // namespace

std::vector<std::byte> encode_pack_directory(PackDirectory const& directory) {
  std::size_t patch_bytes = 0;
  for (auto const& patch : directory.patches) {
    patch_bytes += patch_header_bytes + patch.bytes.size();
  }
  std::vector<std::byte> bytes(directory_header_bytes + pack_header_bytes +
                               directory.blocks.size() * block_header_bytes + patch_bytes +
                               directory.note.size());
  FieldWriter rest{std::span(bytes).subspan(directory_header_bytes)};
  auto const pack_header = encode_pack_header(directory.header);
  rest.bytes(pack_header.data(), pack_header.size());
  for (auto const& block : directory.blocks) {
    auto const encoded = encode_block_header(block);
    rest.bytes(encoded.data(), encoded.size());
  }
  for (auto const& patch : directory.patches) {
    rest.u64(patch.segment_offset);
    rest.u32(static_cast<std::uint32_t>(patch.bytes.size()));
    rest.bytes(patch.bytes.data(), patch.bytes.size());
  }
  rest.bytes(directory.note.data(), directory.note.size());

  auto const& summary = directory.summary;
  auto const header = std::span(bytes).first(directory_header_bytes);
  FieldWriter out(header);
  out.bytes(directory_magic.data(), directory_magic.size());
  out.u8(part_version);
  out.u8(summary.sealed ? 1 : 0);
  out.u8(summary.first_age ? 1 : 0);
  out.u8(0);
  out.u64(summary.salt);
  out.u32(static_cast<std::uint32_t>(directory.blocks.size()));
  out.u32(static_cast<std::uint32_t>(directory.patches.size()));
  out.u32(static_cast<std::uint32_t>(patch_bytes));
  out.u32(static_cast<std::uint32_t>(directory.note.size()));
  write_summary(out, summary);
  constexpr std::size_t rest_crc_at = 152;
  out.zeros(rest_crc_at - out.position());
  out.u32(crc32c(std::span<std::byte const>(bytes).subspan(directory_header_bytes)));
  finish(out, header);
  return bytes;
}

Decoded<PackDirectory> decode_pack_directory(std::span<std::byte const> bytes) {
  if (bytes.size() < directory_header_bytes) return HeaderFault::invalid;
  auto const header = bytes.first<directory_header_bytes>();
  auto const rest = bytes.subspan(directory_header_bytes);
  FieldReader in(header);
  if (!in.is(directory_magic) || !has_right_crc(header)) return HeaderFault::invalid;
  if (in.u8() != part_version) return HeaderFault::unsupported;
  PackDirectory directory;
  directory.summary.sealed = in.u8() != 0;
  bool const has_age = in.u8() != 0;
  in.u8();
  directory.summary.salt = in.u64();
  std::uint64_t const block_count = in.u32();
  auto const patch_count = in.u32();
  std::uint64_t const patch_bytes = in.u32();
  std::uint64_t const note_bytes = in.u32();
  read_summary(in, directory.summary, has_age);
  constexpr std::size_t rest_crc_at = 152;
  auto const blocks_bytes = block_count * block_header_bytes;
  if (pack_header_bytes + blocks_bytes + patch_bytes + note_bytes != rest.size() ||
      FieldReader(header.subspan<rest_crc_at>()).u32() != crc32c(rest)) {
    return HeaderFault::invalid;
  }
  auto const pack_header = decode_pack_header(rest.first<pack_header_bytes>());
  if (auto const* fault = std::get_if<HeaderFault>(&pack_header)) return *fault;
  directory.header = std::get<PackHeader>(pack_header);
  auto const blocks = rest.subspan(pack_header_bytes).first(static_cast<std::size_t>(blocks_bytes));
  for (std::size_t at = 0; at < blocks.size(); at += block_header_bytes) {
    auto const block = decode_block_header(blocks.subspan(at).first<block_header_bytes>());
    if (auto const* fault = std::get_if<HeaderFault>(&block)) return *fault;
    directory.blocks.push_back(std::get<BlockHeader>(block));
  }
  auto const patches = rest.subspan(pack_header_bytes + blocks.size()).first(patch_bytes);
  if (!read_patches(patches, patch_count, directory.patches)) return HeaderFault::invalid;
  auto const note = rest.last(static_cast<std::size_t>(note_bytes));
  directory.note.assign(note.begin(), note.end());
  return directory;
}

std::optional<std::uint64_t> pack_directory_bytes(
    std::span<std::byte const, directory_header_bytes> header) noexcept {
  FieldReader in(header);
  if (!in.is(directory_magic) || !has_right_crc(header)) return std::nullopt;
  constexpr std::size_t block_count_at = 16;
  FieldReader counts(header.subspan<block_count_at>());
  std::uint64_t const blocks = counts.u32();
  counts.u32();
  std::uint64_t const patch_bytes = counts.u32();
  std::uint64_t const note_bytes = counts.u32();
  return directory_header_bytes + pack_header_bytes + blocks * block_header_bytes + patch_bytes +
         note_bytes;
}

// A shard of the map, 4096 bytes:
//
//    0 magic "SPMP"     4 version u8    5 zero 3 bytes    8 salt u64    16 segment_no u64
//   24 index u32       28 directory_bytes u32            32 data_shards u64
//   40 directory_offset u64            48 stripe data u32   52 stripe parity u32
//   56 window u32      60 zero u32     64 crcs, 1007 u32    4092 crc u32

void encode_pack_map(PackMap const& map, std::span<std::byte, shard_bytes> bytes) noexcept {
  FieldWriter out(bytes);
  out.bytes(map_magic.data(), map_magic.size());
  out.u8(part_version);
  out.zeros(3);
  out.u64(map.salt);
  out.u64(map.segment_no);
  out.u32(map.index);
  out.u32(map.directory_bytes);
  out.u64(map.data_shards);
  out.u64(map.directory_offset);
  out.u32(map.geometry.data);
  out.u32(map.geometry.parity);
  out.u32(map.geometry.window);
  out.u32(0);
  for (auto const crc : map.crcs) out.u32(crc);
  finish(out, bytes);
}

Decoded<PackMap> decode_pack_map(std::span<std::byte const, shard_bytes> bytes) noexcept {
  FieldReader in(bytes);
  if (!in.is(map_magic) || !has_right_crc(bytes)) return HeaderFault::invalid;
  if (in.u8() != part_version) return HeaderFault::unsupported;
  in.zeros(3);
  PackMap map;
  map.salt = in.u64();
  map.segment_no = in.u64();
  map.index = in.u32();
  map.directory_bytes = in.u32();
  map.data_shards = in.u64();
  map.directory_offset = in.u64();
  map.geometry = {.data = in.u32(), .parity = in.u32(), .window = in.u32()};
  in.u32();
  for (auto& crc : map.crcs) crc = in.u32();
  // Erasure codes over bytes have 255 shards in a stripe at most.
  auto const& [data, parity, window] = map.geometry;
  constexpr std::uint32_t stripe_max = 255;
  bool const is_possible = data > 0 && parity > 0 && data < stripe_max && parity < stripe_max &&
                           data + parity <= stripe_max && window >= data && window <= (1U << 16) &&
                           map.data_shards > 0 && map.data_shards <= pack_shards_max;
  if (!is_possible) return HeaderFault::invalid;
  return map;
}

}  // namespace stele::wal
