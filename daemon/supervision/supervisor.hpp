// What is reported to systemd about this process, as sd_notify(3) has it.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "daemon/clock.hpp"

namespace stele::daemon {

/// Where NOTIFY_SOCKET is not set, nothing happens.
///
/// sd_notify() itself makes a socket for each message: here one is made at the start, and
/// connected, so that a daemon without descriptors still feeds its watchdog.
class Supervisor {
 public:
  Supervisor();
  Supervisor(Supervisor const&) = delete;
  Supervisor& operator=(Supervisor const&) = delete;
  ~Supervisor();

  bool listens() const noexcept { return socket_ >= 0; }
  /// A process that does not feed() for so long is restarted. Zero: nobody watches.
  std::chrono::microseconds watchdog_timeout() const noexcept { return watchdog_timeout_; }

  /// The start takes longer: this much from now on before it counts as failed.
  void extend_start(std::chrono::seconds more, std::string_view status);
  /// Requests are answered from now on, or again. The watchdog begins with the first of these.
  void ready(std::string_view status);
  /// The configuration is read again; ready() follows.
  void reloading(Instant now);
  void stopping(std::string_view status);

  /// The event loop goes round.
  void feed();
  /// One line for `systemctl status`.
  void report(std::string_view status);

  /// The loop is in a call that lasts as long as the disk does: from then on until the end of it
  /// nothing can feed, and nobody watches.
  void begin_disk_call();
  void end_disk_call();

 private:
  enum class Urgency { may_be_lost, waits };
  void send(std::string const& message, Urgency urgency);

  int socket_ = -1;
  std::chrono::microseconds watchdog_timeout_{0};
  bool watched_ = false;
};

}  // namespace stele::daemon
