// Points in time as people type them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stele::cli {

/// Microseconds since the Unix epoch, or nothing if `text` is none of:
///
///   2023-11-14T22:13:20.5Z, …+01:00   RFC 3339 (also with a blank for T, or " UTC")
///   2023-11-14 22:13[:20[.5]]         local time; the date alone is its first moment
///   22:13[:20[.5]]                    today, local time
///   now  today  yesterday  tomorrow
///   10 min ago  -1h  +5min  "-1h 30m" relative to `now_us`; never before 1970
///   @1700000000[.5]                   seconds since the epoch
///   2024  202401  20240102            local time, if there is such a day; also with hours and
///   202401020304  20240102030405      minutes, or seconds
///   1700000000000000                  other digits alone: microseconds since the epoch, as on the
///                                     wire; not those of 9 to 14 digits, which are hardly meant so
///
/// Units are systemd's: us ms s min h d w month (30.44 days) y (365.25 days), also spelled out.
/// Digits of a fraction below the microsecond are dropped. Times before 1970 are not accepted.
/// Local time is that of the C library ($TZ).
std::optional<std::uint64_t> parse_time(std::string_view text, std::uint64_t now_us);

/// What a text that is no time was perhaps meant to be, as a hint; empty: nothing that is known.
std::string likely_meaning(std::string_view text);
/// Whether a text that is no time would be one before 1970.
bool is_before_epoch(std::string_view text);
/// Whether local time decides what the text means.
bool needs_local_zone(std::string_view text, std::uint64_t now_us);

/// A length of time in those units, `1h 30min`; microseconds.
std::optional<std::uint64_t> parse_span_us(std::string_view text);

}  // namespace stele::cli
