// One line on standard error about entries that are lost, however many there are.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "stele/buffered_logger.hpp"
#include "stele/deadline.hpp"
#include "stele/error.hpp"

namespace stele::client {

/// Calls an observer of losses. What it throws ends there: the caller may be a thread that stores
/// other entries, or a destructor.
void notify_observer(LossObserver const& observer, std::uint64_t entry_count, Failure const& why);

void print_line(std::string const& line);

/// A line a second at most; what was lost meanwhile is counted in the next one.
class LossLine {
 public:
  using Clock = Deadline::Clock;

  void add(std::uint64_t entry_count, Failure const& why);
  /// When there is something to print; absent: nothing.
  std::optional<Clock::time_point> due() const noexcept;
  /// The line, if it is due; else "". It is printed without a lock: nobody may read standard error.
  std::string take_if_due(Clock::time_point now);
  /// What is left, at the end.
  std::string take();

 private:
  static constexpr std::chrono::seconds interval{1};

  std::uint64_t entry_count_ = 0;
  Failure why_{};
  Clock::time_point next_{};
};

}  // namespace stele::client
