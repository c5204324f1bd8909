// The entries in memory: bytes in large chunks, in commit order, and the index that reads follow.
// No I/O, no clock, no locks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "daemon/store/chunk.hpp"
#include "daemon/store/consumer_table.hpp"
#include "daemon/store/history_account.hpp"
#include "daemon/store/packed_chunk.hpp"
#include "daemon/store/time_index.hpp"
#include "daemon/store/writer_table.hpp"
#include "daemon/turn/turn_budget.hpp"
#include "protocol/entry/canonical_entry.hpp"
#include "protocol/frame/spare_memory.hpp"

namespace stele::daemon {

/// Where neighbours in a chunk lie; valid until the store changes, or another Finder is made.
struct EntryRun {
  std::shared_ptr<Chunk> const* chunk = nullptr;
  std::string_view text{};  ///< With the commas between them.
  std::size_t entries = 0;
};
/// Adds a run behind the others, as one with the last of them if they are neighbours too.
void append_run(std::vector<EntryRun>& runs, EntryRun const& run);

/// An entry is staged before the log has it, so that its bytes are made once and serve both; it is
/// published, visible to readers, when the log says that it is durable.
///
///   staged --publish--> visible --remove_up_to--> gone
///      \--unstage_from--> never was (the disk is full; its seq is given out again)
class Store {
 public:
  static constexpr std::size_t writers_max_default = 65'536;
  /// Without a reserve, which outlives the store, the system gives memory as it is filled.
  explicit Store(std::size_t writers_max = writers_max_default, ChunkReserve* reserve = nullptr,
                 std::span<std::string const> consumers = {})
      : reserve_(reserve), writers_(writers_max), consumers_(consumers) {}

  /// Writes the canonical form; the view stays valid until the entry is unstaged or removed.
  /// `stamp.seq` follows the seq staged or published last.
  std::string_view stage(protocol::EntryDraft const& draft, protocol::EntryStamp const& stamp);
  /// The same for entries whose canonical forms stand in memory of their own: see Chunk. `first` is
  /// the first one's stamp, whose time those have that the drafts give none.
  Chunk const& stage(std::span<protocol::EntryDraft const> drafts,
                     protocol::EntryStamp const& first, ChunkMemory memory,
                     std::vector<std::uint32_t> ends);
  /// In the chunk that is being filled.
  std::size_t free_bytes() const noexcept {
    return chunks_.empty() ? 0 : chunks_.back()->free_bytes();
  }
  /// The next entry that is staged begins a chunk in this memory, which has room for those that
  /// follow it. Null: none does.
  void use_next(ChunkMemory memory) noexcept;
  /// For use_next(): of entries that are gone, or from the reserve, or to be made ready.
  PreparedMemory prepare_memory(std::size_t bytes);
  /// Of entries that are gone, for those to come.
  using SpareMemory = protocol::SpareMemory<ChunkMemory>;
  SpareMemory& spare_memory() noexcept { return spare_memory_; }
  void publish(Seq seq);
  void unstage_from(Seq seq);

  /// Takes an entry that the log held: visible at once. False, and nothing is taken, if the text
  /// does not start as a canonical entry with this seq does.
  bool insert(Seq seq, std::string_view text);
  /// Takes blocks of such entries: visible at once, and packed as they are. `timestamps` are those
  /// of all entries. Preconditions: there are some, their seqs follow one another, and the first
  /// one is greater than visible_seq().
  void insert(std::vector<wal::PackedBlock> const& blocks,
              std::span<std::uint64_t const> timestamps);
  /// The log has come as far as `seq`, with entries or without: what is missing has a seq, too.
  /// Precondition: what is staged lies behind it.
  void pass_up_to(Seq seq) noexcept;
  /// Keeps these entries packed, and lets go of the chunks of which it keeps all so. A block of
  /// which some are not visible yet or are packed already, or none is visible any more, is not
  /// taken. Preconditions: they are what the store holds with these seqs, rise, and none of those
  /// packed before lies between two of them.
  void adopt(std::vector<wal::PackedBlock> blocks);
  /// The same, by adopt_more(): of the loop's time a little at once. Until that has done it, reads
  /// find the entries where they were.
  void begin_to_adopt(std::vector<wal::PackedBlock> blocks);
  /// Until the budget is spent, and at least a little. Returns whether something is left to do.
  bool adopt_more(TurnBudget& budget);
  /// Removes all entries with seqs up to `seq`, up to which the log has come at least.
  /// Precondition: what is staged lies behind it.
  void remove_up_to(Seq seq);

  /// How far the log has come: to its newest visible entry, or to what is missing behind it; 0: it
  /// never held anything.
  Seq visible_seq() const noexcept { return visible_seq_; }
  /// The newest removed entry; 0 if none was.
  Seq removed_seq() const noexcept { return removed_seq_; }
  /// How many entries with seqs from `first` to `last` are held; visible ones, if `last` is.
  std::uint64_t count_between(Seq first, Seq last) const noexcept;
  TimeIndex const& index() const noexcept { return index_; }
  /// Whose writes the entries were; it follows what happens to them.
  WriterTable& writers() noexcept { return writers_; }
  WriterTable const& writers() const noexcept { return writers_; }
  /// Who may still need them; it learns what is removed.
  ConsumerTable& consumers() noexcept { return consumers_; }
  ConsumerTable const& consumers() const noexcept { return consumers_; }
  /// Who takes how much of the log; it follows what happens to the entries, and learns from others
  /// what is written.
  HistoryAccount& history() noexcept { return history_; }
  HistoryAccount const& history() const noexcept { return history_; }
  /// Canonical text that is held as it is, commas included.
  std::size_t text_bytes() const noexcept { return text_bytes_; }
  /// What entries take that are kept packed, how many they are, and what their text would take.
  struct Packed {
    std::size_t bytes = 0;
    std::size_t entries = 0;
    std::size_t text_bytes = 0;
  };
  Packed const& packed() const noexcept { return packed_sums_; }
  /// By rising seqs.
  std::deque<PackedChunk> const& packed_chunks() const noexcept { return packed_; }
  /// Blocks that were unpacked since the start.
  std::uint64_t blocks_unpacked() const noexcept { return blocks_unpacked_; }
  /// What finding the entries costs besides.
  std::size_t index_bytes() const noexcept;
  std::size_t held_bytes() const noexcept {
    return text_bytes() + packed().bytes + unpacked_.bytes() + index_bytes();
  }
  /// Of chunks that are removed, and that replies still share.
  std::size_t pinned_bytes() const noexcept { return *pinned_bytes_; }

  /// Finds visible and staged entries; neighbours at once. Valid until the store changes.
  class Finder {
   public:
    /// `budget`, if there is one, pays for what has to be unpacked.
    explicit Finder(Store const& store, TurnBudget* budget = nullptr) noexcept
        : store_(store), budget_(budget) {
      store_.unpacked_.trim();
    }
    EntryRun find(Seq seq) { return find_run(seq, 1, 1); }
    /// The entry `first` and what its chunk holds of the `count - 1` entries that follow it, up to
    /// one entry more than fits into `bytes_max`. Both are at least 1.
    EntryRun find_run(Seq first, std::size_t count, std::size_t bytes_max);

    struct Found {
      Seq first_seq = 0;
      EntryRun run{};  ///< Without entries if nothing was found.
    };
    /// The first of the entries from `first` to `last`, wherever the log goes on, and those that
    /// follow it in its chunk, as find_run() does.
    Found find_from(Seq first, Seq last, std::size_t bytes_max);
    /// The last entry up to `seq`; 0: there is none.
    Seq last_up_to(Seq seq) const noexcept;

    /// Entries that lie together: a chunk, or what is packed as one.
    struct Block {
      Seq first_seq = 0;
      Seq next_seq = 0;
      BlockSummary const* summary = nullptr;  ///< Null: nothing is known without unpacking it.
    };
    /// The one that holds an entry, which is not unpacked.
    Block block_of(Seq seq) const noexcept;
    /// The same, unpacked; also with entries that are removed.
    Chunk const& chunk_with(Seq seq) { return *chunk_of(seq); }

   private:
    std::shared_ptr<Chunk> const* raw_chunk_of(Seq seq) const noexcept;
    PackedChunk const& packed_chunk_of(Seq seq) const noexcept;
    std::shared_ptr<Chunk> const& chunk_of(Seq seq);

    Store const& store_;
    TurnBudget* budget_;
    std::shared_ptr<Chunk> const* last_ = nullptr;
  };

 private:
  enum class AllocationPriority : std::uint8_t { none, writers_wait };
  Chunk& chunk_for(Seq seq, std::size_t bytes, AllocationPriority priority);
  ChunkMemory chunk_memory(std::size_t bytes_min, AllocationPriority priority);
  ChunkMemory take_spare(std::size_t bytes_min) noexcept;
  void keep_memory(ChunkMemory memory) noexcept;
  using Chunks = std::deque<std::shared_ptr<Chunk>>;
  Chunks::iterator release(Chunks::iterator chunk);
  struct Adoption {
    explicit Adoption(std::vector<wal::PackedBlock> of_pack)
        : blocks(std::move(of_pack)), maker(blocks) {}
    std::vector<wal::PackedBlock> blocks;
    PackedChunk::Maker maker;
  };
  struct SeqRange {
    Seq first = 0;
    Seq end = 0;
  };
  bool may_be_adopted(Seq first, Seq end) const noexcept;
  void keep_packed(std::vector<PackedChunk> chunks);
  void release_packed(TurnBudget& budget);
  void count_packed(PackedChunk const& packed) noexcept;
  bool is_packed(Chunk const& chunk) const noexcept;
  std::uint64_t count_packed(Seq first, Seq end) const noexcept;

  ChunkReserve* reserve_;
  /// In seq order; the last one grows.
  Chunks chunks_{};
  /// In seq order. Some of the entries may be in chunks, too.
  std::deque<PackedChunk> packed_{};
  Packed packed_sums_{};
  std::deque<Adoption> adoptions_{};    ///< In the order in which they came.
  std::deque<SeqRange> kept_packed_{};  ///< Of these, chunks may be left to let go of.
  mutable UnpackedChunks unpacked_{};
  mutable std::uint64_t blocks_unpacked_ = 0;
  ChunkMemory next_memory_{};
  SpareMemory spare_memory_{};
  std::deque<TimeKey> staged_{};
  TimeIndex index_{};
  WriterTable writers_;
  ConsumerTable consumers_;
  HistoryAccount history_{};
  std::size_t text_bytes_ = 0;
  std::shared_ptr<std::size_t> pinned_bytes_ = std::make_shared<std::size_t>(0);
  Seq visible_seq_ = 0;
  Seq removed_seq_ = 0;
};

}  // namespace stele::daemon
