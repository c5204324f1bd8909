// What the daemon counts, as plain data, and the reply to `stats` made of it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/clock.hpp"
#include "daemon/config/config.hpp"
#include "daemon/log/log_port.hpp"
#include "daemon/operations/memory_account.hpp"
#include "daemon/store/store.hpp"
#include "protocol/request/operations.hpp"
#include "stele/error.hpp"
#include "wal/log.hpp"

namespace stele::daemon {

/// Counters since start.
struct Metrics {
  std::uint64_t connections_open = 0;
  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_refused = 0;
  std::uint64_t connections_timed_out = 0;
  std::uint64_t readers_timed_out = 0;  ///< Closed, since they took nothing of their replies.
  std::array<std::uint64_t, protocol::operations.size()> requests{};  ///< By Op.
  std::array<std::uint64_t, static_cast<std::size_t>(error_last) + 1> errors{};
  std::uint64_t entries_written = 0;
  std::uint64_t entries_read = 0;
  std::uint64_t tails_open = 0;
  std::uint64_t tails_lagged = 0;     ///< Times that a follow lost entries, and reported it.
  std::uint64_t entries_tailed = 0;   ///< Sent by follows.
  std::uint64_t writes_repeated = 0;  ///< Answered with `dup`.
  std::uint64_t shares_exceeded = 0;  ///< Writes refused, since their user has its share already.

  void count(protocol::Op op) noexcept { ++requests[static_cast<std::size_t>(op)]; }
  void count(Error error) noexcept { ++errors[static_cast<std::size_t>(error)]; }
};

/// What does not change while the daemon runs.
struct ServiceFacts {
  Config config{};
  std::string store_id{};
  std::string backend{};
  wal::RecoveryReport recovery{};
  std::uint64_t recovery_us = 0;
  std::uint64_t recovery_rejected = 0;  ///< Payloads that are no entries.
  Instant started_at{};
  std::uint32_t own_uid = 0;  ///< The daemon's.
  std::size_t commit_bytes_max = 0;
  std::size_t unread_bytes_max = 0;
  std::uint64_t store_bytes_max = UINT64_MAX;
  bool store_is_cut = false;        ///< The machine has less than the settings ask for.
  std::uint64_t machine_bytes = 0;  ///< 0: nobody knows.
};

/// "ok", or the worst that is to be said: "shutting_down", "log_failed", "no_space", "damaged".
std::string_view service_state(ServiceFacts const& facts, Store const& store, LogPort const& log,
                               bool draining);

/// Whether entries have filled the memory that they may take. Not where retention makes room: there
/// it follows what is written.
bool is_full(ServiceFacts const& facts, Store const& store) noexcept;

struct StatsView {
  ServiceFacts const& facts;
  Metrics const& metrics;
  MemoryAccount const& memory;
  Store const& store;
  LogPort const& log;
  Instant now;
  bool draining;
};
/// Appends the members of the `stats` reply, a comma before each.
void append_stats(std::string& out, StatsView const& view);

/// The limit `batch_bytes_max`, and what of it a batch takes whose entries have this many bytes in
/// canonical form, at most: their numbers are counted as the longest ones.
std::size_t batch_bytes_max(ServiceFacts const& facts) noexcept;
std::size_t batch_bytes(std::size_t entries, std::size_t payload_bytes) noexcept;

/// Appends the member `"limits":{…}`: all limits in force.
void append_limits(std::string& out, ServiceFacts const& facts);

}  // namespace stele::daemon
