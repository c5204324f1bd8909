#include "daemon/operations/default_log.hpp"

#include <algorithm>
#include <array>

#include "daemon/operations/memory_account.hpp"

namespace stele::daemon {
namespace {

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;

/// Sizes that a default can have. So few, that a log at its limit is found below the same one by
/// each start.
constexpr std::array<std::uint64_t, 9> steps = {64 * mebibyte,  96 * mebibyte,  128 * mebibyte,
                                                192 * mebibyte, 256 * mebibyte, 384 * mebibyte,
                                                512 * mebibyte, 768 * mebibyte, 1024 * mebibyte};

constexpr std::uint64_t segments_min = 4;  ///< That a log may become, as validate() has it.
/// What a start makes before retention looks at the log again.
constexpr std::uint64_t segments_to_come = 2;

bool is_default(Config const& config) noexcept {
  return !config.is_given("retain-bytes") && !config.is_given("max-store-bytes");
}

std::uint64_t entry_bytes(Config const& config) noexcept {
  return store_bytes_max(config, UINT64_MAX);
}

std::uint64_t room_for_entries(Config const& config, MachineMemory const& memory) noexcept {
  auto const others = memory_bounds(config, 0).sum();
  auto const rest = memory.free_bytes - std::min(memory.free_bytes, others);
  return std::max(memory.free_bytes / 2, rest);
}

}  // namespace

Config with_default_log(Config config, MachineMemory const& memory) {
  if (!is_default(config)) return config;
  auto const room = room_for_entries(config, memory);
  auto const least = config.is_given("segment-bytes") ? segments_min * config.segment_bytes : 0;
  auto fitting = config;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    if (*step > config.retain_bytes) continue;
    if (*step < least) break;
    fitting.retain_bytes = *step;
    if (entry_bytes(fitting) <= room) break;
  }
  fitting.segment_bytes = std::min(config.segment_bytes, fitting.retain_bytes / segments_min);
  return fitting;
}

std::uint64_t retain_bytes_for(LogFound const& found, Config const& fitting,
                               std::uint64_t retain_bytes_max) noexcept {
  if (!is_default(fitting) || found.bytes <= fitting.retain_bytes) return fitting.retain_bytes;
  auto const bytes = found.bytes + (found.is_whole ? segments_to_come * fitting.segment_bytes : 0);
  auto const step = std::ranges::lower_bound(steps, bytes);
  return std::max(fitting.retain_bytes,
                  step == steps.end() ? retain_bytes_max : std::min(*step, retain_bytes_max));
}

std::string default_log_line(Config const& fitting, MachineMemory const& memory) {
  Config const defaults;
  if (!is_default(fitting) || fitting.retain_bytes >= defaults.retain_bytes) return {};
  return "retain-bytes is " + format_size(fitting.retain_bytes) + ", not " +
         format_size(defaults.retain_bytes) + ": that is what fits into " +
         std::to_string(memory.free_bytes >> 20) + " MiB that are free of " + memory.limit +
         "; set it to have another";
}

}  // namespace stele::daemon
