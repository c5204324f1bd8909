// How much memory this process can have: of the machine, and of the control groups that it is in.
#pragma once

#include <cstdint>
#include <string>

#include "daemon/config/config.hpp"

namespace stele::daemon {

/// The memory of the machine; 0: nobody knows. Unlike /proc/meminfo it is known to a unit with
/// ProcSubset=pid, too.
std::uint64_t physical_bytes() noexcept;

/// Where the kernel reports it; another place in tests.
struct MachinePlaces {
  std::uint64_t machine_bytes = physical_bytes();
  std::string proc = "/proc";
  std::string cgroups = "/sys/fs/cgroup";
  /// Besides the process's own group that of its unit, if that is running: who tries settings in a
  /// shell is not in it.
  std::string unit_group = "/system.slice/system-stele.slice/steled.service";
};

struct MachineMemory {
  std::uint64_t bytes = UINT64_MAX;       ///< The least of all limits.
  std::string limit{};                    ///< Whose that is.
  std::uint64_t free_bytes = UINT64_MAX;  ///< Of it, what others do not hold now.
};

/// Of version 2 of control groups, memory.max of each group up to the root, which is what
/// MemoryMax= sets; of version 1 their limits in bytes.
MachineMemory look_at_memory(MachinePlaces const& places = {});

/// What entries may take of the memory: as the settings say, or less where the machine has less.
std::uint64_t fitting_store_bytes(Config const& config, MachineMemory const& memory) noexcept;

/// One line that the settings do not fit into the memory, and what to set; empty: they do.
std::string misfit_line(Config const& config, MachineMemory const& memory);

}  // namespace stele::daemon
