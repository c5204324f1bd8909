#include "wal/pack/pack_reader.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "wal/format/crc32c.hpp"

namespace stele::wal {
namespace {

constexpr HeaderFault invalid = HeaderFault::invalid;
constexpr HeaderFault unsupported = HeaderFault::unsupported;

HeaderFault const* fault_of(HeaderFault fault) noexcept {
  return fault == HeaderFault::unsupported ? &unsupported : &invalid;
}

/// Whether one block may come somewhere behind another.
bool follows(BlockHeader const& before, BlockHeader const& block) noexcept {
  return block.first_seq >= before.next_seq() && block.first_seq <= block.next_seq() &&
         block.commit_no >= before.commit_no && block.segment_offset >= before.segment_offset;
}

}  // namespace

std::string_view UnpackedBlock::payload(std::size_t index) const noexcept {
  auto const begin = index == 0 ? 0 : ends[index - 1] + std::size_t{1};
  return {reinterpret_cast<char const*>(bytes.data()) + begin, ends[index] - begin};
}

bool unpack_payloads(BlockHeader const& header, std::span<std::byte const> content,
                     Decompressor& decompressor, UnpackedBlock& into) {
  std::vector<std::byte> lengths;
  into.ends.clear();
  auto const payloads = content.first(header.payloads.bytes);
  auto const packed_lengths = content.subspan(header.payloads.bytes, header.lengths.bytes);
  if (!decompressor.unpack(header.payloads, payloads, into.bytes) ||
      !decompressor.unpack(header.lengths, packed_lengths, lengths)) {
    return false;
  }
  std::span<std::byte const> rest(lengths);
  std::uint64_t end = 0;
  for (std::uint32_t i = 0; i < header.payload_count; ++i) {
    auto const length = take_varint(rest);
    if (!length || *length > block_raw_bytes_max) return false;
    end += *length + (i > 0 ? 1 : 0);
    if (end > into.bytes.size()) return false;
    into.ends.push_back(static_cast<std::uint32_t>(end));
  }
  return rest.empty() && end == into.bytes.size();
}

std::optional<std::vector<FramedCommit>> unpack_commits(PackedBlock const& block,
                                                        Decompressor& decompressor) {
  std::vector<std::byte> frame;
  if (!decompressor.unpack(block.header.frame, block.frame(), frame)) return std::nullopt;
  std::vector<FramedCommit> commits;
  FrameReader reader(frame);
  auto commit_no = block.header.commit_no;
  while (auto commit = reader.next(commit_no)) {
    commits.push_back(*std::move(commit));
    ++commit_no;
  }
  if (!reader.at_end() || commits.size() != block.header.commit_count) return std::nullopt;
  return commits;
}

Result<std::unique_ptr<PackReader>> PackReader::open(File& file) {
  std::unique_ptr<PackReader> reader(new PackReader(file));
  if (auto const failure = reader->load()) return *failure;
  return reader;
}

std::optional<Failure> PackReader::load() {
  auto const* header_fault = load_header();
  auto const* map = file_.map();
  auto const* directory_fault =
      map != nullptr ? load_directory(map->directory_offset, map->directory_bytes) : &invalid;
  for (auto const* fault : {header_fault, directory_fault}) {
    if (fault == &unsupported) {
      return Failure{Errc::unsupported_version, "the pack is of a newer format version"};
    }
  }
  if (!has_header_) {
    return Failure{Errc::damaged, "neither the header of the pack nor its directory can be read"};
  }
  if (!has_directory_) scan_blocks();
  return std::nullopt;
}

/// Null: it is there.
HeaderFault const* PackReader::load_header() {
  PackHeaderBytes bytes{};
  Decoded<PackHeader> decoded = HeaderFault::invalid;
  if (file_.read(0, bytes)) decoded = decode_pack_header(bytes);
  if (std::holds_alternative<HeaderFault>(decoded) && file_.read_repaired(0, bytes)) {
    decoded = decode_pack_header(bytes);
  }
  if (auto const* fault = std::get_if<HeaderFault>(&decoded)) return fault_of(*fault);
  directory_.header = std::get<PackHeader>(decoded);
  has_header_ = true;
  return nullptr;
}

/// Null: it is there, and the header with it.
HeaderFault const* PackReader::load_directory(std::uint64_t offset, std::uint64_t bytes_count) {
  if (bytes_count > file_.size()) return &invalid;
  std::vector<std::byte> bytes(static_cast<std::size_t>(bytes_count));
  Decoded<PackDirectory> decoded = HeaderFault::invalid;
  if (file_.read(offset, bytes)) decoded = decode_pack_directory(bytes);
  if (std::holds_alternative<HeaderFault>(decoded) && file_.read_repaired(offset, bytes)) {
    decoded = decode_pack_directory(bytes);
  }
  if (auto const* fault = std::get_if<HeaderFault>(&decoded)) return fault_of(*fault);
  return take_directory(std::move(std::get<PackDirectory>(decoded)), offset) ? nullptr : &invalid;
}

/// Whether it is that of this pack, and says what can be.
bool PackReader::take_directory(PackDirectory&& found, std::uint64_t offset) {
  auto const salt = found.summary.salt;
  auto next_offset = std::uint64_t{pack_header_bytes};
  BlockHeader before;
  for (auto const& block : found.blocks) {
    bool const is_here = block.salt == salt && block.offset == next_offset;
    if (!is_here || !follows(before, block)) return false;
    next_offset += block.total_bytes();
    before = block;
  }
  if (next_offset != offset || salt != found.header.segment.salt) return false;
  if (has_header_ && directory_.header.segment != found.header.segment) return false;
  directory_ = std::move(found);
  has_header_ = has_directory_ = true;
  return true;
}

/// A block's header says itself what it is and where it stands.
std::optional<BlockHeader> PackReader::block_at(std::uint64_t offset) {
  BlockHeaderBytes bytes;
  if (!file_.read(offset, bytes)) return std::nullopt;
  auto const decoded = decode_block_header(bytes);
  auto const* header = std::get_if<BlockHeader>(&decoded);
  bool const is_ours = header != nullptr && header->offset == offset &&
                       header->salt == directory_.header.segment.salt;
  return is_ours ? std::optional(*header) : std::nullopt;
}

/// Takes the directory that begins here, if one does.
bool PackReader::is_directory_at(std::uint64_t offset) {
  std::array<std::byte, directory_header_bytes> header;
  if (!file_.read(offset, header)) return false;
  auto const bytes = pack_directory_bytes(header);
  return bytes && load_directory(offset, *bytes) == nullptr;
}

/// Where nothing says where the directory is: looks for it and for blocks, one behind the other,
/// and behind what is damaged byte by byte.
void PackReader::scan_blocks() {
  BlockHeader before;
  std::byte first{};
  for (auto offset = std::uint64_t{pack_header_bytes}; offset < file_.size();) {
    bool const may_begin = file_.read(offset, {&first, 1}) && first == std::byte{'S'};
    if (may_begin && is_directory_at(offset)) return;
    auto const block = may_begin ? block_at(offset) : std::nullopt;
    if (block && follows(before, *block)) {
      directory_.blocks.push_back(*block);
      before = *block;
      offset += block->total_bytes();
    } else {
      ++offset;
    }
  }
}

bool PackReader::is_right(PackedBlock const& block) const noexcept {
  auto const content = static_cast<std::size_t>(block.header.content_bytes());
  std::span<std::byte const> const bytes(block.bytes);
  return crc32c(bytes.first(content)) == block.header.content_crc &&
         crc32c(bytes.subspan(content)) == block.header.frame_crc;
}

bool PackReader::read_block(std::size_t index, PackedBlock& into, ReadAhead& reader) {
  into.header = directory_.blocks[index];
  auto const bytes = static_cast<std::size_t>(into.header.total_bytes() - block_header_bytes);
  auto const view = reader.view(into.header.offset + block_header_bytes, bytes);
  if (view.readable && view.bytes.size() == bytes) {
    into.bytes.assign(view.bytes.begin(), view.bytes.end());
    if (is_right(into)) return true;
  }
  return read_block(index, into);
}

bool PackReader::read_block(std::size_t index, PackedBlock& into) {
  auto const& header = directory_.blocks[index];
  into.header = header;
  auto const bytes = header.total_bytes() - block_header_bytes;
  auto const begin = header.offset + block_header_bytes;
  if (begin > file_.size() || bytes > file_.size() - begin) {
    // Cut off; parity may have it all the same.
    if (file_.map() == nullptr || bytes > file_.size()) return false;
  }
  into.bytes.resize(static_cast<std::size_t>(bytes));
  if (file_.read(begin, into.bytes) && is_right(into)) return true;
  return file_.read_repaired(begin, into.bytes) && is_right(into);
}

PackReader::Check PackReader::check() {
  auto const shards = file_.check();
  Check found{.bad_shards = {shards.bad.begin(), shards.bad.end()},
              .wrong_size = shards.wrong_size,
              .directory_lost = !has_directory_};
  auto const lose = [&](Seq first, Seq next) {
    if (first == next) return;
    if (!found.lost.empty() && found.lost.back().last + 1 == first) {
      found.lost.back().last = next - 1;
    } else {
      found.lost.push_back({first, next - 1});
    }
  };
  PackedBlock block;
  std::optional<Seq> next_seq;
  for (std::size_t i = 0; i < directory_.blocks.size(); ++i) {
    auto const& header = directory_.blocks[i];
    if (!has_directory_ && next_seq && header.first_seq > *next_seq) {
      lose(*next_seq, header.first_seq);
    }
    if (!read_block(i, block)) lose(header.first_seq, header.next_seq());
    next_seq = header.next_seq();
  }
  return found;
}

}  // namespace stele::wal
