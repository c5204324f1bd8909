// The daemon's own log: lines on stderr, for a person, for systemd, or plain.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/clock.hpp"
#include "daemon/config.hpp"

namespace stele::daemon {

/// Makes spdlog's default logger write to stderr: coloured with the time if it is a terminal, with
/// systemd's <N> priorities if it is the journal's stream, else plain.
void start_diagnostics(LogLevel level);
void set_diagnostics_level(LogLevel level);

/// Bytes of a client as they may appear in a log line: quoted, everything but printable ASCII
/// escaped, cut after 256 bytes.
std::string printable(std::string_view bytes);

/// Lets the first of many equal messages through, then one a period.
class Throttle {
 public:
  explicit Throttle(std::chrono::seconds period) noexcept : period_(period) {}

  /// Nothing: say nothing. Else how many times nothing was said since the last time.
  std::optional<std::uint64_t> pass(Instant now) noexcept;

 private:
  std::chrono::seconds period_;
  std::optional<Instant> passed_at_{};
  std::uint64_t held_back_ = 0;
};

}  // namespace stele::daemon
