#include "client-lib/cli/times/line_clock.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "client-lib/cli/given_options.hpp"
#include "client-lib/cli/time_units.hpp"
#include "client-lib/cli/times/time_forms.hpp"

namespace stele::cli {
namespace {

constexpr std::size_t detection_lines_max = 200;
// An entry of a log may have many lines; a text may have a time by chance.
constexpr std::size_t lines_for_one_time_max = 50;
constexpr std::uint64_t first_log_us = 631'152'000 * second_us;  // 1990.

std::vector<std::string_view> first_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty() && lines.size() < detection_lines_max) {
    auto const end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  return lines;
}

// A number is a time only if it is one of these days.
bool is_likely(std::optional<WrittenTime> const& written, std::uint64_t latest_us) {
  if (!written) return false;
  auto const& number = written->epoch_us;
  return !number || (*number >= first_log_us && *number <= latest_us + day_us);
}

}  // namespace

LineClock::LineClock(TimePattern pattern, std::string name, std::uint64_t latest_us)
    : pattern_(std::move(pattern)), name_(std::move(name)), latest_us_(latest_us) {}

std::optional<LineClock::Moment> LineClock::find(std::string_view line) {
  auto const written = pattern_.read(line);
  if (!written) return std::nullopt;
  auto const time = time_of(*written);
  if (!time || *time > time_us_max) return std::nullopt;
  previous_us_ = time;
  return Moment{.time_us = *time, .level = written->level};
}

std::optional<std::uint64_t> LineClock::time_of(WrittenTime written) {
  if (written.epoch_us) return written.epoch_us;
  if (!written.has_year) choose_year(written.civil);
  if (!exists(written.civil)) return std::nullopt;
  auto const zone = written.zone.starts_with(' ') ? written.zone.substr(1) : written.zone;
  if (zone.empty() || zone_.has_name(written.civil, zone)) {
    return zone_.time_us(written.civil, previous_us_, zone);
  }
  auto const offset_seconds = zone_offset_seconds(zone);
  if (offset_seconds) return utc_time_us(written.civil, *offset_seconds);
  return zone_.time_us(written.civil, previous_us_);
}

void LineClock::choose_year(CivilTime& time) {
  if (!first_year_) {
    FirstYear chooser;
    chooser.add(time);
    first_year_ = chooser.before(latest_us_);
  }
  time.year = first_year_.value_or(1970) + years_.of(time);
  if (time.month != 2 || time.day != 29) return;
  // The log says so: what was taken for its first year was wrong.
  while (!std::chrono::year{time.year}.is_leap()) {
    --time.year;
    --*first_year_;
  }
}

LineClock line_clock_of(std::string_view format, std::uint64_t latest_us) {
  std::string name{format};
  if (auto const* const form = find_time_form(format)) {
    return {TimePattern::of_form(form->pattern, form->always_utc), std::move(name), latest_us};
  }
  if (format.find('%') == format.npos) {
    throw UsageError{"unknown form of time '" + name + "'",
                     "forms are " + std::string{time_form_names} +
                         "; auto, none, or a strptime format such as '%Y-%m-%d %H:%M:%S'"};
  }
  return {TimePattern::of_format(format), std::move(name), latest_us};
}

std::optional<LineClock> ClockFinder::find_clock(std::string_view text, std::uint64_t latest_us) {
  auto const forms = time_forms();
  if (at_start_.empty()) {
    for (auto const& form : forms) {
      at_start_.push_back(TimePattern::of_form(form.pattern, form.always_utc));
    }
  }
  auto const lines = first_lines(text);
  TimeForm const* best = nullptr;
  std::size_t most = lines.size() / lines_for_one_time_max;
  for (std::size_t i = 0; i < forms.size(); ++i) {
    if (forms[i].only_by_name) continue;
    auto const count =
        static_cast<std::size_t>(std::ranges::count_if(lines, [&](std::string_view line) {
          return is_likely(at_start_[i].read(line), latest_us);
        }));
    if (count <= most) continue;
    most = count;
    best = &forms[i];
  }
  if (best == nullptr) return std::nullopt;
  return line_clock_of(best->name, latest_us);
}

std::optional<std::uint64_t> ClockFinder::time_of(std::string_view text) {
  if (auto const number = epoch_us_of_number(text)) return number;
  if (whole_.empty()) {
    for (auto const* alone : {R"(%F\s*$)", R"(%d/%b/%Y[: ]%T%f(?: ?%z)?\s*$)"}) {
      whole_.push_back({TimePattern::of_form(alone), "", now_us_});
    }
    for (auto const& form : time_forms()) {
      if (form.only_by_name) continue;
      auto const pattern = "(?:" + std::string{form.pattern} + R"()\s*$)";
      whole_.push_back({TimePattern::of_form(pattern, form.always_utc), "", now_us_});
    }
  }
  // Times of one log are alike: the form of the last one is tried first.
  for (std::size_t i = 0; i < whole_.size(); ++i) {
    auto const at = (last_whole_ + i) % whole_.size();
    if (auto const moment = whole_[at].find(text)) {
      last_whole_ = at;
      return moment->time_us;
    }
  }
  return std::nullopt;
}

std::optional<LineClock::Moment> first_moment(LineClock& clock, std::string_view text) {
  for (auto const line : first_lines(text)) {
    if (auto const moment = clock.find(line)) return moment;
  }
  return std::nullopt;
}

bool lacks_years(LineClock& clock, std::string_view text) {
  return std::ranges::any_of(first_lines(text), [&clock](std::string_view line) {
    auto const written = clock.read(line);
    return written && !written->has_year && !written->epoch_us;
  });
}

}  // namespace stele::cli
