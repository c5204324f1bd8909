// Where the daemon reads the time, so that tests can say what time it is.
#pragma once

#include <chrono>
#include <cstdint>

namespace stele::daemon {

/// Monotonic time, as the log takes it.
using Instant = std::chrono::steady_clock::time_point;

class Clock {
 public:
  /// Microseconds since the Unix epoch, UTC: what entries without a timestamp are stamped with.
  virtual std::uint64_t wall_us() const noexcept = 0;
  virtual Instant now() const noexcept = 0;

 protected:
  ~Clock() = default;
};

/// 0 for a time before 1970: timestamps are not negative, and what such a clock says is no time.
constexpr std::uint64_t microseconds_since_epoch(
    std::chrono::system_clock::time_point time) noexcept {
  auto const count =
      std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
  return count < 0 ? 0 : static_cast<std::uint64_t>(count);
}

class SystemClock final : public Clock {
 public:
  std::uint64_t wall_us() const noexcept override {
    return microseconds_since_epoch(std::chrono::system_clock::now());
  }
  Instant now() const noexcept override { return std::chrono::steady_clock::now(); }
};

}  // namespace stele::daemon
