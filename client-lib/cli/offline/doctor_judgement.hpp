// What the metrics of a machine mean for a log on it: the judgements of `stele doctor`, without
// looking at anything.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stele::cli {

enum class Grade : std::uint8_t {
  ok,
  note,  ///< Could not be found out, or is only to be known.
  warn,  ///< Costs something, or may one day.
  bad,   ///< An acknowledged entry may be lost, or nothing works.
};
std::string_view to_string(Grade grade) noexcept;

struct Diagnosis {
  Grade grade = Grade::ok;
  std::string text{};
};

struct DaemonFacts {
  std::string failure{};  ///< Why it does not answer; empty: it does.
  std::string version{};
  std::string state{};
  std::string backend{};
};
Diagnosis judge_daemon(DaemonFacts const& daemon);

struct FileSystemFacts {
  std::uint32_t magic = 0;  ///< As statfs(2) reports it.
  std::string type{};       ///< These as /proc/self/mountinfo reports them; empty: not found there.
  std::string source{};
  std::string options{};
  std::string write_cache{};  ///< As the device's queue reports it in /sys; empty: it has none.
};
/// Fills type, source and options of the mount with this number, and returns its device,
/// `major:minor`. Nothing if it is not there.
std::optional<std::string> find_mount(std::string_view mountinfo, std::uint64_t mount_id,
                                      FileSystemFacts& out);
Diagnosis judge_file_system(FileSystemFacts const& facts);
Diagnosis judge_write_cache(FileSystemFacts const& facts);

struct SyncFacts {
  std::string failure{};  ///< Why nothing was measured.
  std::string way{};      ///< "O_DIRECT, RWF_DSYNC".
  std::vector<std::chrono::nanoseconds> times{};
};
Diagnosis judge_syncs(SyncFacts facts);

struct RingFacts {
  int error = 0;                  ///< errno of io_uring_setup(2); 0: it works.
  std::optional<int> disabled{};  ///< kernel.io_uring_disabled.
};
Diagnosis judge_ring(RingFacts const& facts, DaemonFacts const& daemon);

struct SpaceFacts {
  std::string failure{};
  std::uint64_t free_bytes = 0;
  std::uint64_t log_bytes = 0;
  /// With what is held for consumers. 0: no limit. Nothing: no daemon reported it.
  std::optional<std::uint64_t> retain_bytes{};
};
Diagnosis judge_space(SpaceFacts const& facts);

struct MemoryFacts {
  std::uint64_t bytes_max = 0;      ///< All that the daemon may take; 0: no daemon reported it.
  std::uint64_t machine_bytes = 0;  ///< What it can have; 0: nobody knows.
};
Diagnosis judge_memory(MemoryFacts const& facts);

struct ClockFacts {
  bool synchronized = false;
  std::uint64_t now_us = 0;
  std::optional<std::uint64_t> newest_us{};  ///< Timestamp of the newest entry.
};
Diagnosis judge_clock(ClockFacts const& facts);

struct SocketFacts {
  std::string failure{};  ///< Why it cannot be looked at.
  std::uint32_t mode = 0;
  std::string owner{};
  std::string group{};
  std::uint32_t directory_mode = 0;
};
Diagnosis judge_socket(SocketFacts const& facts);

struct UnitFacts {
  std::string failure{};  ///< Why there is no score.
  double exposure = 0;    ///< Of `systemd-analyze security`, 0 to 10.
};
Diagnosis judge_unit(UnitFacts const& facts);
/// The score in what `systemd-analyze security` prints.
std::optional<double> exposure_in(std::string_view output);

}  // namespace stele::cli
