#include "client-lib/cli/times/year_chooser.hpp"

#include <chrono>
#include <tuple>

#include "client-lib/cli/times/civil_time.hpp"

namespace stele::cli {
namespace {

constexpr int leap_year = 2000;
constexpr std::int64_t seconds_per_day = 86'400;
constexpr std::int64_t seconds_per_leap_year = 366 * seconds_per_day;
constexpr std::int64_t back_seconds_max = 31 * seconds_per_day;

std::int64_t seconds_of_year(CivilTime const& time) noexcept {
  auto const days =
      days_since_epoch(leap_year, time.month, time.day) - days_since_epoch(leap_year, 1, 1);
  return days * seconds_per_day + time.hour * 3'600 + time.minute * 60 + time.second;
}

}  // namespace

int YearSteps::of(CivilTime const& time) noexcept {
  auto const seconds = seconds_of_year(time);
  if (last_seconds_) {
    auto const step = seconds - *last_seconds_;
    if (step < -seconds_per_leap_year / 2) ++years_;
    if (step > seconds_per_leap_year - back_seconds_max) --years_;
  }
  last_seconds_ = seconds;
  return years_;
}

void FirstYear::add(CivilTime const& time) noexcept {
  auto later = time;
  later.year = steps_.of(time);
  if (later.month == 2 && later.day == 29) leap_ = later.year;
  auto const key = [](CivilTime const& t) {
    return std::tuple(t.year, t.month, t.day, t.hour, t.minute, t.second);
  };
  if (!last_ || key(*last_) < key(later)) last_ = later;
}

bool FirstYear::fits(int first_year, std::uint64_t latest_us) const noexcept {
  if (leap_ && !std::chrono::year{first_year + *leap_}.is_leap()) return false;
  auto last = *last_;
  last.year += first_year;
  if (!exists(last)) return false;
  // The zone may put it up to a day before or after.
  auto const time_us = utc_time_us(last, 0);
  return time_us && *time_us <= latest_us + day_us;
}

std::optional<int> FirstYear::before(std::uint64_t latest_us) const noexcept {
  if (!last_) return std::nullopt;
  using namespace std::chrono;
  sys_days const latest{floor<days>(sys_time<microseconds>{microseconds{latest_us}})};
  int const guess = static_cast<int>(year_month_day{latest}.year()) + 1 - last_->year;
  // Leap years are at most eight years apart.
  for (int year = guess; year > guess - 12; --year) {
    if (fits(year, latest_us)) return year;
  }
  return guess - 1;
}

}  // namespace stele::cli
