#include "daemon/store/block_note.hpp"

#include <algorithm>

#include "wal/varint.hpp"

namespace stele::daemon {
namespace {

constexpr std::byte block_note_version{1};

/// Takes it off the front of the note.
std::optional<BlockSummary> take_summary(std::span<std::byte const>& note, std::size_t entries) {
  if (note.empty() || note.front() != block_note_version) return std::nullopt;
  note = note.subspan(1);
  BlockSummary summary;
  std::uint64_t all = 0;
  for (auto& count : summary.of_level) {
    auto const taken = wal::take_varint(note);
    if (!taken || *taken > entries) return std::nullopt;
    count = static_cast<std::uint32_t>(*taken);
    all += count;
  }
  auto const oldest = wal::take_varint(note);
  auto const span = wal::take_varint(note);
  if (all != entries || !oldest || !span || *span > UINT64_MAX - *oldest) return std::nullopt;
  summary.oldest = *oldest;
  summary.newest = *oldest + *span;
  return summary;
}

}  // namespace

void BlockNoteWriter::add(std::uint64_t timestamp, Level level) {
  ++summary_.of_level[static_cast<std::size_t>(level)];
  timestamps_.push_back(timestamp);
}

std::vector<std::byte> BlockNoteWriter::take() {
  std::vector<std::byte> note{block_note_version};
  for (auto const count : summary_.of_level) wal::append_varint(note, count);
  auto const oldest = std::ranges::min_element(timestamps_);
  wal::append_varint(note, *oldest);
  wal::append_varint(note, *std::ranges::max_element(timestamps_) - *oldest);
  auto before = *oldest;
  for (auto const timestamp : timestamps_) {
    wal::append_varint(note, wal::fold_sign(timestamp - before));
    before = timestamp;
  }
  clear();
  return note;
}

void BlockNoteWriter::clear() noexcept {
  summary_ = {};
  timestamps_.clear();
}

std::optional<BlockSummary> read_block_summary(std::span<std::byte const> note,
                                               std::size_t entries) noexcept {
  return take_summary(note, entries);
}

bool append_timestamps(std::span<std::byte const> note, std::size_t entries,
                       std::vector<std::uint64_t>& into) {
  auto const summary = take_summary(note, entries);
  // Each takes a byte at least: a forged count costs no more memory than the note has bytes.
  if (!summary || note.size() < entries) return false;
  auto before = summary->oldest;
  for (std::size_t i = 0; i < entries; ++i) {
    auto const folded = wal::take_varint(note);
    if (!folded) return false;
    before += wal::unfold_sign(*folded);
    if (before < summary->oldest || before > summary->newest) return false;
    into.push_back(before);
  }
  return note.empty();
}

}  // namespace stele::daemon
