// What one step of a long read may cost, so that other clients have their turn.
#pragma once

#include <algorithm>
#include <cstddef>

namespace stele::daemon {

/// Counted in visits: one is a look at one key of the index. A step is a fraction of a millisecond.
class StepBudget {
 public:
  bool is_spent() const noexcept { return visits_left_ == 0; }
  std::size_t visits_left() const noexcept { return visits_left_; }
  std::size_t visits() const noexcept { return visits_max - visits_left_; }

  void pay(std::size_t visits) noexcept { visits_left_ -= std::min(visits_left_, visits); }
  /// For judging an entry by the terms of a read.
  void pay_for_judging(std::size_t entry_bytes) noexcept { pay(8 + entry_bytes / 16); }

 private:
  static constexpr std::size_t visits_max = 20'000;

  std::size_t visits_left_ = visits_max;
};

}  // namespace stele::daemon
