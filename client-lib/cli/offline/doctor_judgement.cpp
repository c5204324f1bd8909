#include "client-lib/cli/offline/doctor_judgement.hpp"

#include <linux/magic.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <sstream>
#include <system_error>

#include "client-lib/cli/terminal/progress.hpp"
#include "wal/file/disk_probe.hpp"

namespace stele::cli {
namespace {

using std::chrono::nanoseconds;

/// Nothing that keeps bytes over a loss of power answers as soon as this.
constexpr nanoseconds sync_too_fast{std::chrono::microseconds{8}};
/// Each write waits for this.
constexpr nanoseconds sync_slow{std::chrono::milliseconds{100}};
/// Segments: the active one, the spare, and the one that a start makes.
constexpr std::uint64_t space_wanted = 3 * (std::uint64_t{64} << 20);
constexpr std::uint64_t space_needed = std::uint64_t{64} << 20;
constexpr double exposure_high = 1.0;
/// Timestamps are the clients' own; so much is no wonder.
constexpr std::uint64_t future_us = 60'000'000;

constexpr std::uint32_t world_writable = 0002;
constexpr std::uint32_t sticky = 01000;

bool has_word(std::string_view options, std::string_view word) {
  std::istringstream words{std::string(options)};
  for (std::string each; std::getline(words, each, ',');) {
    if (each == word) return true;
  }
  return false;
}

std::string milliseconds_text(nanoseconds time) {
  char text[32];
  auto const ms = std::chrono::duration<double, std::milli>(time).count();
  return {text, static_cast<std::size_t>(std::snprintf(text, sizeof text, "%.3f ms", ms))};
}

std::string octal_text(std::uint32_t mode) {
  char text[16];
  return {text, static_cast<std::size_t>(std::snprintf(text, sizeof text, "%04o", mode))};
}

nanoseconds percentile(std::vector<nanoseconds> const& sorted, std::size_t percent) {
  return sorted[(sorted.size() - 1) * percent / 100];
}

}  // namespace

std::string_view to_string(Grade grade) noexcept {
  switch (grade) {
    case Grade::ok:
      return "ok";
    case Grade::note:
      return "note";
    case Grade::warn:
      return "warn";
    case Grade::bad:
      return "bad";
  }
  return "";
}

Diagnosis judge_daemon(DaemonFacts const& daemon) {
  if (!daemon.failure.empty()) return {Grade::bad, "does not answer: " + daemon.failure};
  auto const text = "steled " + daemon.version + ", state " + daemon.state;
  if (daemon.state == "ok") return {Grade::ok, text};
  return {daemon.state == "shutting_down" ? Grade::warn : Grade::bad, text};
}

std::optional<std::string> find_mount(std::string_view mountinfo, std::uint64_t mount_id,
                                      FileSystemFacts& out) {
  // proc(5): ID parent major:minor root mount-point options [optional…] - type source options
  std::istringstream lines{std::string(mountinfo)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::uint64_t id = 0;
    std::string parent, device, root, point, own_options, word, super_options;
    words >> id >> parent >> device >> root >> point >> own_options;
    if (!words || id != mount_id) continue;
    while (words >> word && word != "-") {
    }
    words >> out.type >> out.source >> super_options;
    out.options = own_options + ',' + super_options;
    return device;
  }
  return std::nullopt;
}

Diagnosis judge_file_system(FileSystemFacts const& facts) {
  std::string const named = facts.type.empty() ? "the file system" : facts.type;
  auto const text = facts.source.empty() ? named : named + " on " + facts.source;
  if (facts.magic == TMPFS_MAGIC || facts.magic == RAMFS_MAGIC) {
    return {Grade::bad, text + " is memory: nothing outlives a restart of the machine"};
  }
  if (auto const remote = wal::remote_file_system(facts.magic); !remote.empty()) {
    return {Grade::bad, text + " (" + std::string(remote) +
                            ") is served by another machine or program: its locks and syncs may "
                            "not be what they say"};
  }
  if (facts.magic == OVERLAYFS_SUPER_MAGIC) {
    return {Grade::warn, text + " goes with its container: put the log on a volume"};
  }
  return {Grade::ok, text + ", local"};
}

Diagnosis judge_write_cache(FileSystemFacts const& facts) {
  for (auto const word : {"nobarrier", "barrier=0", "fsync_mode=nobarrier"}) {
    if (has_word(facts.options, word)) {
      return {Grade::bad, std::string("mounted with ") + word +
                              ": a loss of power takes what the drive's cache holds"};
    }
  }
  if (facts.write_cache == "write back") {
    return {Grade::ok, "write back, and each sync flushes it"};
  }
  if (facts.write_cache == "write through") {
    return {Grade::ok, "write through: what the device has taken, it says, is kept"};
  }
  return {Grade::note, "the device does not report it"};
}

Diagnosis judge_syncs(SyncFacts facts) {
  if (facts.times.empty()) return {Grade::note, "not measured: " + facts.failure};
  std::ranges::sort(facts.times);
  auto const p50 = percentile(facts.times, 50);
  auto const p99 = percentile(facts.times, 99);
  auto text = "p50 " + milliseconds_text(p50) + ", p99 " + milliseconds_text(p99) + " of " +
              std::to_string(facts.times.size()) + " writes of 4096 bytes, " + facts.way;
  if (p50 < sync_too_fast) {
    return {Grade::warn, text + ": faster than devices that keep bytes; are they synced at all?"};
  }
  if (p99 > sync_slow) return {Grade::warn, text + ": slow, and each write waits for it"};
  return {Grade::ok, std::move(text)};
}

Diagnosis judge_ring(RingFacts const& facts, DaemonFacts const& daemon) {
  auto const by =
      daemon.backend.empty() ? std::string() : "; the daemon writes by " + daemon.backend;
  if (facts.error == 0) {
    bool const unused =
        !daemon.backend.empty() && daemon.backend.find("io_uring") == std::string::npos;
    return {unused ? Grade::note : Grade::ok, "works here" + by};
  }
  std::string why = std::system_category().message(facts.error);
  if (facts.error == ENOSYS) why = "the kernel has none";
  if (facts.error == EPERM) {
    why = facts.disabled.value_or(0) != 0
              ? "kernel.io_uring_disabled is " + std::to_string(*facts.disabled)
              : "a seccomp filter refuses it, as those of containers do";
  }
  if (facts.error == ENOMEM) why = "the limit of locked memory (ulimit -l) is too low";
  return {Grade::note,
          "not to be had: " + why + "; without it the daemon writes by system calls" + by};
}

Diagnosis judge_space(SpaceFacts const& facts) {
  if (!facts.failure.empty()) return {Grade::note, "not known: " + facts.failure};
  auto const text = bytes_text(facts.free_bytes) + " free";
  if (facts.free_bytes < space_needed) {
    return {Grade::bad, text + ": no room for the next segment; writes will be refused"};
  }
  if (facts.free_bytes < space_wanted) return {Grade::warn, text + ": little more than a segment"};
  if (!facts.retain_bytes) return {Grade::ok, text};
  if (*facts.retain_bytes == 0) {
    return {Grade::warn, text + ", and the log grows without a limit (retain-bytes = 0)"};
  }
  auto const to_come = *facts.retain_bytes - std::min(*facts.retain_bytes, facts.log_bytes);
  if (facts.free_bytes < to_come + space_wanted) {
    return {Grade::warn, text + ", and the log may grow by " + bytes_text(to_come + space_wanted) +
                             " until retain-bytes bounds it"};
  }
  return {Grade::ok, text + ", enough for retain-bytes"};
}

Diagnosis judge_memory(MemoryFacts const& facts) {
  if (facts.bytes_max == 0) return {Grade::note, "no daemon reported what it may take"};
  auto const text = "the daemon may take " + std::to_string(facts.bytes_max >> 20) + " MiB";
  if (facts.machine_bytes == 0) return {Grade::note, text + "; of how much, it does not know"};
  auto const there = std::to_string(facts.machine_bytes >> 20) + " MiB";
  if (facts.bytes_max <= facts.machine_bytes) return {Grade::ok, text + ", of " + there};
  return {Grade::warn, text + ", and the machine, or MemoryMax=, gives it " + there +
                           ": the first lines of its log, and steled --check-config, say what to "
                           "set"};
}

Diagnosis judge_clock(ClockFacts const& facts) {
  if (facts.newest_us && *facts.newest_us > facts.now_us + future_us) {
    return {Grade::warn, "the newest entry is " +
                             std::to_string((*facts.newest_us - facts.now_us) / 1'000'000) +
                             " s in the future: the clock went back, or a client's is wrong"};
  }
  if (!facts.synchronized) {
    return {Grade::warn, "not synchronized: timestamps of this machine may not fit others'"};
  }
  return {Grade::ok, "synchronized"};
}

Diagnosis judge_socket(SocketFacts const& facts) {
  if (!facts.failure.empty()) return {Grade::bad, facts.failure};
  auto const text = octal_text(facts.mode) + ' ' + facts.owner + ':' + facts.group;
  if ((facts.directory_mode & world_writable) != 0 && (facts.directory_mode & sticky) == 0) {
    return {Grade::bad, text + ", in a directory in which everybody may replace it"};
  }
  if ((facts.mode & world_writable) != 0) {
    return {Grade::warn, text + ": every user of the machine may connect"};
  }
  return {Grade::ok, text};
}

Diagnosis judge_unit(UnitFacts const& facts) {
  if (!facts.failure.empty()) return {Grade::note, "no score: " + facts.failure};
  char score[16];
  auto const length = std::snprintf(score, sizeof score, "%.1f", facts.exposure);
  auto const text = "exposure " + std::string(score, static_cast<std::size_t>(length)) + " of 10";
  if (facts.exposure > exposure_high) {
    return {Grade::warn, text + ": a drop-in opens what the packaged unit closes (0.4)"};
  }
  return {Grade::ok, text};
}

std::optional<double> exposure_in(std::string_view output) {
  constexpr std::string_view before = "exposure level for ";
  auto const at = output.find(before);
  if (at == output.npos) return std::nullopt;
  auto const colon = output.find(": ", at);
  if (colon == output.npos) return std::nullopt;
  auto const digits = output.substr(colon + 2);
  double value = 0;
  auto const [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{}) return std::nullopt;
  return value;
}

}  // namespace stele::cli
