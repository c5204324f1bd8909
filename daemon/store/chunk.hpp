// A run of entries in memory, as one piece that replies share.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "daemon/store/chunk_memory.hpp"

namespace stele::daemon {

class Chunk;

/// Shares the bytes as long as the store needs the chunk anyway, or most of it is shared; else it
/// has a copy. So what a reply keeps of the store is never more than its own bytes. Does not move:
/// the chunk knows it.
class ChunkSlice : public boost::intrusive::list_base_hook<
                       boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  ChunkSlice(std::shared_ptr<Chunk const> chunk, std::string_view bytes);
  ChunkSlice(ChunkSlice const&) = delete;
  ChunkSlice& operator=(ChunkSlice const&) = delete;
  ~ChunkSlice() { release(); }

  std::string_view bytes() const noexcept { return bytes_; }
  /// Lets go of the chunk, or of the copy; the bytes are gone, their number stays.
  void release() noexcept;
  bool is_released() const noexcept { return chunk_ == nullptr && copy_ == nullptr; }

 private:
  friend class Chunk;
  /// Returns the chunk that it has let go of.
  std::shared_ptr<Chunk const> copy_out();

  std::shared_ptr<Chunk const> chunk_;
  std::unique_ptr<char[]> copy_{};
  std::string_view bytes_;
};

using Seq = std::uint64_t;

/// Canonical entries with contiguous seqs, each followed by a comma:
///
///   {"seq":7,…},{"seq":8,…},{"seq":9,…},   free
///             ^ends_[0]   ^ends_[1]   ^ends_[2]
///
/// so that any run of neighbours can be sent between `[` and `]` as it stands. Bytes of entries
/// that are visible never change or move; replies share them.
class Chunk {
 public:
  /// Has as many free bytes as `memory` has.
  Chunk(Seq first_seq, ChunkMemory memory);
  /// Holds the entries that stand in `memory`, each with its comma; `ends` says where they end.
  Chunk(Seq first_seq, ChunkMemory memory, std::vector<std::uint32_t> ends);
  /// Takes the free bytes of `before`, which gets no more entries, where the seqs do not follow one
  /// another: each gap of a log would else cost a mapping of its own, of which a process may have
  /// 65,530. The memory is given back when both are gone.
  Chunk(Seq first_seq, Chunk& before);
  Chunk(Chunk const&) = delete;
  Chunk& operator=(Chunk const&) = delete;
  ~Chunk();

  Seq first_seq() const noexcept { return first_seq_; }
  Seq next_seq() const noexcept { return first_seq_ + ends_.size(); }
  bool empty() const noexcept { return ends_.empty(); }
  std::size_t used_bytes() const noexcept { return ends_.empty() ? 0 : ends_.back() + 1U; }
  std::size_t free_bytes() const noexcept { return bytes_ - used_bytes(); }
  /// Precondition: first_seq() <= seq < next_seq().
  std::string_view entry(Seq seq) const noexcept { return entries(seq, seq + 1); }
  /// The entries from `first` to below `end`, with the commas between them.
  /// Precondition: first_seq() <= first < end <= next_seq().
  std::string_view entries(Seq first, Seq end) const noexcept;
  /// Where a run that starts with `first` ends: at `end`, or before the first entry that begins
  /// `bytes_max` or more after it. Preconditions: those of entries(), and bytes_max > 0.
  Seq run_end(Seq first, Seq end, std::size_t bytes_max) const noexcept;

  /// Where the next entry is to be written, before append() knows how long it is.
  char* free_begin() noexcept { return begin_ + used_bytes(); }
  std::string_view append(std::size_t bytes);
  void pop_back() noexcept { ends_.pop_back(); }
  /// No more entries are to come: gives back what was reserved for them.
  void shrink_to_fit();

  /// The store needs it no longer. It stays as long as slices of it have more bytes than copies of
  /// them would take, and counts in `pinned_bytes` so long, which outlives it.
  void retire(std::shared_ptr<std::size_t> pinned_bytes);
  std::size_t held_bytes() const noexcept;
  /// Its memory, for another one; null if it shares it. Precondition: nobody shares the chunk.
  ChunkMemory take_memory() noexcept;
  /// For slices.
  void share(ChunkSlice& slice) const noexcept;
  void unshare(ChunkSlice const& slice) const;

 private:
  using Slices = boost::intrusive::list<ChunkSlice, boost::intrusive::constant_time_size<false>>;

  void copy_slices_out() const;
  std::size_t begin_of(std::size_t index) const noexcept {
    return index == 0 ? 0 : ends_[index - 1] + std::size_t{1};
  }

  std::shared_ptr<ChunkMemory> memory_;
  char* begin_;        ///< In the memory, of this chunk's part,
  std::size_t bytes_;  ///< of this many bytes.
  Seq first_seq_;
  std::vector<std::uint32_t> ends_{};
  mutable Slices slices_{};
  mutable std::size_t shared_bytes_ = 0;
  std::shared_ptr<std::size_t> pinned_bytes_{};  ///< Once it is retired.
};

}  // namespace stele::daemon
