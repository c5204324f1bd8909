// What `systemctl status` shows of the daemon: one line. Numbers in, text out.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace stele::daemon {

constexpr std::uint64_t mebibytes(std::uint64_t bytes) noexcept { return bytes >> 20; }

struct RecoveryProgress {
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;
  std::chrono::milliseconds taken{0};
};
/// "recovering: 512 of 2048 MiB (25 %), 640 MiB/s, 3 s left"
std::string recovery_line(RecoveryProgress const& progress);

struct ServingState {
  std::string_view state = "ok";  ///< As `stats` has it.
  std::uint64_t connections = 0;
  std::uint64_t durable_seq = 0;
  std::uint64_t entries_per_second = 0;
  std::chrono::seconds disk_silent_for{0};  ///< With something to write. 0: it is not.
  bool settings_refused = false;            ///< By the last reload.
};
/// "16 connections, 1200 entries/s, on disk up to entry 123456", with what is wrong before it.
std::string serving_line(ServingState const& state);

}  // namespace stele::daemon
