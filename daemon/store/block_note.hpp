// What the daemon notes of a block of packed entries, so that it need not be unpacked to be found
// by time and counted by level. The log keeps it with the block and does not look into it.
//
//   u8 version, 1
//   entries of each level, from trace to fatal
//   oldest timestamp; newest less oldest
//   of each entry, in the order of seqs: its timestamp less that of the entry before it, of the
//   first one less the oldest; folded, see wal/varint.hpp
//
// All but the version are varints, as they are there.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "stele/log_entry.hpp"

namespace stele::daemon {

inline constexpr std::size_t level_count = static_cast<std::size_t>(Level::fatal) + 1;

/// What a note says of the entries together.
struct BlockSummary {
  std::array<std::uint32_t, level_count> of_level{};
  std::uint64_t oldest = 0;
  std::uint64_t newest = 0;
};

/// Gathers the note of one block.
class BlockNoteWriter {
 public:
  /// In the order of seqs.
  void add(std::uint64_t timestamp, Level level);
  bool empty() const noexcept { return timestamps_.empty(); }
  /// Begins the next one.
  std::vector<std::byte> take();
  void clear() noexcept;

 private:
  BlockSummary summary_{};
  std::vector<std::uint64_t> timestamps_{};
};

/// Nothing: it is not of `entries` entries, or of another version.
std::optional<BlockSummary> read_block_summary(std::span<std::byte const> note,
                                               std::size_t entries) noexcept;
/// Adds the timestamps of all entries. False: as above; some may have been added.
bool append_timestamps(std::span<std::byte const> note, std::size_t entries,
                       std::vector<std::uint64_t>& into);

}  // namespace stele::daemon
