// How large the log becomes where nobody has set it: 1G, or less where the memory is small.
#pragma once

#include <cstdint>
#include <string>

#include "daemon/config/config.hpp"
#include "daemon/operations/machine_memory.hpp"

namespace stele::daemon {

/// The settings with the largest retain-bytes, 1G at most, that leaves enough of the free memory to
/// others: entries get half of it, or all but what the daemon takes besides if that is more. Never
/// less than 64M. As it was, if the settings say what it is or what entries may take of the memory.
/// segment-bytes follows, unless it is set.
Config with_default_log(Config config, MachineMemory const& memory);

/// What a start finds.
struct LogFound {
  std::uint64_t bytes = 0;
  bool is_whole = false;  ///< Retention has taken nothing of it yet.
};

/// Another retain-bytes than the `fitting` one, if that would take what is there: so much that this
/// stays, and that further starts find the same. At most `retain_bytes_max`.
std::uint64_t retain_bytes_for(LogFound const& found, Config const& fitting,
                               std::uint64_t retain_bytes_max) noexcept;

/// One line that the log is smaller than by default; empty: it is not.
std::string default_log_line(Config const& fitting, MachineMemory const& memory);

}  // namespace stele::daemon
