// How long a connection waits for its client. Sans-io: what it waits for and the time come from
// outside.
#pragma once

#include <chrono>
#include <cstdint>

#include "daemon/clock.hpp"

namespace stele::daemon {

/// 0: for ever.
struct TimeLimits {
  std::chrono::seconds request_max{0};  ///< For the first request, and for the rest of one.
  std::chrono::seconds idle_max{0};     ///< Without requests and follows.
};

/// Only time in which nothing but the client holds up its next request counts. Bytes of a request
/// do not begin its time anew: a whole request does.
class ClientPatience {
 public:
  enum class Wait : std::uint8_t {
    nothing,  ///< The connection has things to do, or the daemon holds it back.
    first,    ///< The client's first request,
    rest,     ///< the rest of a request,
    next,     ///< or any request.
  };

  ClientPatience(TimeLimits const& limits, Clock const& clock) noexcept
      : limits_(limits), clock_(clock) {}

  /// After every event: what is waited for now, and whether a request came meanwhile.
  void note(Wait wait, bool came) noexcept;
  bool is_over(Instant now) const noexcept;
  /// Of the present wait.
  std::chrono::seconds time_max() const noexcept;

 private:
  TimeLimits limits_;
  Clock const& clock_;
  Wait wait_ = Wait::nothing;
  Instant since_{};
};

}  // namespace stele::daemon
