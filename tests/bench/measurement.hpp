// One measured figure with everything that is needed to judge it, as JSON or for people.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "bench/latency_histogram.hpp"

namespace stele::bench {

struct Measurement {
  std::string label{};       ///< Names the measurement in a comparison; may be empty.
  std::string peer{};        ///< stele, redis, …
  std::string backend{};     ///< How the peer stores, as it says itself.
  std::string durability{};  ///< What an answer means.
  std::string operation{};   ///< write, read, …
  std::size_t entry_bytes = 0;
  std::size_t clients = 1;
  std::size_t in_flight = 1;
  std::size_t batch = 1;      ///< Entries of one operation.
  std::uint64_t warm_up = 0;  ///< Operations before the measured part.
  double out_of_order_share = 0;
  bool parsed = false;  ///< Reads: each entry was parsed.

  std::uint64_t operations = 0;
  std::uint64_t entries = 0;
  double seconds = 0;
  double cpu_seconds = 0;      ///< What the measuring process itself took.
  LatencyHistogram latency{};  ///< Nanoseconds, of operations.
};

inline constexpr char const* acknowledged_after_sync = "acknowledged after sync";
inline constexpr char const* acknowledged_only = "acknowledged, NOT synced";
inline constexpr char const* nothing_to_sync = "read of durable entries";

/// What this process has taken so far.
double cpu_seconds_of_process();

/// One line.
std::string to_json(Measurement const& measurement);
std::string to_table(Measurement const& measurement);
void print(Measurement const& measurement, bool as_json);

}  // namespace stele::bench
