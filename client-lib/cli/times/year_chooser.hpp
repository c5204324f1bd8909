// The years of dates that are written without one.
#pragma once

#include <cstdint>
#include <optional>

#include "client-lib/cli/times/civil_time.hpp"

namespace stele::cli {

/// From one date to the next, a year begins where the step back would be of more than half a year;
/// and a step over the end of the year is one back if that is of a month at most. Thus lines may be
/// a little out of order around a new year.
class YearSteps {
 public:
  /// Years since the first date; the date must exist in a leap year.
  int of(CivilTime const& time) noexcept;

 private:
  int years_ = 0;
  std::optional<std::int64_t> last_seconds_{};  ///< Since the start of the year.
};

/// The first year of a log, from all its dates: the latest in which none is more than a day after
/// `latest_us`, and in which each 29 February exists.
class FirstYear {
 public:
  void add(CivilTime const& time) noexcept;
  /// Nothing if there was no date.
  std::optional<int> before(std::uint64_t latest_us) const noexcept;

 private:
  bool fits(int first_year, std::uint64_t latest_us) const noexcept;

  YearSteps steps_{};
  std::optional<CivilTime> last_{};  ///< The latest; its year counts from 0.
  std::optional<int> leap_{};        ///< A year with a 29 February, counted from 0.
};

}  // namespace stele::cli
