// Looks at the machine for `stele doctor`. Only measure_syncs() writes: into a file without a name.
#pragma once

#include <string>

#include "client-lib/cli/offline/doctor_judgement.hpp"
#include "stele/client.hpp"

namespace stele::cli {

/// The directory itself, or the nearest one above it that is there.
std::string nearest_directory(std::string const& path);

/// What the daemon reports of itself, and what of its metrics the other judgements need.
struct DaemonReport {
  DaemonFacts daemon{};
  MemoryFacts memory{};
  std::uint64_t log_bytes = 0;
  std::optional<std::uint64_t> retain_bytes{};
  std::optional<std::uint64_t> newest_us{};
};
DaemonReport ask_daemon(ClientOptions const& options);

FileSystemFacts look_at_file_system(std::string const& directory);
/// 200 writes as the daemon makes them, or as many as 2 s allow.
SyncFacts measure_syncs(std::string const& directory);
RingFacts try_ring();
SpaceFacts look_at_space(std::string const& directory);
ClockFacts look_at_clock();
SocketFacts look_at_socket(std::string const& path);
/// Of the unit's file; empty: where systemd looks for steled.service.
UnitFacts ask_for_exposure(std::string unit);

}  // namespace stele::cli
