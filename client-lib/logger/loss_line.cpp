#include "client-lib/logger/loss_line.hpp"

#include <future>
#include <iostream>
#include <utility>

namespace stele::client {

void notify_observer(LossObserver const& observer, std::uint64_t entry_count, Failure const& why) {
  // The task keeps what the observer throws, and is dropped with it.
  std::packaged_task<void()> task{[&] { observer(entry_count, why); }};
  task();
}

void print_line(std::string const& line) {
  if (!line.empty()) std::cerr << line;
}

void LossLine::add(std::uint64_t entry_count, Failure const& why) {
  entry_count_ += entry_count;
  why_ = why;
}

std::optional<LossLine::Clock::time_point> LossLine::due() const noexcept {
  if (entry_count_ == 0) return std::nullopt;
  return next_;
}

std::string LossLine::take_if_due(Clock::time_point now) {
  if (entry_count_ == 0 || now < next_) return {};
  next_ = now + interval;
  return take();
}

std::string LossLine::take() {
  if (entry_count_ == 0) return {};
  auto const count = std::exchange(entry_count_, 0);
  return "stele: " + std::to_string(count) + " log entries are not stored: " + why_.message + "\n";
}

}  // namespace stele::client
