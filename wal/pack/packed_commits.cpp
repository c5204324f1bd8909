#include "wal/pack/packed_commits.hpp"

#include <algorithm>
#include <utility>

namespace stele::wal {
namespace {

/// Of blocks that one group needs: a forged pack costs no more memory than that.
constexpr std::size_t commit_bytes_max = 2 * block_raw_bytes_max;

}  // namespace

std::uint64_t PackedCommits::begin_of(std::size_t block) const noexcept {
  auto const& blocks = pack_.blocks();
  if (block < blocks.size()) return blocks[block].segment_offset;
  auto const* summary = pack_.summary();
  return summary != nullptr ? summary->end_offset : pack_.header().segment.segment_bytes;
}

std::uint64_t PackedCommits::offset() const noexcept {
  return has_block_ ? offset_ : begin_of(block_);
}

void PackedCommits::seek(std::uint64_t segment_offset) {
  auto const& blocks = pack_.blocks();
  auto const behind =
      std::ranges::upper_bound(blocks, segment_offset, {}, &BlockHeader::segment_offset);
  auto const begin = behind == blocks.begin() ? begin_of(0) : std::prev(behind)->segment_offset;
  // Blocks within one commit have the same offset: where the next one begins. The last of them has
  // it, or none has.
  auto const first = std::ranges::lower_bound(blocks, begin, {}, &BlockHeader::segment_offset);
  block_ = static_cast<std::size_t>(first - blocks.begin());
  has_block_ = false;
}

/// False: it is lost.
bool PackedCommits::begin_block() {
  unpacked_.clear();
  unpacked_.emplace_back();
  if (!pack_.read_block(block_, packed_)) return false;
  auto commits = unpack_commits(packed_, decompressor_);
  if (!commits || !unpack_payloads(packed_, decompressor_, unpacked_.back())) return false;
  auto const& header = packed_.header;
  commits_ = *std::move(commits);
  next_commit_ = 0;
  payload_block_ = 0;
  payload_ = header.continued_count;
  offset_ = header.segment_offset;
  commit_no_ = header.commit_no;
  chain_ = header.chain;
  seq_ = header.first_seq + header.continued_count;
  has_block_ = true;
  return true;
}

LostCommits PackedCommits::lose_block() {
  auto const begin = offset();
  has_block_ = false;
  ++block_;
  return {begin, std::max(begin, begin_of(block_))};
}

NextCommit PackedCommits::next() {
  while (block_ < pack_.blocks().size()) {
    if (!has_block_ && !begin_block()) {
      auto const lost = lose_block();
      if (lost.offset < lost.end_offset) return lost;
      continue;
    }
    if (next_commit_ == commits_.size()) {
      has_block_ = false;
      ++block_;
      continue;
    }
    if (auto const commit = restore(commits_[next_commit_])) {
      ++next_commit_;
      return *commit;
    }
    return lose_block();
  }
  return std::monostate{};
}

/// Takes the next payloads; false: one of them is lost.
bool PackedCommits::gather(std::uint32_t payloads, std::vector<std::string_view>& into) {
  std::size_t unpacked_bytes = 0;
  for (; payloads > 0; --payloads) {
    while (payload_ == unpacked_[payload_block_].ends.size()) {
      auto const next = block_ + payload_block_ + 1;
      if (next >= pack_.blocks().size() || !pack_.read_block(next, packed_)) return false;
      unpacked_bytes += unpacked_.back().bytes.size();
      if (unpacked_bytes > commit_bytes_max) return false;
      auto& unpacked = unpacked_.emplace_back();
      if (!unpack_payloads(packed_, decompressor_, unpacked)) return false;
      ++payload_block_;
      payload_ = 0;
    }
    into.push_back(unpacked_[payload_block_].payload(payload_++));
  }
  return true;
}

std::optional<RestoredCommit> PackedCommits::restore(FramedCommit const& commit) {
  auto const& segment = pack_.header().segment;
  buffer_.clear();
  std::vector<std::string_view> payloads;
  for (auto const& group : commit.groups) {
    payloads.clear();
    if (!gather(group.payload_count, payloads)) return std::nullopt;
    buffer_.add_group(group.writer, payloads);
  }
  std::span<std::byte const> gaps(commit.gap_body);
  for (; gaps.size() >= gap_record_bytes; gaps = gaps.subspan(gap_record_bytes)) {
    buffer_.add_record(gaps.first<gap_record_bytes>());
  }
  auto const payload_count = buffer_.payload_count();
  auto const bytes = buffer_.seal({.kind = commit.kind,
                                   .salt = segment.salt,
                                   .commit_no = commit_no_,
                                   .first_seq = seq_,
                                   .durable_commit = commit.durable_commit,
                                   .chain = chain_},
                                  segment.commit_align);
  RestoredCommit const restored{offset_, bytes};
  offset_ = restored.end_offset();
  ++commit_no_;
  chain_ = buffer_.chain();
  seq_ += payload_count;
  return restored;
}

}  // namespace stele::wal
