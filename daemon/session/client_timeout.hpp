// How long a connection waits for its client. Sans-io: what it waits for and the time come from
// outside.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "daemon/clock.hpp"

namespace stele::daemon {

/// 0: for ever.
struct TimeLimits {
  std::chrono::seconds request_max{0};  ///< For the first request, and for the rest of one.
  std::chrono::seconds idle_max{0};     ///< Without requests and follows.
  std::chrono::seconds reader_max{0};   ///< In which nothing of its replies is taken.
};

/// Only time in which nothing but the client holds up its next request counts. Neither bytes of a
/// request nor time in between that does not count begin its time again: a whole request does.
class ClientTimeout {
 public:
  enum class Wait : std::uint8_t {
    nothing,  ///< The connection has things to do, or the daemon holds it back.
    first,    ///< The client's first request,
    rest,     ///< the rest of a request,
    next,     ///< or any request.
  };

  ClientTimeout(TimeLimits const& limits, Clock const& clock) noexcept
      : limits_(limits), clock_(clock) {}

  /// After every event: what is waited for now, and whether a request came meanwhile.
  void note(Wait wait, bool came) noexcept;
  bool is_over(Instant now) const noexcept;
  /// Of the present wait.
  std::chrono::seconds time_max() const noexcept { return time_max(wait_); }

 private:
  std::chrono::seconds time_max(Wait wait) const noexcept;

  TimeLimits limits_;
  Clock const& clock_;
  Wait wait_ = Wait::nothing;
  Wait counted_ = Wait::nothing;  ///< What `waited_` is about.
  Instant::duration waited_{0};   ///< Before `since_`.
  Instant since_{};
};

/// How long a client takes nothing of what is sent to it. Asked now and then; no event needs the
/// time.
class ReaderPatience {
 public:
  explicit ReaderPatience(TimeLimits const& limits) noexcept : time_max_(limits.reader_max) {}

  /// `sent_bytes` are all that were ever sent; true: nothing was taken for too long.
  bool is_over(std::size_t unsent_bytes, std::uint64_t sent_bytes, Instant now) noexcept;

 private:
  std::chrono::seconds time_max_;
  std::uint64_t sent_bytes_ = 0;
  std::optional<Instant> since_{};
};

}  // namespace stele::daemon
