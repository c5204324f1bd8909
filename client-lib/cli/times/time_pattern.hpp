// How the times of a log are written, as a regular expression with named groups.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "client-lib/cli/text/text_pattern.hpp"
#include "client-lib/cli/times/civil_time.hpp"

namespace stele::cli {

/// No log has later times: the start of the year 2200.
inline constexpr std::uint64_t time_us_max = 7'258'118'400'000'000;

/// No log is older: a number that would be an earlier time counts something else.
inline constexpr std::uint64_t first_log_us = 631'152'000'000'000;  // 1990.

/// What a line says about its time.
struct WrittenTime {
  CivilTime civil{};
  bool has_year = false;
  std::optional<std::uint64_t> epoch_us{};  ///< Of a number; nothing of `civil` holds then.
  std::string_view zone{};                  ///< Part of the line; empty: none is written.
  std::string_view level{};                 ///< The same.
};

/// Microseconds since the epoch of a number, by its size: seconds, milliseconds, microseconds or
/// nanoseconds; `1700000000`, `1700000000.5`, `1.7E9`. Nothing beyond the year 2200, or before
/// 1970.
std::optional<std::uint64_t> epoch_us_of_number(std::string_view number);

class TimePattern {
 public:
  /// As for strptime, at the start of the line, or after `*` anywhere in it; with %f for the digits
  /// of a fraction, which may lack. Throws UsageError.
  static TimePattern of_format(std::string_view format);

  /// A regular expression that matches from the start of a line, and in which strptime's letters
  /// stand for groups; besides %C for a time of day with all that may follow it but a zone, %i for
  /// a time of ISO 8601, %w for the name of a level, %L for anything up to one, %N and %Q for what
  /// stands around a date of three numbers. A group
  /// `priority` is syslog's, `tai` a label of TAI64N, `east` an offset in minutes. `always_utc`:
  /// it is, where no zone is written.
  static TimePattern of_form(std::string_view form, bool always_utc = false);

  /// Whether it may match a date that has no year, and a time that has no zone.
  bool may_lack_year() const noexcept { return may_lack_year_; }
  bool may_lack_zone() const noexcept { return !always_utc_ && !is_epoch(); }

  /// Parts of the line are valid as long as it is, and until the next call.
  std::optional<WrittenTime> read(std::string_view line);

 private:
  enum class Part : std::size_t {
    year,
    short_year,
    month,
    month_name,
    day,
    day_of_year,
    week,
    weekday,
    hour,
    half_day,
    minute,
    second,
    fraction,
    zone,
    zone_minutes,
    epoch,
    tai,
    level,
    priority,
    count
  };
  TimePattern(std::string const& pattern, bool always_utc);
  bool is_epoch() const noexcept { return group(Part::epoch) != 0 || group(Part::tai) != 0; }
  std::size_t group(Part part) const noexcept { return groups_[static_cast<std::size_t>(part)]; }
  std::string_view text(std::string_view line, Part part) const noexcept {
    return pattern_.group(line, group(part));
  }
  std::optional<int> number(std::string_view line, Part part) const noexcept;
  bool take_date(std::string_view line, WrittenTime& found) const;
  void take_clock(std::string_view line, CivilTime& time) const;

  TextPattern pattern_;
  std::array<std::size_t, static_cast<std::size_t>(Part::count)> groups_{};
  bool always_utc_;
  bool may_lack_year_ = true;
  std::string plain_{};  ///< The start of a line without colours.
};

}  // namespace stele::cli
