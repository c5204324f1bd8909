// Follows a log and publishes it, each entry once and in order, for as long as it takes.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "client-lib/ship/destination.hpp"
#include "client-lib/ship/message.hpp"
#include "stele/client.hpp"

namespace stele::ship {

/// Counters since start.
struct ShipMetrics {
  std::uint64_t acknowledged_seq = 0;  ///< What the destination has.
  std::uint64_t durable_seq = 0;       ///< What the log has, when it was asked last.
  std::uint64_t messages = 0;          ///< Published, those that were published again included.
  std::uint64_t gap_entries = 0;       ///< Named in the destination as missing.
  std::uint64_t refused_entries = 0;   ///< Given to the destination, which will never have them.
  std::uint64_t retries = 0;           ///< Times that the cursor was read again.
  std::uint64_t newest_sent_us = 0;    ///< Timestamp of the last entry that was published.
};

struct ShipOptions {
  ClientOptions client{};
  MessageOptions messages;
  /// Whose place the daemon holds the log for (its setting `consumers`); empty: nobody's.
  std::string consumer{};
  /// Ends when all that was on disk at the start has been taken.
  bool until_caught_up = false;
  /// Told every second or so, and at the end.
  std::function<void(ShipMetrics const&)> report{};
};

/// Returns when it has caught up, if that is wanted, or fails where trying again does not help.
/// What goes wrong on the way is printed.
///
/// Entries are not held here: while the destination takes none, the follow is not read, and the
/// daemon waits with what is on its way.
Outcome<void> ship(ShipOptions options, Destination& destination);

}  // namespace stele::ship
