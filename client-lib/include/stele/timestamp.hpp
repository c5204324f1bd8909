// Timestamps of entries are microseconds since 1970; programs have moments of the system's clock.
#pragma once

#include "stele/toolchain.hpp"  // First.

#include <chrono>
#include <cstdint>

namespace stele {

/// A timestamp of this moment, in whole microseconds; 0 of one before 1970.
template <class Duration>
std::uint64_t to_timestamp(std::chrono::sys_time<Duration> moment) {
  using Microseconds = std::chrono::microseconds;
  // In seconds first: what a duration of microseconds cannot hold would overflow.
  std::chrono::duration<double> const seconds = moment.time_since_epoch();
  if (seconds.count() <= 0) return 0;
  if (seconds.count() > 9.2e12) return static_cast<std::uint64_t>(Microseconds::max().count());
  auto const since = std::chrono::floor<Microseconds>(moment).time_since_epoch();
  return static_cast<std::uint64_t>(since.count());
}

/// The other way round; a timestamp that no clock can show is the last moment that one can.
inline std::chrono::sys_time<std::chrono::microseconds> to_sys_time(std::uint64_t timestamp) {
  using Microseconds = std::chrono::microseconds;
  auto const last = static_cast<std::uint64_t>(Microseconds::max().count());
  auto const count = timestamp < last ? timestamp : last;
  return std::chrono::sys_time<Microseconds>{Microseconds{static_cast<std::int64_t>(count)}};
}

}  // namespace stele
