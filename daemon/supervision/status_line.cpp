#include "daemon/supervision/status_line.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace stele::daemon {
namespace {

/// What the states of `stats` mean for who looks.
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> troubles{{
    {"shutting_down", "finishing what is in flight"},
    {"log_failed", "the log failed: ending"},
    {"no_space", "no space: writes are refused"},
    {"damaged", "damaged: see `stele audit`, `stele verify`"},
}};

}  // namespace

std::string recovery_line(RecoveryProgress const& progress) {
  auto const taken_ms = static_cast<std::uint64_t>(progress.taken.count());
  std::string text = "recovering: " + std::to_string(mebibytes(progress.bytes_done)) + " of " +
                     std::to_string(mebibytes(progress.bytes_total)) + " MiB";
  if (progress.bytes_total == 0) return text;
  auto const done = static_cast<double>(progress.bytes_done);
  auto const total = static_cast<double>(progress.bytes_total);
  text += " (" + std::to_string(static_cast<int>(100 * done / total)) + " %)";
  if (taken_ms == 0 || progress.bytes_done == 0) return text;
  auto const left = progress.bytes_total - std::min(progress.bytes_done, progress.bytes_total);
  auto const bytes_per_second = std::max(1.0, done * 1000 / static_cast<double>(taken_ms));
  auto const seconds = static_cast<std::uint64_t>(static_cast<double>(left) / bytes_per_second);
  text += ", " + std::to_string(mebibytes(static_cast<std::uint64_t>(bytes_per_second))) +
          " MiB/s, " + std::to_string(seconds) + " s left";
  return text;
}

std::string serving_line(ServingState const& state) {
  std::string text;
  for (auto const& [name, meaning] : troubles) {
    if (state.state == name) text.append(meaning).append("; ");
  }
  if (state.disk_silent_for.count() > 0) {
    text += "the disk has not answered for " + std::to_string(state.disk_silent_for.count()) +
            " s: writes wait; ";
  }
  if (state.settings_refused) text += "the settings in the file are not valid: not reloaded; ";
  text += std::to_string(state.connections) + " connections, " +
          std::to_string(state.entries_per_second) + " entries/s, on disk up to entry " +
          std::to_string(state.durable_seq);
  return text;
}

}  // namespace stele::daemon
