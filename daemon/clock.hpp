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

class SystemClock final : public Clock {
 public:
  std::uint64_t wall_us() const noexcept override {
    auto const since_epoch = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count());
  }
  Instant now() const noexcept override { return std::chrono::steady_clock::now(); }
};

}  // namespace stele::daemon
