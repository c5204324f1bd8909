// Until when a call may take.
#pragma once

#include "stele/toolchain.hpp"  // First.

#include <chrono>
#include <optional>

namespace stele {

/// As a duration, of an option or a deadline: no limit. So is every duration that ends later than a
/// clock can show.
inline constexpr std::chrono::milliseconds no_limit = std::chrono::milliseconds::max();

/// Made from a moment, or from a duration that begins where it is written:
///
///   auto seq = client.write_log(entry, std::chrono::milliseconds{200});
///
/// The default is no limit. A duration of 0 or less has passed: the call fails with timed_out at
/// once, before anything is sent.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  constexpr Deadline() noexcept = default;
  constexpr Deadline(Clock::time_point when) noexcept : when_(when) {}
  template <class Rep, class Period>
  Deadline(std::chrono::duration<Rep, Period> from_now) noexcept {
    // In seconds first: what a duration of the clock cannot hold would overflow.
    std::chrono::duration<double> const seconds = from_now;
    if (!(seconds.count() < seconds_max)) return;
    when_ = seconds.count() <= 0 ? Clock::time_point::min()
                                 : Clock::now() + std::chrono::ceil<Clock::duration>(from_now);
  }

  constexpr bool is_set() const noexcept { return when_.has_value(); }
  /// Only if is_set().
  constexpr Clock::time_point when() const { return *when_; }
  bool has_passed() const noexcept { return when_ && *when_ <= Clock::now(); }

  /// The one that comes first.
  friend constexpr Deadline earlier(Deadline const& a, Deadline const& b) noexcept {
    if (!a.when_ || (b.when_ && *b.when_ < *a.when_)) return b;
    return a;
  }

 private:
  static constexpr double seconds_max = 3e9;  ///< A century: no limit.

  std::optional<Clock::time_point> when_{};
};

}  // namespace stele
