// Whatever somebody does to a pack: reading it ends, in bounded memory, and as long as no checksum
// was forged every payload that comes is the one that was written.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/byte_script.hpp"
#include "support/made_segment.hpp"
#include "wal/format/crc32c.hpp"

using namespace stele::wal;
using namespace stele::test;

namespace {

constexpr std::size_t sector = shard_bytes;

struct Original {
  MadeSegment segment = make_segment(5, 40, 3000);
  std::vector<std::byte> packed = [this] {
    PackOptions options;
    options.block_bytes = 8000;
    options.geometry = {.data = 4, .parity = 2, .window = 8};
    return segment.pack(options, *make_zstd_compressor());
  }();
  PackDirectory directory = [this] {
    OpenPack open(packed);
    PackDirectory known{.header = open.pack->header(), .summary = *open.pack->summary()};
    known.blocks = open.pack->blocks();
    known.patches = open.pack->patches();
    return known;
  }();
};

/// Changes a field of a block, or a byte of its parts, in the block and in the directory, with
/// checksums that are right.
void forge_block(std::vector<std::byte>& bytes, PackDirectory& directory, ByteScript& script) {
  if (directory.blocks.empty()) return;
  auto& block = directory.blocks[script.take(1) % directory.blocks.size()];
  auto const value = static_cast<std::uint32_t>(script.take(4));
  auto const begin = block.offset + block_header_bytes;
  auto const end = block.offset + block.total_bytes();
  std::array<std::uint32_t*, 12> const fields{&block.payload_count,
                                              &block.commit_count,
                                              &block.payloads.bytes,
                                              &block.lengths.bytes,
                                              &block.payloads.raw_bytes,
                                              &block.lengths.raw_bytes,
                                              &block.note_bytes,
                                              &block.frame.raw_bytes,
                                              &block.frame.bytes,
                                              &block.continued_count,
                                              &block.chain,
                                              nullptr};
  if (auto* const field = fields[script.take(1) % fields.size()]) {
    *field ^= value;
  } else if (begin < end && end <= bytes.size()) {
    bytes[begin + value % (end - begin)] ^= static_cast<std::byte>(1 + script.take(1));
  }
  auto const all = block.total_bytes() - block_header_bytes;
  if (begin > bytes.size() || all > bytes.size() - begin) return;
  auto const content = static_cast<std::size_t>(block.content_bytes());
  auto const parts = std::span<std::byte const>(bytes).subspan(begin, all);
  block.content_crc = crc32c(parts.first(content));
  block.frame_crc = crc32c(parts.subspan(content));
  auto const encoded = encode_block_header(block);
  std::memcpy(bytes.data() + block.offset, encoded.data(), encoded.size());
}

void put_directory(std::vector<std::byte>& bytes, std::uint64_t offset,
                   PackDirectory const& directory) {
  auto const encoded = encode_pack_directory(directory);
  if (offset + encoded.size() > bytes.size()) return;
  std::memcpy(bytes.data() + offset, encoded.data(), encoded.size());
}

void forge_map(std::vector<std::byte>& bytes, ByteScript& script) {
  if (bytes.size() < sector) return;
  auto const last = std::span(bytes).last(sector).first<sector>();
  auto const decoded = decode_pack_map(last);
  auto const* found = std::get_if<PackMap>(&decoded);
  if (found == nullptr) return;
  auto map = *found;
  auto const value = static_cast<std::uint32_t>(script.take(4));
  switch (script.take(1) % 6) {
    case 0:
      map.data_shards ^= value;
      break;
    case 1:
      map.directory_offset ^= value;
      break;
    case 2:
      map.directory_bytes ^= value;
      break;
    case 3:
      map.geometry.data ^= value;
      break;
    case 4:
      map.geometry.window ^= value;
      break;
    default:
      map.crcs[value % map_crcs] ^= 1;
  }
  encode_pack_map(map, last);
}

/// Follows the script; whether it forged checksums.
bool damage(MemoryFile& file, Original const& original, ByteScript& script) {
  auto directory = original.directory;
  auto const& last = original.directory.blocks.back();
  bool forged = false;
  while (!script.at_end()) {
    auto const what = script.take(1);
    auto& bytes = file.bytes;
    if (bytes.empty()) continue;
    auto const at = script.take(3) % bytes.size();
    auto const sector_at = at / sector * sector;
    auto const count = std::min(sector, bytes.size() - sector_at);
    switch (what % 8) {
      case 0:
        bytes[at] ^= static_cast<std::byte>(script.take(1));
        break;
      case 1:
        std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(sector_at), count, std::byte{0});
        break;
      case 2: {
        auto const from = script.take(3) % bytes.size() / sector * sector;
        std::memmove(bytes.data() + sector_at, bytes.data() + from,
                     std::min(count, bytes.size() - from));
        break;
      }
      case 3:
        bytes.resize(at);
        break;
      case 4:
        file.unreadable.insert(sector_at / sector);
        break;
      case 5:
        forge_map(bytes, script);
        forged = true;
        break;
      default:
        forge_block(bytes, directory, script);
        put_directory(bytes, last.offset + last.total_bytes(), directory);
        forged = true;
    }
  }
  return forged;
}

void read_segment(MemoryFile const& file) {
  PendingReads pending;
  auto copy = std::make_unique<MemoryFile>(file.bytes);
  copy->unreadable = file.unreadable;
  auto opened = PackedSegment::open(std::move(copy), "pack", pending);
  if (!opened) return;
  std::vector<std::byte> bytes(std::size_t{64} << 10);
  for (std::uint64_t at = 0; at < std::uint64_t{4} << 20; at += bytes.size()) {
    auto const read = (*opened)->read_at(at, bytes);
    if (read && *read == 0) break;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  static Original const original;
  ByteScript script(data, std::min<std::size_t>(size, 100));
  OpenPack open(original.packed);
  bool const forged = damage(open.file, original, script);
  open.reopen();
  if (open.pack == nullptr) return 0;
  auto const payloads = open.payloads();
  (void)open.pack->check();
  read_segment(open.file);
  if (forged) return 0;
  for (auto const& [seq, payload] : payloads) {
    auto const written = original.segment.payloads.find(seq);
    if (written == original.segment.payloads.end() || written->second != payload) std::abort();
  }
  return 0;
}
