#include "client-lib/cli/times/line_clock.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>
#include <vector>

#include "client-lib/cli/text/text_pattern.hpp"
#include "client-lib/cli/text/text_scanner.hpp"
#include "client-lib/cli/times/civil_time.hpp"
#include "client-lib/cli/times/time_forms.hpp"
#include "client-lib/cli/usage_error.hpp"

namespace stele::cli {
namespace {

constexpr std::size_t detection_lines_max = 200;
// An entry of a log may have many lines; a text may have a time by chance.
constexpr std::size_t lines_for_one_time_max = 50;

std::vector<std::string_view> first_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty() && lines.size() < detection_lines_max) {
    auto const end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  return lines;
}

// The first is that of most lines.
constexpr std::size_t forms_of_a_log_max = 4;

/// Forms that are a time wherever they stand: the names of containers, numbers of lines, brackets,
/// markup may stand before.
constexpr std::array<std::string_view, 13> forms_within{
    "rfc5424", "iso", "fortinet",   "syslog-year", "cisco",        "syslog", "slash",
    "date",    "clf", "dash-month", "java-util",   "epoch-member", "rfc2822"};
constexpr auto within_pattern = R"([^\n]{0,200}?(?<![\w/.:+-]))";

/// Orders of a date of three numbers.
constexpr std::array<std::string_view, 3> vague_forms{"month-first", "day-first", "year-first"};
/// Of each order, which of the lines begin with a date of it.
using VagueLines = std::array<std::vector<bool>, vague_forms.size()>;

bool is_any(VagueLines const& orders, std::size_t line) {
  return std::ranges::any_of(orders, [line](auto const& lines) { return bool{lines[line]}; });
}

// `#Fields: date time c-ip …`.
bool has_w3c_header(std::vector<std::string_view> const& lines) {
  return std::ranges::any_of(lines, [](std::string_view line) {
    return line.starts_with("#Fields:") && line.find("date") != line.npos &&
           line.find("time") != line.npos;
  });
}

// A number is a time only if it is one of these days.
bool is_likely(std::optional<WrittenTime> const& written, std::uint64_t latest_us) {
  if (!written) return false;
  auto const& number = written->epoch_us;
  return !number || (*number >= first_log_us && *number <= latest_us + day_us);
}

std::vector<bool> likely_lines(TimePattern& pattern, std::vector<std::string_view> const& lines,
                               std::uint64_t latest_us) {
  std::vector<bool> likely;
  for (auto const line : lines) likely.push_back(is_likely(pattern.read(line), latest_us));
  return likely;
}

VagueLines vague_lines(std::string_view text, std::uint64_t latest_us) {
  auto const lines = first_lines(text);
  VagueLines orders;
  for (std::size_t i = 0; i < orders.size(); ++i) {
    auto pattern = TimePattern::of_form(find_time_form(vague_forms[i])->pattern);
    orders[i] = likely_lines(pattern, lines, latest_us);
  }
  return orders;
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
  assumed_.date_is_impossible = false;
  if (written.epoch_us) return written.epoch_us;
  auto& civil = written.civil;
  if (!written.has_year) choose_year(civil);
  assumed_.date_is_impossible = !exists(civil);
  if (assumed_.date_is_impossible) return std::nullopt;
  if (!written.has_year) {
    assumed_.add({.first_year = civil.year, .last_year = civil.year});
  }
  auto zone = written.zone;
  while (zone.starts_with(' ') || zone.starts_with('[') || zone.starts_with('(')) {
    zone.remove_prefix(1);
  }
  if (zone.ends_with(']') || zone.ends_with(')')) zone.remove_suffix(1);
  return time_in(zone, civil);
}

std::optional<std::uint64_t> LineClock::time_in(std::string_view zone, CivilTime const& civil) {
  if (!zone.empty() && zone_.has_name(civil, zone)) {
    return zone_.time_us(civil, previous_us_, zone);
  }
  if (auto const offset_seconds = zone_offset_seconds(zone)) {
    return utc_time_us(civil, *offset_seconds);
  }
  if (zone.find('/') != zone.npos) {
    auto region = regions_.find(zone);
    if (region == regions_.end()) {
      std::string const name{zone};
      std::optional<LocalZone> known;
      if (is_time_zone(name)) known.emplace(name);
      region = regions_.emplace(name, std::move(known)).first;
    }
    if (region->second) return region->second->time_us(civil, previous_us_);
  }
  assumed_.zone = true;
  return zone_.time_us(civil, previous_us_);
}

void LineClock::choose_year(CivilTime& time) {
  if (!first_year_) {
    FirstYear chooser;
    chooser.add(time);
    first_year_ = chooser.before(latest_us_);
  }
  time.year = first_year_.value_or(1970) + years_.of(time);
  if (time.month != 2 || time.day != 29 || first_year_is_sure_) return;
  // The log says so: what was taken for its first year was wrong.
  while (!std::chrono::year{time.year}.is_leap()) {
    --time.year;
    --*first_year_;
  }
}

void LineClock::Assumed::add(Assumed const& other) noexcept {
  zone = zone || other.zone;
  if (other.first_year) {
    first_year = std::min(first_year.value_or(*other.first_year), *other.first_year);
  }
  if (other.last_year) {
    last_year = std::max(last_year.value_or(*other.last_year), *other.last_year);
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

std::vector<LineClock> ClockFinder::find_clocks(std::string_view text, std::uint64_t latest_us) {
  auto const forms = time_forms();
  if (at_start_.empty()) {
    for (auto const& form : forms) {
      at_start_.push_back(TimePattern::of_form(form.pattern, form.always_utc));
    }
  }
  auto const lines = first_lines(text);
  std::vector<std::vector<bool>> matches(forms.size());
  for (std::size_t i = 0; i < forms.size(); ++i) {
    if (!forms[i].only_by_name) matches[i] = likely_lines(at_start_[i], lines, latest_us);
  }
  std::vector<LineClock> clocks;
  std::vector<bool> dated(lines.size());
  while (clocks.size() < forms_of_a_log_max) {
    std::size_t best = forms.size();
    // A second form is no chance only if several lines have it.
    auto most = lines.size() / lines_for_one_time_max + (clocks.empty() ? 0U : 1U);
    for (std::size_t i = 0; i < forms.size(); ++i) {
      std::size_t count = 0;
      for (std::size_t k = 0; k < matches[i].size(); ++k) count += matches[i][k] && !dated[k];
      if (count <= most) continue;
      most = count;
      best = i;
    }
    if (best == forms.size()) break;
    for (std::size_t k = 0; k < lines.size(); ++k) dated[k] = dated[k] || matches[best][k];
    bool const is_w3c = forms[best].name == "iso" && has_w3c_header(lines);
    clocks.push_back(line_clock_of(is_w3c ? w3c_form : forms[best].name, latest_us));
  }
  return clocks;
}

std::optional<LineClock> ClockFinder::find_clock(std::string_view text, std::uint64_t latest_us) {
  auto clocks = find_clocks(text, latest_us);
  if (!clocks.empty()) return std::move(clocks.front());
  return std::nullopt;
}

std::optional<std::uint64_t> ClockFinder::find_first_time(std::string_view text,
                                                          std::uint64_t latest_us,
                                                          std::size_t lines_max) {
  auto lines = first_lines(text);
  lines.resize(std::min(lines.size(), lines_max));
  for (auto const line : lines) {
    auto clock = find_clock(line, latest_us);
    if (auto const moment = clock ? clock->find(line) : std::nullopt) return moment->time_us;
  }
  return std::nullopt;
}

// Where the numbers of a date could be either, lines that are dates in one order alone show which.
std::optional<LineClock> ClockFinder::find_vague_clock(std::string_view text,
                                                       std::uint64_t latest_us) {
  auto const orders = vague_lines(text, latest_us);
  std::array<std::size_t, vague_forms.size()> missed{};
  for (std::size_t k = 0; k < orders[0].size(); ++k) {
    if (!is_any(orders, k)) continue;
    for (std::size_t i = 0; i < orders.size(); ++i) missed[i] += !orders[i][k];
  }
  auto const is_date = [&](auto const& lines) { return std::ranges::count(lines, true) > 0; };
  if (std::ranges::none_of(orders, is_date) || std::ranges::count(missed, 0U) != 1) {
    return std::nullopt;
  }
  auto const which = std::ranges::find(missed, 0U) - missed.begin();
  return line_clock_of(vague_forms[static_cast<std::size_t>(which)], latest_us);
}

bool ClockFinder::is_vague(std::string_view text) {
  auto const orders = vague_lines(text, now_us_);
  std::size_t count = 0;
  for (std::size_t k = 0; k < orders[0].size(); ++k) count += is_any(orders, k);
  return count * 2 > orders[0].size();
}

bool ClockFinder::has_times_of_day(std::string_view text) {
  auto lines = first_lines(text);
  std::erase_if(lines, is_blank);
  auto const clock = TextPattern::of_bytes(
      R"([^\n]{0,120}?(?<![\w:.])\d{1,2}(?<sep>[:.])\d\d\k<sep>\d\d(?![\w:]))");
  auto const count =
      std::ranges::count_if(lines, [&clock](auto line) { return clock.matches(line); });
  return static_cast<std::size_t>(count) * 2 > lines.size();
}

std::optional<LineClock> ClockFinder::find_clock_within(std::string_view text,
                                                        std::uint64_t latest_us) {
  auto lines = first_lines(text);
  std::erase_if(lines, is_blank);
  auto most = lines.size() / 2;
  std::optional<LineClock> found;
  for (auto const name : forms_within) {
    auto const* const form = find_time_form(name);
    auto pattern = TimePattern::of_form(within_pattern + std::string{form->pattern});
    auto const likely = likely_lines(pattern, lines, latest_us);
    auto const count = static_cast<std::size_t>(std::ranges::count(likely, true));
    if (count <= most) continue;
    most = count;
    found.emplace(std::move(pattern), std::string{name} + " within the line", latest_us);
  }
  return found;
}

std::optional<std::uint64_t> ClockFinder::time_of(std::string_view text) {
  if (auto const number = epoch_us_of_number(text)) return number;
  if (whole_.empty()) {
    for (auto const* alone : {R"(%F\s*$)", R"(%d/%b/%Y[: ]%T%f(?: ?%z)?\s*$)"}) {
      whole_.push_back({TimePattern::of_form(alone), "", now_us_});
    }
    for (auto const& form : time_forms()) {
      if (form.only_by_name) continue;
      auto const pattern = "(?:" + std::string{form.pattern} + R"()(?: \([^()]*\))?\s*$)";
      whole_.push_back({TimePattern::of_form(pattern, form.always_utc), "", now_us_});
    }
  }
  if (first_year_) {
    for (auto& clock : whole_) clock.set_first_year(*first_year_, true);
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

LineClock::Assumed ClockFinder::assumed() const noexcept {
  LineClock::Assumed all;
  for (auto const& clock : whole_) all.add(clock.assumed());
  return all;
}

std::string_view ClockFinder::refined(std::string_view form, std::string_view text) {
  if (form != "syslog") return form;
  auto clock = line_clock_of(form, now_us_);
  auto fuller = line_clock_of(syslog_with_year, now_us_);
  std::size_t count = 0;
  std::size_t fuller_count = 0;
  for (auto const line : first_lines(text)) {
    if (clock.read(line)) ++count;
    if (fuller.read(line)) ++fuller_count;
  }
  return fuller_count > count / 2 ? syslog_with_year : form;
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
