// The text of a huge write's entries, made in parts before they get their seqs. No I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "daemon/store/chunk_memory.hpp"
#include "daemon/turn/turn_budget.hpp"
#include "protocol/entry/canonical_entry.hpp"

namespace stele::daemon {

/// A batch gets its seqs in one piece, and making the text of very many entries takes too long for
/// one. So it is made before, in several turns, while others write; the seqs that the entries get
/// then, and the time, are written into their places.
class EncodedBatch {
 public:
  /// None.
  EncodedBatch() = default;
  /// `last` is what the last entry would get now. `memory` has room for them with one digit more in
  /// each seq, a comma behind each, and canonical_bytes_max() of the last one.
  EncodedBatch(PreparedMemory memory, std::size_t entries, protocol::EntryStamp const& last);

  bool is_none() const noexcept { return memory_.bytes() == 0; }
  bool is_complete() const noexcept { return ends_.size() == entries_; }
  /// Makes more, as the budget allows. `drafts` are all of them, each time.
  void encode(std::span<protocol::EntryDraft const> drafts, TurnBudget& budget);
  /// `first` is what the first one gets, and its time those that have none. False: there is no room
  /// for this many digits; then the entries are of no use.
  /// Precondition: is_complete().
  bool stamp(std::span<protocol::EntryDraft const> drafts, protocol::EntryStamp const& first);

  /// Null if there is none.
  ChunkMemory take_memory() noexcept { return memory_.take(); }
  /// Where each entry ends: its comma follows.
  std::vector<std::uint32_t> take_ends() noexcept { return std::move(ends_); }

 private:
  std::size_t used_bytes() const noexcept { return ends_.empty() ? 0 : ends_.back() + 1U; }
  std::size_t add(protocol::EntryDraft const& draft, protocol::EntryStamp const& stamp) noexcept;

  PreparedMemory memory_{};
  std::size_t entries_ = 0;
  protocol::EntryStamp last_{};
  std::vector<std::uint32_t> ends_{};
};

}  // namespace stele::daemon
