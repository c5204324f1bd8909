// Pauses between attempts that grow while they fail.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace stele::client {

/// 0, then from `shortest` on twice as long each time up to `longest`, of which a random half is
/// left out, so that many clients of one daemon do not come back at the same moment.
class Backoff {
 public:
  static constexpr std::chrono::milliseconds shortest{10};
  static constexpr std::chrono::milliseconds longest{2'000};

  /// `random`: any number.
  std::chrono::milliseconds next(std::uint32_t random) noexcept {
    auto const whole = pause_.count();
    pause_ = std::clamp(pause_ * 2, shortest, longest);
    return std::chrono::milliseconds{whole - whole / 2 * (random % 1024) / 1024};
  }
  void reset() noexcept { pause_ = {}; }

 private:
  std::chrono::milliseconds pause_{};
};

}  // namespace stele::client
