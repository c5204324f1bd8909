// Entries that are kept as they lie packed in their segment, and those of them that reads look at.
#pragma once

#include <cstddef>
#include <list>
#include <memory>

#include "daemon/store/chunk.hpp"
#include "wal/pack/pack_reader.hpp"

namespace stele::daemon {

/// Canonical entries with contiguous seqs, as one block of a pack.
class PackedChunk {
 public:
  /// Lets go of what only the log needs. Precondition: its separator is a comma.
  explicit PackedChunk(wal::PackedBlock block);

  Seq first_seq() const noexcept { return block_.header.first_seq; }
  Seq next_seq() const noexcept { return block_.header.next_seq(); }
  std::size_t entries() const noexcept { return block_.header.payload_count; }
  /// Of the entries, with their commas, once they are unpacked.
  std::size_t text_bytes() const noexcept { return block_.header.payloads.raw_bytes + 1U; }
  std::size_t held_bytes() const noexcept { return sizeof *this + block_.bytes.capacity(); }
  wal::PackedBlock const& block() const noexcept { return block_; }

 private:
  wal::PackedBlock block_;
};

/// The chunks that were unpacked lately. Those that are found or added stay where they are until
/// trim().
class UnpackedChunks {
 public:
  /// What trim() leaves. Enough that those who page through the history do not unpack a block for
  /// each page, as long as they are few.
  static constexpr std::size_t bytes_max = std::size_t{4} << 20;

  /// The one that holds the entry; null: none does.
  std::shared_ptr<Chunk> const* find(Seq seq) noexcept;
  /// Unpacks it. Precondition: find() has none of its entries.
  std::shared_ptr<Chunk> const* add(PackedChunk const& packed);
  /// Lets go of those that nobody has looked at for longest, until few are left.
  void trim() noexcept;
  /// Of those whose entries are all gone.
  void remove_up_to(Seq seq) noexcept;
  std::size_t bytes() const noexcept { return bytes_; }

 private:
  using Chunks = std::list<std::shared_ptr<Chunk>>;
  void drop(Chunks::iterator chunk) noexcept;

  Chunks chunks_{};  ///< Who was looked at last comes first.
  std::size_t bytes_ = 0;
  ChunkMemory spare_{};
  wal::Decompressor decompressor_{};
  wal::UnpackedBlock buffer_{};
};

}  // namespace stele::daemon
