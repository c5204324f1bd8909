// A date and a time of day as they are written, and the moments that they mean.
#pragma once

#include <array>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace stele::cli {

inline constexpr std::uint64_t millisecond_us = 1'000;
inline constexpr std::uint64_t second_us = 1'000'000;
inline constexpr std::uint64_t minute_us = 60 * second_us;
inline constexpr std::uint64_t hour_us = 60 * minute_us;
inline constexpr std::uint64_t day_us = 24 * hour_us;

struct CivilTime {
  int year = 1970;
  int month = 1;
  int day = 1;
  int hour = 0;
  int minute = 0;
  int second = 0;  ///< 60 in a leap second, which is the first moment of the next minute.
  std::uint64_t fraction_us = 0;
};

/// Whether the calendar has such a day, and the clock such a time.
bool exists(CivilTime const& time) noexcept;

/// Days since 1970-01-01; the date must exist.
std::int64_t days_since_epoch(int year, int month, int day) noexcept;

/// Microseconds since the epoch. Nothing before 1970.
std::optional<std::uint64_t> utc_time_us(CivilTime const& time, std::int64_t offset_seconds);

/// Seconds east of UTC of `Z`, `+1`, `+01`, `+0100`, `+01:00`, `UTC+1`, `UTC` or another zone's
/// abbreviation, with or without a blank before it. Nothing for other words.
std::optional<std::int64_t> zone_offset_seconds(std::string_view zone) noexcept;

/// Whether the system has a zone of this name: `Europe/Berlin`.
bool is_time_zone(std::string_view name);

/// What $TZ says, if the C library does not know it and would take UTC instead.
std::optional<std::string> unknown_local_zone();

/// The abbreviations that zone_offset_seconds() knows, as a regular expression.
std::string_view zone_names_pattern() noexcept;

/// In the C library's time zone ($TZ), of seconds since the epoch.
std::tm local_time_at(std::int64_t seconds) noexcept;

/// For as long as it lives, the C library's time zone is another. Not for several threads.
class ZoneInForce {
 public:
  explicit ZoneInForce(std::string const& zone);
  ZoneInForce(ZoneInForce const&) = delete;
  ZoneInForce& operator=(ZoneInForce const&) = delete;
  ~ZoneInForce();

 private:
  std::optional<std::string> before_{};
};

/// The C library's time zone ($TZ), or that of a region: `Europe/Berlin`.
class LocalZone {
 public:
  explicit LocalZone(std::string region = {}) : region_(std::move(region)) {}

  /// The moment that a local time means. In the hour that comes twice when summer time ends it is
  /// the first unless that is more than a minute before `previous_us`; an abbreviation of this
  /// zone (`CEST`) decides, too. In the hour that is left out, summer time is taken as begun.
  std::optional<std::uint64_t> time_us(CivilTime const& time,
                                       std::optional<std::uint64_t> previous_us = std::nullopt,
                                       std::string_view zone_name = {});
  /// Whether an abbreviation is of this zone in the days around `time`.
  bool has_name(CivilTime const& time, std::string_view zone_name);

 private:
  struct Offset {
    std::int64_t seconds = 0;
    std::array<char, 12> name{};
  };
  void look_up(std::int64_t quarter);

  std::string region_;
  std::int64_t quarter_ = INT64_MIN;  ///< Of an hour, of which offsets_ are.
  std::array<Offset, 2> offsets_{};   ///< That of the earlier moment first.
};

}  // namespace stele::cli
