// Points in time as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace stele::cli {

/// Microseconds since the epoch.
std::uint64_t now_us() noexcept;

/// Appends `2023-11-14T22:13:20.000000Z`. Years above 9999 are written with a plus sign.
void append_utc_time(std::string& out, std::uint64_t time_us);

/// The same in local time (that of the C library, $TZ), with its offset:
/// `2023-11-14T23:13:20.000000+01:00`.
void append_local_time(std::string& out, std::uint64_t time_us);

}  // namespace stele::cli
