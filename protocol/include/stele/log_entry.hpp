// The vocabulary of stele: what a log entry is. No JSON, no sockets, no files.
#pragma once

#include "stele/toolchain.hpp"  // First.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stele {

/// Severity, in rising order. The bands of OpenTelemetry's log data model; spdlog's `critical` is
/// `fatal`.
enum class Level : std::uint8_t { trace, debug, info, warn, error, fatal };

/// The name that travels: `trace debug info warn error fatal`.
std::string_view to_string(Level level) noexcept;

/// The level with exactly this name (lower case), or nothing.
std::optional<Level> parse_level(std::string_view name) noexcept;

/// An entry to be written.
struct LogEntry {
  /// Microseconds since the Unix epoch, UTC. Absent: the daemon stamps the time of receipt.
  /// Any value is legal, also 0 and 2^64-1, also out of order; order and cursors rest on seq.
  std::optional<std::uint64_t> timestamp{};
  Level level = Level::info;
  /// UTF-8. Any text, also line breaks and U+0000.
  std::string message{};
  /// The text of one JSON object. Numbers keep their digits and members their order.
  std::string metadata = "{}";
  std::uint8_t version = 1;

  bool operator==(LogEntry const&) const = default;
};

/// Who wrote an entry: the socket's peer credentials, added by the daemon.
struct Origin {
  std::int32_t pid = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;

  bool operator==(Origin const&) const = default;
};

/// An entry as it was stored.
struct StoredEntry {
  /// Position in the log: from 1, dense, never reused.
  std::uint64_t seq = 0;
  std::uint64_t timestamp = 0;
  Level level = Level::info;
  std::string message{};
  std::string metadata = "{}";
  std::uint8_t version = 1;
  Origin origin{};

  bool operator==(StoredEntry const&) const = default;
};

}  // namespace stele
