#include "wal/format/format.hpp"

#include <algorithm>

#include "wal/format/crc32c.hpp"
#include "wal/format/field_codec.hpp"

namespace stele::wal {
namespace {

constexpr std::string_view segment_magic = "STELEWAL";
constexpr std::string_view commit_magic = "SCMT";
constexpr std::uint8_t commit_header_version = 1;
constexpr std::size_t crc_bytes = 4;

std::uint32_t stored_u32(std::span<std::byte const> bytes, std::size_t offset) noexcept {
  return FieldReader(bytes.subspan(offset)).u32();
}

}  // namespace

std::string_view to_string(GapReason reason) noexcept {
  switch (reason) {
    case GapReason::expired:
      return "expired";
    case GapReason::damaged:
      return "damaged";
    case GapReason::torn:
      return "torn";
    case GapReason::dropped_by_client:
      return "dropped_by_client";
  }
  return "unknown";
}

// Segment header, 128 bytes, at 0 and at 4096:
//
//    0 magic "STELEWAL"      8 major u16  10 minor u16   12 header_bytes u32
//   16 incompatible u32     20 compatible u32            24 segment_bytes u64
//   32 commit_align u32     36 zero u32                  40 store_id 16 bytes
//   56 segment_no u64       64 salt u64                  72 prev_segment_no u64
//   80 prev_salt u64        88 prev_end_commit u64       96 zero 28 bytes   124 crc u32

SegmentHeaderBytes encode_segment_header(SegmentHeader const& header) noexcept {
  SegmentHeaderBytes bytes;
  FieldWriter out(bytes);
  out.bytes(segment_magic.data(), segment_magic.size());
  out.u16(format_major);
  out.u16(format_minor);
  out.u32(segment_header_bytes);
  out.u32(0);
  out.u32(0);
  out.u64(header.segment_bytes);
  out.u32(header.commit_align);
  out.u32(0);
  out.bytes(header.store_id.data(), header.store_id.size());
  out.u64(header.segment_no);
  out.u64(header.salt);
  out.u64(header.prev_segment_no);
  out.u64(header.prev_salt);
  out.u64(header.prev_end_commit);
  out.zeros(segment_header_bytes - crc_bytes - out.position());
  out.u32(crc32c(std::span<std::byte const>(bytes).first(out.position())));
  return bytes;
}

Decoded<SegmentHeader> decode_segment_header(
    std::span<std::byte const, segment_header_bytes> bytes) noexcept {
  FieldReader in(bytes);
  if (!in.is(segment_magic)) return HeaderFault::invalid;
  constexpr auto crc_offset = segment_header_bytes - crc_bytes;
  if (stored_u32(bytes, crc_offset) != crc32c(bytes.first(crc_offset))) return HeaderFault::invalid;
  bool supported = in.u16() == format_major;
  in.u16();  // Any minor version can be read.
  supported = in.u32() == segment_header_bytes && supported;
  supported = in.u32() == 0 && supported;  // Incompatible flags: none is known.
  in.u32();                                // Compatible flags: all can be ignored.
  if (!supported) return HeaderFault::unsupported;
  SegmentHeader header;
  header.segment_bytes = in.u64();
  header.commit_align = in.u32();
  in.u32();
  in.bytes(header.store_id.data(), header.store_id.size());
  header.segment_no = in.u64();
  header.salt = in.u64();
  header.prev_segment_no = in.u64();
  header.prev_salt = in.u64();
  header.prev_end_commit = in.u64();
  return header;
}

// Commit header, 64 bytes:
//
//    0 magic "SCMT"      4 version u8   5 kind u8   6 header_bytes u16   8 salt u64
//   16 commit_no u64    24 first_seq u64           32 durable_commit u64
//   40 payload_count u32   44 body_bytes u32       48 body_crc u32      52 chain u32
//   56 flags u32 (low half must be understood, high half may be ignored)   60 crc u32

CommitHeaderBytes encode_commit_header(CommitHeader const& header) noexcept {
  CommitHeaderBytes bytes;
  FieldWriter out(bytes);
  out.bytes(commit_magic.data(), commit_magic.size());
  out.u8(commit_header_version);
  out.u8(static_cast<std::uint8_t>(header.kind));
  out.u16(commit_header_bytes);
  out.u64(header.salt);
  out.u64(header.commit_no);
  out.u64(header.first_seq);
  out.u64(header.durable_commit);
  out.u32(header.payload_count);
  out.u32(header.body_bytes);
  out.u32(header.body_crc);
  out.u32(header.chain);
  out.u32(0);
  out.u32(crc32c(std::span<std::byte const>(bytes).first(out.position())));
  return bytes;
}

Decoded<CommitHeader> decode_commit_header(
    std::span<std::byte const, commit_header_bytes> bytes) noexcept {
  FieldReader in(bytes);
  if (!in.is(commit_magic)) return HeaderFault::invalid;
  constexpr auto crc_offset = commit_header_bytes - crc_bytes;
  if (stored_u32(bytes, crc_offset) != crc32c(bytes.first(crc_offset))) return HeaderFault::invalid;
  CommitHeader header;
  bool supported = in.u8() == commit_header_version;
  auto const kind = in.u8();
  supported = kind >= 1 && kind <= static_cast<std::uint8_t>(CommitKind::gap) && supported;
  header.kind = static_cast<CommitKind>(kind);
  supported = in.u16() == commit_header_bytes && supported;
  header.salt = in.u64();
  header.commit_no = in.u64();
  header.first_seq = in.u64();
  header.durable_commit = in.u64();
  header.payload_count = in.u32();
  header.body_bytes = in.u32();
  header.body_crc = in.u32();
  header.chain = in.u32();
  supported = (in.u32() & 0xffff) == 0 && supported;
  if (!supported) return HeaderFault::unsupported;
  return header;
}

std::uint32_t header_crc(std::span<std::byte const, commit_header_bytes> bytes) noexcept {
  return stored_u32(bytes, commit_header_bytes - crc_bytes);
}

std::uint32_t body_crc(std::uint64_t salt, std::span<std::byte const> body) noexcept {
  std::array<std::byte, 8> seed;
  FieldWriter(seed).u64(salt);
  return crc32c(body, crc32c(seed));
}

// Group header, 32 bytes: writer 16 bytes | write_no u64 | payload_count u32 | records_bytes u32

constexpr std::uint64_t late_bit = std::uint64_t{1} << 63;

void encode_group_header(GroupHeader const& header,
                         std::span<std::byte, group_header_bytes> bytes) noexcept {
  FieldWriter out(bytes);
  out.bytes(header.writer.writer.data(), header.writer.writer.size());
  out.u64(header.writer.write_no | (header.writer.late ? late_bit : 0));
  out.u32(header.payload_count);
  out.u32(header.records_bytes);
}

GroupHeader decode_group_header(std::span<std::byte const, group_header_bytes> bytes) noexcept {
  FieldReader in(bytes);
  GroupHeader header;
  in.bytes(header.writer.writer.data(), header.writer.writer.size());
  auto const write_no = in.u64();
  header.writer.write_no = write_no & ~late_bit;
  header.writer.late = (write_no & late_bit) != 0;
  header.payload_count = in.u32();
  header.records_bytes = in.u32();
  return header;
}

// Record header, 8 bytes: payload_bytes u32 | payload_crc u32

void encode_record_header(RecordHeader const& header,
                          std::span<std::byte, record_header_bytes> bytes) noexcept {
  FieldWriter out(bytes);
  out.u32(header.payload_bytes);
  out.u32(header.payload_crc);
}

RecordHeader decode_record_header(std::span<std::byte const, record_header_bytes> bytes) noexcept {
  FieldReader in(bytes);
  RecordHeader header;
  header.payload_bytes = in.u32();
  header.payload_crc = in.u32();
  return header;
}

// Gap record, 64 bytes: reason u32 | zero u32 | first_seq u64 | last_seq u64 | segment_no u64
//                       | offset u64 | dropped u64 | writer 16 bytes

void encode_gap(Gap const& gap, std::span<std::byte, gap_record_bytes> bytes) noexcept {
  FieldWriter out(bytes);
  out.u32(static_cast<std::uint32_t>(gap.reason));
  out.u32(0);
  out.u64(gap.first_seq);
  out.u64(gap.last_seq);
  out.u64(gap.segment_no);
  out.u64(gap.offset);
  out.u64(gap.dropped);
  out.bytes(gap.writer.data(), gap.writer.size());
}

Gap age_record(std::chrono::milliseconds age) noexcept {
  return {.reason = static_cast<GapReason>(age_record_reason),
          .dropped = static_cast<std::uint64_t>(age.count())};
}

std::optional<std::chrono::milliseconds> decode_age_record(
    std::span<std::byte const, gap_record_bytes> bytes) noexcept {
  // Far above any real one; so that sums with it do not overflow.
  constexpr std::uint64_t age_max = std::uint64_t{1} << 50;
  FieldReader in(bytes);
  if (in.u32() != age_record_reason) return std::nullopt;
  auto const ms = FieldReader(bytes.subspan<40>()).u64();
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::min(ms, age_max)));
}

Gap acknowledgement_record(Seq first, Seq last) noexcept {
  return {.first_seq = first,
          .last_seq = last,
          .reason = static_cast<GapReason>(acknowledgement_reason)};
}

std::optional<Gap> decode_acknowledgement(
    std::span<std::byte const, gap_record_bytes> bytes) noexcept {
  FieldReader in(bytes);
  if (in.u32() != acknowledgement_reason) return std::nullopt;
  in.u32();
  Gap known;
  known.first_seq = in.u64();
  known.last_seq = in.u64();
  if (known.first_seq == 0 || known.first_seq > known.last_seq) return std::nullopt;
  return known;
}

std::optional<Gap> decode_gap(std::span<std::byte const, gap_record_bytes> bytes) noexcept {
  FieldReader in(bytes);
  auto const reason = in.u32();
  if (reason < static_cast<std::uint32_t>(GapReason::expired) ||
      reason > static_cast<std::uint32_t>(GapReason::dropped_by_client)) {
    return std::nullopt;
  }
  in.u32();
  Gap gap;
  gap.reason = static_cast<GapReason>(reason);
  gap.first_seq = in.u64();
  gap.last_seq = in.u64();
  gap.segment_no = in.u64();
  gap.offset = in.u64();
  gap.dropped = in.u64();
  in.bytes(gap.writer.data(), gap.writer.size());
  return gap;
}

}  // namespace stele::wal
