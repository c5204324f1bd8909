#include "wal/recover/segment_scanner.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "wal/format/aligned_buffer.hpp"

namespace stele::wal {
namespace {

bool plausible(SegmentHeader const& header) noexcept {
  return std::has_single_bit(header.commit_align) && header.commit_align >= commit_align_min &&
         header.commit_align <= commit_align_max && header.segment_bytes > first_commit_offset;
}

bool all_zero(std::span<std::byte const> bytes) noexcept {
  return bytes.empty() || (bytes.front() == std::byte{0} &&
                           std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

/// Adds what lies `distance` bytes behind the place where `rest` begins.
void extend(TailState& rest, std::uint64_t distance, TailState const& block) noexcept {
  if (block.bytes > 0) rest.bytes = distance + block.bytes;
  rest.kind = std::max(rest.kind, block.kind);
}

}  // namespace

std::variant<SegmentHeader, ScanFault> read_segment_header(File& file) {
  AlignedBuffer block(header_block_bytes);
  auto fault = ScanFault::invalid;
  for (std::size_t copy = 0; copy < header_blocks; ++copy) {
    auto const read = file.read_at(copy * header_block_bytes, {block.data(), header_block_bytes});
    if (!read) fault = ScanFault::unreadable;
    if (!read || read.value() < segment_header_bytes) continue;
    auto const decoded = decode_segment_header(
        std::span<std::byte const, segment_header_bytes>(block.data(), segment_header_bytes));
    if (auto const* header = std::get_if<SegmentHeader>(&decoded); header && plausible(*header)) {
      return *header;
    }
    if (decoded == Decoded<SegmentHeader>(HeaderFault::unsupported)) return ScanFault::unsupported;
  }
  return fault;
}

SegmentScanner::SegmentScanner(ReadAhead& reader, File& file, SegmentHeader const& header)
    : reader_(reader), header_(header) {
  reader_.open(file);
}

SegmentScanner::~SegmentScanner() { reader_.close(); }

std::variant<ScannedCommit, ScanFault> SegmentScanner::commit_at(std::uint64_t offset) {
  if (offset + commit_header_bytes > header_.segment_bytes) return ScanFault::invalid;
  auto const head = reader_.view(offset, commit_header_bytes);
  if (!head.readable) return ScanFault::unreadable;
  if (head.bytes.size() < commit_header_bytes) return ScanFault::invalid;
  auto const header_bytes = head.bytes.first<commit_header_bytes>();
  auto const decoded = decode_commit_header(header_bytes);
  if (auto const* fault = std::get_if<HeaderFault>(&decoded)) {
    return *fault == HeaderFault::unsupported ? ScanFault::unsupported : ScanFault::invalid;
  }
  ScannedCommit commit{
      .header = std::get<CommitHeader>(decoded), .crc = header_crc(header_bytes), .offset = offset};
  auto const total = commit_header_bytes + std::uint64_t{commit.header.body_bytes};
  commit.end_offset = align_up(offset + total, header_.commit_align);
  if (commit.header.salt != header_.salt || commit.end_offset > header_.segment_bytes) {
    return ScanFault::invalid;
  }
  auto const whole = reader_.view(offset, static_cast<std::size_t>(total));
  if (!whole.readable) return ScanFault::unreadable;
  if (whole.bytes.size() < total) return ScanFault::invalid;
  commit.body = whole.bytes.subspan(commit_header_bytes);
  if (body_crc(header_.salt, commit.body) != commit.header.body_crc) return ScanFault::invalid;
  return commit;
}

std::optional<CommitHeader> SegmentScanner::commit_header_at(std::uint64_t offset) {
  auto const head = reader_.view(offset, commit_header_bytes);
  if (head.bytes.size() < commit_header_bytes) return std::nullopt;
  auto const decoded = decode_commit_header(head.bytes.first<commit_header_bytes>());
  auto const* header = std::get_if<CommitHeader>(&decoded);
  if (header == nullptr || header->salt != header_.salt) return std::nullopt;
  return *header;
}

/// What the block says that begins at `offset`, of the size that a commit is a multiple of.
/// Segments are made whole: a block that is shorter has lost its end.
TailState SegmentScanner::block_at(std::uint64_t offset) {
  auto const whole = std::min<std::uint64_t>(header_.commit_align, header_.segment_bytes - offset);
  auto const bytes = reader_.view(offset, static_cast<std::size_t>(whole)).bytes;
  TailState rest;
  if (!all_zero(bytes)) {
    auto const last = std::find_if(bytes.rbegin(), bytes.rend(),
                                   [](std::byte byte) { return byte != std::byte{0}; });
    rest = {.kind = TailState::Kind::nonzero,
            .bytes = static_cast<std::uint64_t>(bytes.rend() - last)};
  }
  if (bytes.size() < whole) rest.kind = TailState::Kind::unreadable;
  return rest;
}

std::optional<ScannedCommit> SegmentScanner::find(std::uint64_t offset,
                                                  std::uint64_t commit_no_min) {
  return survey(offset, header_.segment_bytes, commit_no_min).commit;
}

Survey SegmentScanner::survey(std::uint64_t offset, std::uint64_t extent_end,
                              std::uint64_t commit_no_min) {
  Survey found;
  for (auto at = offset; at < header_.segment_bytes; at += header_.commit_align) {
    auto const block = block_at(at);
    extend(found.rest, at - offset, block);
    if (at >= extent_end) extend(found.behind, at - extent_end, block);
    if (block.kind == TailState::Kind::zero) continue;
    auto const header = commit_header_at(at);
    if (!header || header->commit_no < commit_no_min) continue;
    found.header = true;
    auto const commit = commit_at(at);
    if (auto const* valid = std::get_if<ScannedCommit>(&commit)) {
      found.commit = *valid;
      break;
    }
  }
  return found;
}

TailState SegmentScanner::rest(std::uint64_t offset) {
  TailState rest;
  for (auto at = offset; at < header_.segment_bytes; at += header_.commit_align) {
    extend(rest, at - offset, block_at(at));
  }
  return rest;
}

}  // namespace stele::wal
