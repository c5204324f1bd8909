#include "client-lib/cli/times/time_pattern.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <ctime>

#include "client-lib/cli/text/text_scanner.hpp"
#include "client-lib/cli/times/civil_time.hpp"
#include "client-lib/cli/usage_error.hpp"

namespace stele::cli {
namespace {

using DayCount = std::chrono::days;
using DayPoint = std::chrono::sys_days;

// A time is near the start of a line; the rest of a long one is not looked at.
constexpr std::size_t searched_bytes_max = 512;

// As Part; names of groups.
constexpr std::array group_names{"Y", "y", "m", "b", "d",    "j", "V",   "u",     "H",       "p",
                                 "M", "S", "f", "z", "east", "s", "tai", "level", "priority"};

struct Expansion {
  char letter;
  std::string_view pattern;  ///< May hold further letters.
};

constexpr std::array expansions{
    Expansion{'Y', R"((?<Y>\d{4}))"},
    Expansion{'y', R"((?<y>\d\d))"},
    Expansion{'m', R"((?<m>\d{1,2}))"},
    Expansion{'b', R"((?i:(?<b>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?))"},
    Expansion{'B', "%b"},
    Expansion{'h', "%b"},
    Expansion{'d', R"((?<d> ?\d{1,2}))"},
    Expansion{'e', "%d"},
    Expansion{'j', R"((?<j>\d{1,3}))"},
    Expansion{'V', R"((?<V>\d\d))"},
    Expansion{'a', "(?i:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*)"},
    Expansion{'A', "%a"},
    Expansion{'H', R"((?<H> ?\d{1,2}))"},
    Expansion{'k', "%H"},
    Expansion{'I', "%H"},
    Expansion{'l', "%H"},
    // Unicode's texts of times have a narrow blank that does not break before AM.
    Expansion{'p', R"((?: |\xc2\xa0|\xe2\x80\xaf)?(?<p>[AaPp])(?:[Mm]|\.[Mm]\.)(?![\w.-]))"},
    Expansion{'M', R"((?<M>\d\d))"},
    Expansion{'S', R"((?<S>\d\d)(?!\d))"},
    // In a list with commas what comes next is another member, unless it is milliseconds.
    Expansion{'f', R"((?|\.(?<f>\d+)|,(?<f>\d{3}|\d{1,9}(?![\d,]))(?!\d)|)"
                   R"(:(?<f>\d{3})(?![\d:.]))?)"},
    Expansion{'s', R"((?<s>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?!\w))"},
    Expansion{'D', "%m/%d/%y"},
    Expansion{'F', "%Y-%m-%d"},
    Expansion{'R', "%H:%M"},
    Expansion{'T', "%H:%M:%S"},
    Expansion{'r', "%I:%M:%S %p"},
    Expansion{'c', R"(%a %b +%d %T %Y)"},
    Expansion{'n', R"(\s*)"},
    Expansion{'t', R"(\s*)"},
    Expansion{'%', "%%"},
};

// Of forms alone. In text before a level there are at most four words or brackets.
constexpr std::string_view any_level_words =
    "trace|debug|dbg|info(?:rmation(?:al)?)?|inf|notice|note|log|warn(?:ing)?|wrn|err(?:or)?|"
    "severe|crit(?:ical)?|fatal|ftl|alert|emerg(?:ency)?|panic|verbose|vrb|fine(?:r|st)?|config";
constexpr std::string_view upper_case_levels =
    "TRACE|DEBUG[1-5]?|DBG|INFO|INFORMATION|INF|NOTICE|NOTE|LOG|WARN|WARNING|WRN|ERR|ERROR|"
    "SEVERE|CRIT|CRITICAL|FATAL|FTL|ALERT|EMERG|EMERGENCY|PANIC|VERBOSE|FINE|FINER|FINEST|CONFIG";
// What PostgreSQL writes with `lc_messages` of another language.
constexpr std::string_view translated_levels =
    "PANIK|FEHLER|WARNUNG|HINWEIS|ERREUR|ATTENTION|ADVERTENCIA|ERRORE|ATTENZIONE|ERRO|AVISO";
constexpr std::string_view to_level_pattern =
    R"(["'\])]*(?|)"
    R"(:?\s+(?:\d+\s+){0,2}(?<level>[DIWEFTV])(?=/\w|\s+(?:\||\[|[A-Z]{3}|[\w.-]+[/:]))|)"
    R"(,\s+(?<level>(?i:%u))\s\s|%G|)"
    // libvirt; ESXi's hostd and its kernel.
    R"(: \d+: (?<level>%u) : |)"
    R"( (?<level>%u|trivia) [\w.-]+\[\d+\]|)"
    R"( cpu\d+:\d+(?: \S+)?\)(?<level>WARNING|ALERT): |)"
    R"([^"]{0,80}(?:"[^"]*"[^"]{0,80}){0,6}?,(?<level>%U),[\dA-Z]{5},|)"
    R"((?:[\s:,|-]*+(?:\[[^\]\[]*\]|\([^()]*\)|[^\s\[(]++)){0,4}?[\s:,|-]*+)"
    R"((?|(?<![\w/.=])(?<level>%U)(?![\w=])|(?<![\w/.=])(?<level>%O)(?=: )|)"
    R"(\[\s*(?<level>(?i:%u))\s*\]|<(?<level>(?i:%u))>|)"
    R"(\b(?<level>(?i:%u)): |(?i:level|lvl|severity)=["']?(?<level>[\w+-]+)|)"
    R"(\w+\.(?<level>%U): |PHP (?<level>\w+))))";
// As syslog daemons of busybox and BSD write them: `daemon.err`, `<kern.info>`.
constexpr std::string_view facility_pattern =
    R"( <?(?:kern|user|mail|daemon|auth|syslog|lpr|news|uucp|cron|authpriv|ftp|security|)"
    R"(console|local[0-7])\.(?<level>(?i:%u))(?=[\s>:]))";

// Around a date of three numbers: brackets, `ausearch -i`, members of a list; WebSphere's thread
// and logger before its level.
constexpr std::string_view before_numbers_pattern =
    R"((?:\[|(?:node=\S+ )?type=\S+ msg=audit\(|[A-Z]\w+,|\d{1,4},)?)";
constexpr std::string_view behind_numbers_pattern =
    R"((?:,? |,)%C(?: ?%z)?(?|\] [\da-f]{8} \S+ +(?<level>[FEWID]) |%L)?)";

// Four numbers with dots are an address.
std::string const dotted_pattern = R"(%H\.%M\.%S(?!\.\d{1,3}(?!\d)))";
constexpr std::string_view weekday_pattern = "(?<u>[1-7])";
// A date by month, by day of the year or by week.
std::string const iso_pattern =
    R"(%Y-(?:%m-%d|(?<j>\d{3})|W%V-(?<u>[1-7])))"
    R"((?:[Tt_\t]|,? {1,2}|\]\[|,?(?:\xc2\xa0|\xe2\x80\xaf)|-(?=\d\d\.\d\d\.))(?|%R)"
    R"((?::%S%f|(?![\d:]))|)" +
    dotted_pattern + R"(%f)(?:%p)?(?:%z)?)";

std::string expand(std::string_view text, bool is_form);

// `Z`, an offset, an abbreviation, `UTC+2` or `Europe/Berlin`, where no word or number goes on
// behind it. PostgreSQL writes ` -03 [9]` where a zone has no abbreviation.
std::string zone_pattern() {
  std::string names{zone_names_pattern()};
  for (auto const* name : {::tzname[0], ::tzname[1]}) {
    std::string_view const local = name;
    bool const is_word =
        local.size() > 2 && std::ranges::all_of(local, [](char c) { return c >= 'A' && c <= 'Z'; });
    if (is_word) names += '|' + std::string{local};
  }
  std::string const offset = R"([+-](?:(?:0\d|1[0-4])(?::?[0-5]\d)?|\d(?::[0-5]\d)?)(?![\w:.]))"
                             R"(|[+-](?:0\d|1[0-4]):?[0-5]\d(?=:\s))";
  return R"((?:(?<z>[Zz](?![\w:])|)" + offset + R"(| ?(?:UTC|GMT)(?:)" + offset +
         R"()| [+-](?:0\d|1[0-4]):?(?:00|15|30|45)(?![\w:.])| [+-](?:0\d|1[0-4])(?= \[)|)"
         R"( (?:[A-Z][A-Za-z_]+/){1,2}[A-Z][\w+-]+(?![\w/])| ?[\[(](?:UTC|GMT)[\])]| ?(?:)" +
         names + R"()(?![\w/-]|\+\d|\.\w))))";
}

std::string expand_letter(char letter, bool is_form) {
  auto const* const found = std::ranges::find(expansions, letter, &Expansion::letter);
  if (letter == '%') return "%";
  if (found != expansions.end()) return expand(found->pattern, true);
  if (letter == 'z' || letter == 'Z')
    return is_form ? zone_pattern() : ' ' + ("?" + zone_pattern());
  if (is_form && letter == 'i') return expand(iso_pattern, true);
  if (is_form && letter == 'C') return expand("(?|%T|" + dotted_pattern + ")%f(?:%p)?", true);
  if (is_form && letter == 'O') return std::string{translated_levels};
  if (!is_form && letter == 'G') return expand("%Y", true);
  if (!is_form && letter == 'u') return std::string{weekday_pattern};
  if (is_form && letter == 'u') return std::string{any_level_words};
  if (is_form && letter == 'U') return std::string{upper_case_levels};
  if (is_form && letter == 'w') return expand("(?<level>(?i:%u))", true);
  if (is_form && letter == 'L') return expand(to_level_pattern, true);
  if (is_form && letter == 'G') return expand(facility_pattern, true);
  if (is_form && letter == 'N') return std::string{before_numbers_pattern};
  if (is_form && letter == 'Q') return expand(behind_numbers_pattern, true);
  throw UsageError{
      std::string{"--time: %"} + letter + " is not understood",
      "%Y %y %m %b %d %j %G %V %u %H %I %p %M %S %f %z %s %F %T %D %R %a, as for strptime"};
}

// Outside of a form, what is no letter of strptime stands for itself, and a blank for any number.
std::string expand(std::string_view text, bool is_form) {
  std::string pattern;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char const c = text[i];
    if (c == '%') {
      pattern += expand_letter(i + 1 < text.size() ? text[++i] : '\0', is_form);
    } else if (is_form) {
      pattern += c;
    } else if ((c == '.' || c == ',' || c == ':') && text.substr(i + 1).starts_with("%f")) {
      continue;  // A part of %f.
    } else if (c == ' ') {
      pattern += R"(\s*)";
    } else {
      bool const is_plain = is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                            static_cast<unsigned char>(c) >= 0x80;
      if (!is_plain) pattern += '\\';
      pattern += c;
    }
  }
  return pattern;
}

// Digits below the microsecond are dropped.
std::uint64_t fraction_us_of(std::string_view digits) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 6; ++i) {
    value = value * 10 + (i < digits.size() ? static_cast<std::uint64_t>(digits[i] - '0') : 0);
  }
  return value;
}

// Of multilog and s6-log: seconds of TAI in hexadecimal digits, and nanoseconds. Both take TAI for
// ten seconds ahead of UTC.
std::optional<std::uint64_t> epoch_us_of_tai(std::string_view label) noexcept {
  constexpr std::uint64_t epoch_seconds = (std::uint64_t{1} << 62U) + 10;
  constexpr std::size_t second_digits = 16;
  std::uint64_t seconds = 0;
  std::uint64_t nanoseconds = 0;
  auto const* const middle = label.data() + second_digits;
  std::from_chars(label.data(), middle, seconds, 16);
  std::from_chars(middle, label.data() + label.size(), nanoseconds, 16);
  if (seconds < epoch_seconds || nanoseconds >= second_us * 1000) return std::nullopt;
  if (seconds - epoch_seconds > time_us_max / second_us) return std::nullopt;
  return (seconds - epoch_seconds) * second_us + nanoseconds / 1000;
}

void take_day(DayPoint day, CivilTime& civil) noexcept {
  std::chrono::year_month_day const date{day};
  civil.year = static_cast<int>(date.year());
  civil.month = static_cast<int>(static_cast<unsigned>(date.month()));
  civil.day = static_cast<int>(static_cast<unsigned>(date.day()));
}

/// Of ISO 8601's weeks of a year: the first one has its fourth of January.
DayPoint first_monday(int year) noexcept {
  DayPoint const day = std::chrono::year{year} / 1 / 4;
  return day - (std::chrono::weekday{day} - std::chrono::Monday);
}

void append_without_colours(std::string& out, std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b' && i + 1 < text.size() && text[i + 1] == '[') {
      i = std::min(text.find_first_not_of("0123456789;", i + 2), text.size());
    } else {
      out += text[i];
    }
  }
}

}  // namespace

std::optional<std::uint64_t> epoch_us_of_number(std::string_view number) {
  TextScanner scanner{number};
  std::string digits;
  std::ptrdiff_t point = 0;  // Where it stands in `digits`.
  bool after_point = false;
  for (; !scanner.at_end(); scanner.take(scanner.rest().substr(0, 1))) {
    char const c = scanner.rest().front();
    if (c == '.' && !after_point && !digits.empty()) {
      after_point = true;
      continue;
    }
    if (!is_digit(c)) break;
    digits += c;
    if (!after_point) ++point;
  }
  if (digits.empty() || (after_point && point == static_cast<std::ptrdiff_t>(digits.size()))) {
    return std::nullopt;
  }
  if (scanner.take("e") || scanner.take("E")) {
    bool const smaller = scanner.take("-");
    if (!smaller) scanner.take("+");
    auto const exponent = scanner.take_number();
    if (!exponent || *exponent > 30) return std::nullopt;
    point +=
        smaller ? -static_cast<std::ptrdiff_t>(*exponent) : static_cast<std::ptrdiff_t>(*exponent);
  }
  if (!scanner.at_end() || point > 30) return std::nullopt;
  auto const leading = std::min(digits.find_first_not_of('0'), digits.size());
  digits.erase(0, leading);
  point -= static_cast<std::ptrdiff_t>(leading);
  // Until the year 5138 the sizes do not overlap, from 1973 on.
  auto const unit_digits = point <= 11 ? 6 : point <= 14 ? 3 : point <= 17 ? 0 : -3;
  auto const kept = point + unit_digits;
  if (kept <= 0) return digits.empty() ? std::optional<std::uint64_t>{0} : std::nullopt;
  if (kept > 18) return std::nullopt;
  digits.resize(static_cast<std::size_t>(kept), '0');
  std::uint64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (value > time_us_max) return std::nullopt;
  return value;
}

TimePattern::TimePattern(std::string const& pattern, bool always_utc)
    : pattern_(TextPattern::of_bytes(pattern)), always_utc_(always_utc) {
  for (auto const* year : {R"((?<Y>\d{4}))", "(?<y>", "(?<s>", "(?<tai>"}) {
    if (pattern.find(year) != pattern.npos) may_lack_year_ = false;
  }
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    groups_[i] = pattern_.group_number(group_names[i]);
  }
}

TimePattern TimePattern::of_format(std::string_view format) {
  bool const anywhere = format.starts_with('*');
  if (anywhere) format.remove_prefix(1);
  TimePattern made{(anywhere ? ".*?" : "") + expand(format, false), false};
  bool const has_month = made.group(Part::month) != 0 || made.group(Part::month_name) != 0;
  bool const has_day = made.is_epoch() || (has_month && made.group(Part::day) != 0) ||
                       (made.group(Part::day_of_year) != 0 && made.group(Part::year) != 0) ||
                       (made.group(Part::week) != 0 && made.group(Part::weekday) != 0 &&
                        made.group(Part::year) != 0);
  if (!has_day) {
    throw UsageError{"--time: '" + std::string{format} + "' has no day",
                     "a month and a day, or %s, belong to a time: '%b %d %H:%M:%S'"};
  }
  return made;
}

TimePattern TimePattern::of_form(std::string_view form, bool always_utc) {
  return TimePattern{expand(form, true), always_utc};
}

std::optional<int> TimePattern::number(std::string_view line, Part part) const noexcept {
  auto digits = text(line, part);
  if (digits.starts_with(' ') || digits.starts_with('+')) digits.remove_prefix(1);
  int value = 0;
  auto const [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (ec != std::errc{}) return std::nullopt;
  return value;
}

bool TimePattern::take_date(std::string_view line, WrittenTime& found) const {
  auto& civil = found.civil;
  civil.year = 2000;  // A leap year: the day is checked again once the year is known.
  if (auto const year = number(line, Part::year)) {
    civil.year = *year;
    found.has_year = true;
  } else if (auto const short_year = number(line, Part::short_year)) {
    civil.year = *short_year + (*short_year < 69 ? 2000 : 1900);
    found.has_year = true;
  }
  if (auto const day = number(line, Part::day_of_year)) {
    int const year = civil.year;
    take_day(DayPoint{std::chrono::year{year} / 1 / 1} + DayCount{*day - 1}, civil);
    return *day > 0 && civil.year == year;
  }
  if (auto const week = number(line, Part::week)) {
    auto const monday = first_monday(civil.year) + DayCount{7 * (*week - 1)};
    bool const is_one = *week > 0 && monday < first_monday(civil.year + 1);
    take_day(monday + DayCount{number(line, Part::weekday).value_or(1) - 1}, civil);
    return is_one;
  }
  auto const name = text(line, Part::month_name);
  if (!name.empty()) {
    constexpr std::string_view months = "janfebmaraprmayjunjulaugsepoctnovdec";
    std::string lower{name};
    for (auto& c : lower) c = static_cast<char>(c | 0x20);
    civil.month = static_cast<int>(months.find(lower) / 3) + 1;
  } else {
    civil.month = number(line, Part::month).value_or(1);
  }
  civil.day = number(line, Part::day).value_or(1);
  return true;
}

void TimePattern::take_clock(std::string_view line, CivilTime& time) const {
  time.hour = number(line, Part::hour).value_or(0);
  time.minute = number(line, Part::minute).value_or(0);
  time.second = number(line, Part::second).value_or(0);
  time.fraction_us = fraction_us_of(text(line, Part::fraction));
  auto const half = text(line, Part::half_day);
  // `13:04:05 PM` has said it twice.
  if (half.empty() || time.hour < 1 || time.hour > 12) return;
  time.hour = time.hour % 12 + (half == "P" || half == "p" ? 12 : 0);
}

std::optional<WrittenTime> TimePattern::read(std::string_view line) {
  line = line.substr(0, searched_bytes_max);
  if (line.find('\x1b') != line.npos) {
    plain_.clear();
    append_without_colours(plain_, line);
    line = plain_;
  }
  if (!pattern_.matches(line)) return std::nullopt;
  WrittenTime found{.zone = text(line, Part::zone), .level = text(line, Part::level)};
  if (found.zone.empty() && always_utc_) found.zone = "Z";
  if (auto const priority = number(line, Part::priority)) {
    constexpr std::string_view severities = "01234567";
    if (*priority < 192)
      found.level = severities.substr(static_cast<std::size_t>(*priority % 8), 1);
  }
  if (is_epoch()) {
    auto const label = text(line, Part::tai);
    found.epoch_us =
        label.empty() ? epoch_us_of_number(text(line, Part::epoch)) : epoch_us_of_tai(label);
    if (!found.epoch_us) return std::nullopt;
    return found;
  }
  if (!take_date(line, found)) return std::nullopt;
  take_clock(line, found.civil);
  if (!exists(found.civil)) return std::nullopt;
  if (auto const minutes = number(line, Part::zone_minutes)) {
    auto const offset_seconds = std::int64_t{*minutes} * 60;
    found.epoch_us = utc_time_us(found.civil, offset_seconds);
    if (!found.epoch_us) return std::nullopt;
  }
  return found;
}

}  // namespace stele::cli
