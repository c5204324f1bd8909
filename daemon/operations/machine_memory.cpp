#include "daemon/operations/machine_memory.hpp"

#include <sys/sysinfo.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/operations/memory_account.hpp"

namespace stele::daemon {
namespace {

/// Of a limit, what is left to all but the entries at least.
constexpr std::uint64_t kept_bytes = std::uint64_t{128} << 20;
/// A log that keeps less in memory is hardly one.
constexpr std::uint64_t retain_bytes_min = std::uint64_t{64} << 20;
constexpr std::uint64_t retain_step_bytes = std::uint64_t{32} << 20;
/// Of replies, how much more all may have than a user.
constexpr std::uint64_t unsent_step_bytes = std::uint64_t{4} << 20;

std::string text_of(std::string const& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end == text.data()) return std::nullopt;  // Such as `max`.
  return value;
}

/// Of lines such as `MemTotal:  1024 kB` and `file 4096`.
std::optional<std::uint64_t> number_after(std::string_view text, std::string_view name) {
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(name) || line.size() == name.size()) continue;
    auto const at = line.find_first_not_of(" :\t", name.size());
    if (at == line.npos || at == name.size()) continue;
    return number_in(std::string_view(line).substr(at));
  }
  return std::nullopt;
}

void note(MachineMemory& memory, std::uint64_t bytes, std::uint64_t taken, std::string limit) {
  memory.free_bytes = std::min(memory.free_bytes, bytes - std::min(bytes, taken));
  if (bytes >= memory.bytes) return;
  memory.bytes = bytes;
  memory.limit = std::move(limit);
}

/// What can be had again is not taken: the page cache.
std::uint64_t taken_in(std::string const& group, char const* current, char const* cache) {
  auto const all = number_in(text_of(group + '/' + current)).value_or(0);
  auto const file = number_after(text_of(group + "/memory.stat"), cache).value_or(0);
  return all - std::min(all, file);
}

/// The group of a unit that runs, and what it has taken: those who try its settings ask what it
/// can have, so that this is free to them.
struct UnitGroup {
  std::string path{};
  std::uint64_t bytes = 0;

  std::uint64_t taken_by_others(std::string_view group, std::uint64_t bytes_taken) const noexcept {
    bool const is_in =
        path.starts_with(group) && (path.size() == group.size() || path[group.size()] == '/');
    return is_in ? bytes_taken - std::min(bytes_taken, bytes) : bytes_taken;
  }
};

void look_at_groups(MachineMemory& memory, std::string const& root, std::string path,
                    UnitGroup const& unit) {
  for (;; path.erase(path.rfind('/'))) {
    auto const group = root + path;
    if (auto const max = number_in(text_of(group + "/memory.max"))) {
      auto const name = "the control group " + (path.empty() ? "/" : path) + " (MemoryMax=)";
      auto const taken = taken_in(group, "memory.current", "file");
      note(memory, *max, unit.taken_by_others(path, taken), name);
    }
    if (path.empty() || path.find('/') == path.npos) return;
  }
}

void look_at_old_groups(MachineMemory& memory, std::string const& root, std::string path) {
  for (;; path.erase(path.rfind('/'))) {
    auto const group = root + "/memory" + path;
    auto const max = number_in(text_of(group + "/memory.limit_in_bytes"));
    if (max && *max < UINT64_MAX / 4) {  // It has a number for no limit, too.
      note(memory, *max, taken_in(group, "memory.usage_in_bytes", "total_cache"),
           "the control group " + path);
    }
    if (path.empty() || path.find('/') == path.npos) return;
  }
}

/// As /proc/meminfo reports it, or the group that all others are in.
std::uint64_t taken_of_machine(MachinePlaces const& places) {
  auto const meminfo = text_of(places.proc + "/meminfo");
  if (auto const free = number_after(meminfo, "MemAvailable")) {
    return places.machine_bytes - std::min(places.machine_bytes, *free << 10);
  }
  auto const root = text_of(places.cgroups + "/memory.stat");
  std::uint64_t taken = 0;
  for (auto const name : {"anon", "shmem", "slab_unreclaimable", "kernel_stack", "pagetables"}) {
    taken += number_after(root, name).value_or(0);
  }
  return taken;
}

std::string mebibytes_text(std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

std::uint64_t bytes_needed(Config const& config) {
  return memory_bounds(config, store_bytes_max(config, UINT64_MAX)).sum();
}

/// Settings that others bound, as validate() has it.
void follow(Config& config) {
  constexpr std::uint64_t file_step_bytes = 4096;
  auto const quarter = config.retain_bytes / 4;
  config.segment_bytes = std::min(config.segment_bytes, quarter - quarter % file_step_bytes);
  config.max_user_unsent_bytes =
      std::min(config.max_user_unsent_bytes, config.max_all_unsent_bytes - unsent_step_bytes);
}

/// As a person would write them.
std::string changes(Config const& config, Config const& wanted) {
  std::string text;
  auto const add = [&text](std::string_view name, std::string const& value) {
    if (!text.empty()) text += ", ";
    ((text += name) += " = ") += value;
  };
  auto const tell_size = [&](std::string_view name, auto size) {
    if (config.*size != wanted.*size) add(name, format_size(config.*size));
  };
  auto const tell_count = [&](std::string_view name, auto count) {
    if (config.*count != wanted.*count) add(name, std::to_string(config.*count));
  };
  // Its default would grow by what the others leave.
  if (config.retain_bytes != wanted.retain_bytes || !wanted.is_given("retain-bytes")) {
    add("retain-bytes", format_size(config.retain_bytes));
  }
  tell_size("segment-bytes", &Config::segment_bytes);
  tell_size("max-store-bytes", &Config::max_store_bytes);
  tell_size("max-frame-bytes", &Config::max_frame_bytes);
  tell_size("max-in-flight-bytes", &Config::max_in_flight_bytes);
  tell_size("max-user-unsent-bytes", &Config::max_user_unsent_bytes);
  tell_size("max-all-unsent-bytes", &Config::max_all_unsent_bytes);
  tell_count("max-connections", &Config::max_connections);
  tell_count("max-writers", &Config::max_writers);
  return text;
}

/// Settings with which it fits, as few and as little changed as that takes. Nothing: it never does.
std::optional<std::string> proposal(Config config, std::uint64_t bytes) {
  auto const wanted = config;
  config.max_store_bytes = 0;
  if (config.retain_bytes == 0) config.retain_bytes = std::uint64_t{1} << 30;
  auto const shrink_log = [&] {
    while (bytes_needed(config) > bytes && config.retain_bytes > retain_bytes_min) {
      auto const less = std::max(config.retain_bytes / 8, retain_step_bytes);
      config.retain_bytes = std::max(config.retain_bytes - less, retain_bytes_min);
      config.retain_bytes -= config.retain_bytes % retain_step_bytes;
    }
    return bytes_needed(config) <= bytes;
  };
  auto const halve = [&](std::uint64_t& setting, std::uint64_t least) {
    setting = std::max(setting / 2, std::min(setting, least));
  };
  for (int halvings = 0; !shrink_log(); ++halvings) {
    if (halvings == 6) return std::nullopt;
    config.retain_bytes = wanted.retain_bytes == 0 ? std::uint64_t{1} << 30 : wanted.retain_bytes;
    halve(config.max_frame_bytes, std::max(std::uint64_t{1} << 20, config.max_entry_bytes));
    halve(config.max_in_flight_bytes, std::uint64_t{4} << 20);
    halve(config.max_all_unsent_bytes, std::uint64_t{16} << 20);
    halve(config.max_connections, 64);
    halve(config.max_writers, 1024);
  }
  follow(config);
  return changes(config, wanted);
}

}  // namespace

std::uint64_t physical_bytes() noexcept {
  struct sysinfo info {};
  return ::sysinfo(&info) == 0 ? std::uint64_t{info.totalram} * info.mem_unit : 0;
}

MachineMemory look_at_memory(MachinePlaces const& places) {
  MachineMemory memory;
  UnitGroup const unit{places.unit_group,
                       taken_in(places.cgroups + places.unit_group, "memory.current", "file")};
  if (places.machine_bytes != 0) {
    auto const taken = taken_of_machine(places);
    note(memory, places.machine_bytes, unit.taken_by_others("", taken), "the machine");
  }
  std::istringstream groups(text_of(places.proc + "/self/cgroup"));
  for (std::string line; std::getline(groups, line);) {
    auto const path = line.substr(std::min(line.rfind(':') + 1, line.size()));
    auto const clean = path == "/" ? std::string() : path;
    if (line.starts_with("0::")) look_at_groups(memory, places.cgroups, clean, unit);
    if (line.find(":memory:") != line.npos) look_at_old_groups(memory, places.cgroups, clean);
  }
  look_at_groups(memory, places.cgroups, places.unit_group, unit);
  return memory;
}

std::uint64_t fitting_store_bytes(Config const& config, MachineMemory const& memory) noexcept {
  auto const wanted = store_bytes_max(config, memory.bytes);
  auto const kept = std::min(kept_bytes, memory.bytes / 2);
  return std::min(wanted, memory.bytes - kept);
}

std::string misfit_line(Config const& config, MachineMemory const& memory) {
  auto const needed = memory_bounds(config, store_bytes_max(config, memory.bytes)).sum();
  if (needed <= memory.free_bytes) return {};
  std::string text = "memory: up to " + mebibytes_text(needed) + " do not fit: ";
  text += memory.limit + " has " + mebibytes_text(memory.bytes);
  if (memory.free_bytes < memory.bytes) {
    text += ", of which " + mebibytes_text(memory.free_bytes) + " are free";
  }
  auto const settings = proposal(config, memory.free_bytes);
  if (!settings) return text + "; no settings make it fit: give it more";
  return text + "; set " + *settings + ", or give it more";
}

}  // namespace stele::daemon
