// What the reads of one connection may cost in one turn of the loop, so that other clients have
// their turn.
#pragma once

#include <algorithm>
#include <cstddef>

namespace stele::daemon {

/// Counted in visits: one is a look at one key of the index, some 10 ns. A turn is a fraction of a
/// millisecond.
class TurnBudget {
 public:
  bool is_spent() const noexcept { return visits_left_ == 0; }
  std::size_t visits_left() const noexcept { return visits_left_; }

  void pay(std::size_t visits) noexcept { visits_left_ -= std::min(visits_left_, visits); }
  /// For finding the place where a read goes on, and for the text around its entries.
  void pay_for_step() noexcept { pay(200); }
  /// For judging an entry by the terms of a read.
  void pay_for_judging(std::size_t entry_bytes) noexcept { pay(8 + entry_bytes / 16); }
  /// For entries that lie alone in memory, and are copied.
  void pay_for_copy(std::size_t bytes) noexcept { pay(8 + bytes / 32); }

 private:
  std::size_t visits_left_ = 20'000;
};

}  // namespace stele::daemon
