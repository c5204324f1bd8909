// Entries that are kept as they lie packed in their segment, and those of them that reads look at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "daemon/store/block_note.hpp"
#include "daemon/store/chunk.hpp"
#include "wal/pack/pack_reader.hpp"

namespace stele::daemon {

/// Canonical entries with contiguous seqs, as one block of a pack.
class PackedChunk {
 public:
  /// Those of one pack, whose bytes lie in memory that they share. Keeps the summaries of their
  /// notes, and lets go of what only the log needs. Precondition: their separator is a comma.
  static std::vector<PackedChunk> make(std::vector<wal::PackedBlock> const& blocks);
  class Maker;

  Seq first_seq() const noexcept { return header_.first_seq; }
  Seq next_seq() const noexcept { return header_.next_seq(); }
  std::size_t entries() const noexcept { return header_.payload_count; }
  /// Of the entries, with their commas, once they are unpacked.
  std::size_t text_bytes() const noexcept { return header_.payloads.raw_bytes + 1U; }
  std::size_t held_bytes() const noexcept { return sizeof *this + content().size(); }
  /// What its note says; nothing: it has none.
  std::optional<BlockSummary> const& summary() const noexcept { return summary_; }
  /// What the log gave was right by its checksum, so this does not fail.
  void unpack(wal::Decompressor& decompressor, wal::UnpackedBlock& into) const;

 private:
  PackedChunk(wal::PackedBlock const& block, std::shared_ptr<char[]> memory, std::size_t begin);
  std::span<std::byte const> content() const noexcept;

  wal::BlockHeader header_;
  std::optional<BlockSummary> summary_;
  std::shared_ptr<char[]> memory_;
  std::size_t begin_;  ///< Of its payloads and lengths in the memory.
};

/// Makes the chunks of one pack, one at a time. Precondition: there are some.
class PackedChunk::Maker {
 public:
  explicit Maker(std::span<wal::PackedBlock const> blocks);

  /// Precondition: of the blocks that it was made for, the one that comes next.
  void add(wal::PackedBlock const& block);
  std::vector<PackedChunk> take() noexcept { return std::move(chunks_); }
  std::size_t count() const noexcept { return chunks_.size(); }

 private:
  std::shared_ptr<char[]> memory_;
  std::size_t begin_ = 0;  ///< Of the next one in the memory.
  std::vector<PackedChunk> chunks_{};
};

/// The chunks that were unpacked lately. Those that are found or added stay where they are until
/// trim().
class UnpackedChunks {
 public:
  /// What trim() leaves. Enough that those who page through the history do not unpack a block for
  /// each page, as long as they are few.
  static constexpr std::size_t bytes_max = std::size_t{4} << 20;
  /// About what one keeps of it who reads on through all of the history: enough for entries that
  /// did not arrive in the order of their times.
  static constexpr std::size_t trail_bytes_max = std::size_t{1} << 20;

  /// The one that holds the entry; null: none does.
  std::shared_ptr<Chunk> const* find(Seq seq) noexcept;
  /// Unpacks it. Precondition: find() has none of its entries.
  std::shared_ptr<Chunk> const* add(PackedChunk const& packed);
  /// Lets go of those that nobody has looked at for longest, until few are left; before them, of
  /// those that somebody has passed who reads on.
  void trim() noexcept;
  /// Of those whose entries are all gone.
  void remove_up_to(Seq seq) noexcept;
  std::size_t bytes() const noexcept { return bytes_; }

 private:
  using Chunks = std::list<std::shared_ptr<Chunk>>;
  enum class Side : std::uint8_t { before, behind };
  Chunks::iterator neighbour(Chunk const& chunk, Side side) noexcept;
  void shorten_trail(Side side) noexcept;
  void drop(Chunks::iterator chunk) noexcept;

  Chunks chunks_{};  ///< Who was looked at last comes first, who is to go first comes last.
  std::size_t bytes_ = 0;
  ChunkMemory spare_{};
  wal::Decompressor decompressor_{};
  wal::UnpackedBlock buffer_{};
};

}  // namespace stele::daemon
