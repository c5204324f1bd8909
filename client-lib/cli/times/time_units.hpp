// Lengths of time in microseconds.
#pragma once

#include <cstdint>

namespace stele::cli {

inline constexpr std::uint64_t millisecond_us = 1'000;
inline constexpr std::uint64_t second_us = 1'000'000;
inline constexpr std::uint64_t minute_us = 60 * second_us;
inline constexpr std::uint64_t hour_us = 60 * minute_us;
inline constexpr std::uint64_t day_us = 24 * hour_us;

}  // namespace stele::cli
