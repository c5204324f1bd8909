// Counts over time as bars.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "stele/client.hpp"

namespace stele::cli {

inline constexpr std::size_t histogram_bars_default = 24;

/// The round length of time (1 ms … 1 s, 5 s … 1 h … 1 week …) with which from `first_us` to
/// `last_us` are at most this many bars.
std::uint64_t choose_bucket_us(std::uint64_t first_us, std::uint64_t last_us,
                               std::size_t bars_max = histogram_bars_default);

/// Where a stretch of `bucket_us` starts (local time), a bar, and how many entries it has; the
/// longest bar makes the line `columns` wide. Stretches without entries have a line too, but of
/// more than three in a row it is said how many they are.
/// `buckets` are by rising start, multiples of `bucket_us` apart.
std::string histogram_text(std::span<LogCount::Bucket const> buckets, std::uint64_t bucket_us,
                           std::size_t columns);

/// A bar of `value` of `value_max`, at most `columns` wide, in eighths of a column.
std::string bar_text(std::uint64_t value, std::uint64_t value_max, std::size_t columns);

}  // namespace stele::cli
