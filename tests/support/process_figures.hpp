// What the kernel says of a running process.
#pragma once

#include <sys/types.h>

#include <cstddef>

namespace stele::test {

struct ProcessFigures {
  std::size_t resident_bytes = 0;
  std::size_t peak_bytes = 0;  ///< The most that was resident since forget_peak().
  std::size_t descriptors = 0;
};

/// Throws if there is no such process.
ProcessFigures figures_of(pid_t pid);
/// From now on the peak is counted again.
void forget_peak(pid_t pid);

/// Lets this process, and what it starts, have this many descriptors. Throws if it may not.
void allow_descriptors(std::size_t count);

}  // namespace stele::test
