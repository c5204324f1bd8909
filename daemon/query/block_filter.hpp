// Passes entries by what is known of the block that they lie in.
#pragma once

#include <deque>
#include <vector>

#include "daemon/store/store.hpp"
#include "daemon/turn/turn_budget.hpp"
#include "protocol/entry/entry_filter.hpp"

namespace stele::daemon {

/// Of a read or a count, for as long as it lasts. That a filter refuses a block is found by its
/// note, without unpacking it; else which of its entries it may take, by one search through its
/// text.
class BlockFilter {
 public:
  /// False: surely not. Precondition: the entry was there when the read began.
  bool may_match(Seq seq, protocol::EntryMatcher const& matcher, Store::Finder& finder,
                 TurnBudget& budget);

 private:
  struct Judged {
    Seq first_seq = 0;
    Seq next_seq = 0;
    bool may_match = false;         ///< If not, none does.
    std::vector<bool> has_trace{};  ///< Empty: all may.

    bool holds(Seq seq) const noexcept { return seq >= first_seq && seq < next_seq; }
  };
  /// Entries that arrived in another order than that of time lie in several blocks by turns.
  static constexpr std::size_t judged_max = 16;

  Judged const& judged(Seq seq, protocol::EntryMatcher const& matcher, Store::Finder& finder,
                       TurnBudget& budget);

  std::deque<Judged> judged_{};  ///< The last one comes first.
};

}  // namespace stele::daemon
