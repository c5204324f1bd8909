// What names things in a log: positions, writers, what is missing.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string_view>

namespace stele::wal {

/// Position of a payload in the log: from 1, strictly increasing, never reused.
using Seq = std::uint64_t;
using StoreId = std::array<std::uint8_t, 16>;
/// Monotonic time, handed in; the log reads no clock.
using Instant = std::chrono::steady_clock::time_point;

/// Who writes, by a name of its own choice; all zero: nobody said.
using WriterId = std::array<std::uint8_t, 16>;

/// Which write of which writer a group is; all zero: none was named.
struct WriterMark {
  WriterId writer{};
  std::uint64_t write_no = 0;  ///< Below 2^63.
  bool late = false;           ///< The writer's writes before it include one with a higher number.

  bool operator==(WriterMark const&) const = default;
};

/// Why a stretch of the log is missing.
enum class GapReason : std::uint8_t { expired = 1, damaged = 2, torn = 3, dropped_by_client = 4 };
std::string_view to_string(GapReason reason) noexcept;

/// What the log does not hold, and why: sequence numbers; or, with dropped_by_client, payloads that
/// never got one, somewhere before first_seq. Then last_seq is first_seq - 1.
struct Gap {
  Seq first_seq = 0;
  Seq last_seq = 0;
  GapReason reason = GapReason::damaged;
  std::uint64_t segment_no = 0;
  std::uint64_t offset = 0;
  std::uint64_t dropped = 0;  ///< dropped_by_client: how many,
  WriterId writer{};          ///< and who dropped them.
  /// Damaged: an operator knows of it. Told by a record of its own.
  bool acknowledged = false;

  bool operator==(Gap const&) const = default;
};

}  // namespace stele::wal
