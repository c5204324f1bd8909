// The daemon's own log: lines on stderr, for a person, for systemd, or plain.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/clock.hpp"
#include "daemon/config/config.hpp"

namespace stele::daemon {

/// Puts /dev/null where stdin, stdout or stderr is closed: a file of the log would get its number.
/// Before anything else is opened.
void open_standard_streams();

/// Makes spdlog's default logger write to stderr: coloured with the time if it is a terminal, with
/// systemd's <N> priorities if it is the journal's stream, else plain. It never waits: a line that
/// has no room is counted, and the next one that has says how many there were.
void start_diagnostics(LogLevel level);
void set_diagnostics_level(LogLevel level);
/// Tries again to say what had no room.
void flush_diagnostics();
/// Lines that had no room, since the start.
std::uint64_t diagnostics_lines_dropped() noexcept;

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
