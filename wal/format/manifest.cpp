#include "wal/format/manifest.hpp"

#include "wal/format/crc32c.hpp"
#include "wal/format/field_codec.hpp"

namespace stele::wal {
namespace {

constexpr std::string_view manifest_magic = "STELEMAN";
constexpr std::size_t crc_offset = manifest_bytes - 4;
/// The major version of a log that may have packs.
constexpr std::uint16_t major_with_packs = 2;

}  // namespace

// 4096 bytes: magic 8 | major u16 | minor u16 | zero u32 | store_id 16 | first_segment_no u64 |
// last_segment_no u64 | first_commit_no u64 | first_chain u32 | zero u32 | first_seq u64 |
// durable_commit u64 | end_seq u64 | last_salt u64 | copied_from_segment_no u64 | zeros | crc u32

void encode_manifest(Manifest const& manifest,
                     std::span<std::byte, manifest_bytes> bytes) noexcept {
  FieldWriter out(bytes);
  out.bytes(manifest_magic.data(), manifest_magic.size());
  out.u16(manifest.has_packs ? major_with_packs : format_major);
  out.u16(format_minor);
  out.u32(0);
  out.bytes(manifest.store_id.data(), manifest.store_id.size());
  out.u64(manifest.first_segment_no);
  out.u64(manifest.last_segment_no);
  out.u64(manifest.first_commit_no);
  out.u32(manifest.first_chain);
  out.u32(0);
  out.u64(manifest.first_seq);
  out.u64(manifest.durable_commit);
  out.u64(manifest.end_seq);
  out.u64(manifest.last_salt);
  out.u64(manifest.copied_from_segment_no);
  out.zeros(crc_offset - out.position());
  out.u32(crc32c(std::span<std::byte const>(bytes).first(crc_offset)));
}

Decoded<Manifest> decode_manifest(std::span<std::byte const, manifest_bytes> bytes) noexcept {
  FieldReader in(bytes);
  if (!in.is(manifest_magic)) return HeaderFault::invalid;
  auto const stored_crc = FieldReader(bytes.subspan(crc_offset)).u32();
  if (stored_crc != crc32c(bytes.first(crc_offset))) return HeaderFault::invalid;
  auto const major = in.u16();
  if (major != format_major && major != major_with_packs) return HeaderFault::unsupported;
  in.u16();
  in.u32();
  Manifest manifest{.has_packs = major == major_with_packs};
  in.bytes(manifest.store_id.data(), manifest.store_id.size());
  manifest.first_segment_no = in.u64();
  manifest.last_segment_no = in.u64();
  manifest.first_commit_no = in.u64();
  manifest.first_chain = in.u32();
  in.u32();
  manifest.first_seq = in.u64();
  manifest.durable_commit = in.u64();
  manifest.end_seq = in.u64();
  manifest.last_salt = in.u64();
  manifest.copied_from_segment_no = in.u64();
  return manifest;
}

}  // namespace stele::wal
