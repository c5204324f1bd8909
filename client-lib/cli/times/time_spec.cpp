#include "client-lib/cli/times/time_spec.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <ctime>

#include "client-lib/cli/text/text_scanner.hpp"
#include "client-lib/cli/times/civil_time.hpp"

namespace stele::cli {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t us;
};

constexpr std::array units{
    Unit{"usec", 1},
    Unit{"us", 1},
    Unit{"msec", 1'000},
    Unit{"ms", 1'000},
    Unit{"seconds", second_us},
    Unit{"second", second_us},
    Unit{"sec", second_us},
    Unit{"s", second_us},
    Unit{"minutes", minute_us},
    Unit{"minute", minute_us},
    Unit{"min", minute_us},
    Unit{"m", minute_us},
    Unit{"hours", hour_us},
    Unit{"hour", hour_us},
    Unit{"hr", hour_us},
    Unit{"h", hour_us},
    Unit{"days", day_us},
    Unit{"day", day_us},
    Unit{"d", day_us},
    Unit{"weeks", 7 * day_us},
    Unit{"week", 7 * day_us},
    Unit{"w", 7 * day_us},
    Unit{"months", 2'629'800 * second_us},
    Unit{"month", 2'629'800 * second_us},
    Unit{"M", 2'629'800 * second_us},
    Unit{"years", 31'557'600 * second_us},
    Unit{"year", 31'557'600 * second_us},
    Unit{"y", 31'557'600 * second_us},
};

// Longer than any unit times any sensible count; keeps all arithmetic far from overflow.
constexpr std::uint64_t span_us_max = 10'000 * 366 * day_us;

// `1h 30min`: one or more numbers with units.
std::optional<std::uint64_t> take_span_us(TextScanner& scanner) {
  std::uint64_t total_us = 0;
  do {
    auto const number = scanner.take_number();
    if (!number) return std::nullopt;
    auto const fraction_us = scanner.take_fraction_us();
    if (!fraction_us) return std::nullopt;
    scanner.skip_blanks();
    auto const name = scanner.take_letters();
    auto const unit =
        std::find_if(units.begin(), units.end(), [name](Unit const& u) { return u.name == name; });
    if (unit == units.end() || *number > span_us_max / unit->us) return std::nullopt;
    auto const part = static_cast<long double>(*fraction_us) / second_us;
    total_us += *number * unit->us +
                static_cast<std::uint64_t>(std::llround(part * static_cast<long double>(unit->us)));
    if (total_us > span_us_max) return std::nullopt;
    scanner.skip_blanks();
  } while (!scanner.at_end() && is_digit(scanner.rest().front()));
  return total_us;
}

std::optional<std::uint64_t> parse_relative(std::string_view text, std::uint64_t now_us) {
  TextScanner scanner{text};
  bool const later = scanner.take("+");
  bool const earlier = !later && scanner.take("-");
  auto const span_us = take_span_us(scanner);
  if (!span_us) return std::nullopt;
  bool const ago = !later && !earlier && scanner.take("ago");
  if (!scanner.at_end() || !(later || earlier || ago)) return std::nullopt;
  if (later) return *span_us > UINT64_MAX - now_us ? UINT64_MAX : now_us + *span_us;
  return *span_us > now_us ? 0 : now_us - *span_us;
}

CivilTime start_of_today(std::uint64_t now_us) {
  auto const local = local_time_at(static_cast<std::int64_t>(now_us / second_us));
  return {.year = local.tm_year + 1900, .month = local.tm_mon + 1, .day = local.tm_mday};
}

// The day may be that before the first of a month, or behind the last.
std::optional<std::uint64_t> from_local(CivilTime const& time) {
  std::tm local{};
  local.tm_year = time.year - 1900;
  local.tm_mon = time.month - 1;
  local.tm_mday = time.day;
  local.tm_hour = time.hour;
  local.tm_min = time.minute;
  local.tm_sec = time.second;
  local.tm_isdst = -1;
  auto const seconds = std::int64_t{std::mktime(&local)};
  if (seconds < 0) return std::nullopt;
  return static_cast<std::uint64_t>(seconds) * second_us + time.fraction_us;
}

bool take_date(TextScanner& scanner, CivilTime& time) {
  auto const year = scanner.take_digits(4);
  if (!year || !scanner.take("-")) return false;
  auto const month = scanner.take_digits(2);
  if (!month || !scanner.take("-")) return false;
  auto const day = scanner.take_digits(2);
  if (!day) return false;
  time.year = *year;
  time.month = *month;
  time.day = *day;
  auto const date = std::chrono::year{*year} / *month / *day;
  return date.ok();
}

bool take_clock(TextScanner& scanner, CivilTime& time) {
  auto const hour = scanner.take_digits(2);
  if (!hour || *hour > 23 || !scanner.take(":")) return false;
  auto const minute = scanner.take_digits(2);
  if (!minute || *minute > 59) return false;
  time.hour = *hour;
  time.minute = *minute;
  if (!scanner.take(":")) return true;
  auto const second = scanner.take_digits(2);
  if (!second || *second > 59) return false;
  auto const fraction_us = scanner.take_fraction_us();
  if (!fraction_us) return false;
  time.second = *second;
  time.fraction_us = *fraction_us;
  return true;
}

std::optional<std::uint64_t> parse_civil(std::string_view text, std::uint64_t now_us) {
  TextScanner scanner{text};
  CivilTime time{};
  bool const clock_alone = text.size() > 2 && text[2] == ':';
  if (clock_alone) {
    time = start_of_today(now_us);
  } else {
    if (!take_date(scanner, time)) return std::nullopt;
    if (scanner.at_end()) return from_local(time);
    if (!scanner.take("T") && !scanner.take("t") && !scanner.take(" ")) return std::nullopt;
  }
  if (!take_clock(scanner, time)) return std::nullopt;
  if (scanner.at_end()) return from_local(time);
  if (clock_alone) return std::nullopt;
  auto const offset_seconds = zone_offset_seconds(scanner.rest());
  return offset_seconds ? utc_time_us(time, *offset_seconds) : std::nullopt;
}

std::optional<std::uint64_t> parse_day_name(std::string_view text, std::uint64_t now_us) {
  if (text == "now") return now_us;
  int days = 0;
  if (text == "yesterday") {
    days = -1;
  } else if (text == "tomorrow") {
    days = 1;
  } else if (text != "today") {
    return std::nullopt;
  }
  auto time = start_of_today(now_us);
  time.day += days;  // mktime carries over the ends of months and years.
  return from_local(time);
}

std::optional<std::uint64_t> parse_epoch_seconds(std::string_view text) {
  TextScanner scanner{text};
  if (!scanner.take("@")) return std::nullopt;
  auto const seconds = scanner.take_number();
  if (!seconds || *seconds >= UINT64_MAX / second_us) return std::nullopt;
  auto const fraction_us = scanner.take_fraction_us();
  if (!fraction_us || !scanner.at_end()) return std::nullopt;
  return *seconds * second_us + *fraction_us;
}

// 2024 to 20240102030405: as microseconds, all would be of the first days of 1970.
std::optional<std::uint64_t> parse_compact(std::string_view text) {
  constexpr std::array sizes{4U, 6U, 8U, 12U, 14U};
  if (std::ranges::find(sizes, text.size()) == sizes.end()) return std::nullopt;
  TextScanner scanner{text};
  auto const take = [&scanner](std::size_t digits, int otherwise) {
    return scanner.at_end() ? otherwise : scanner.take_digits(digits).value_or(-1);
  };
  CivilTime time{.year = take(4, 0), .month = take(2, 1), .day = take(2, 1)};
  time.hour = take(2, 0);
  time.minute = take(2, 0);
  time.second = take(2, 0);
  bool const is_sensible =
      exists(time) && time.second < 60 && time.year >= 1970 && time.year < 2200;
  return is_sensible ? from_local(time) : std::nullopt;
}

// A year before 1970, or 19691231.
bool is_early_date(std::string_view text) noexcept {
  bool const has_digits = std::ranges::all_of(text, is_digit);
  return has_digits && (text.size() == 4 || text.size() == 8) && text >= "19" && text < "1970";
}

// Seconds, or milliseconds, of these years; as microseconds they would be of 1970 to 1973.
bool is_ambiguous_number(std::string_view text) noexcept {
  return text.size() >= 9 && text.size() <= 14 && std::ranges::all_of(text, is_digit);
}

std::optional<std::uint64_t> parse_epoch_us(std::string_view text) {
  TextScanner scanner{text};
  auto const value = scanner.take_number();
  if (!value || !scanner.at_end()) return std::nullopt;
  if (is_ambiguous_number(text) || is_early_date(text)) return std::nullopt;
  return value;
}

}  // namespace

std::string likely_meaning(std::string_view text) {
  if (!is_ambiguous_number(text)) return {};
  bool const are_seconds = text.size() < 12;
  auto const digits = std::string{text};
  auto const seconds = are_seconds ? digits : digits.substr(0, digits.size() - 3);
  auto const rest = are_seconds ? "" : '.' + digits.substr(digits.size() - 3);
  return '@' + seconds + rest + " are seconds, " + digits + (are_seconds ? "000000" : "000") +
         " are microseconds";
}

bool is_before_epoch(std::string_view text) {
  TextScanner scanner{text};
  CivilTime time{};
  if (is_early_date(text)) return true;
  if (!take_date(scanner, time)) return false;
  bool const has_clock = scanner.take("T") || scanner.take(" ");
  return time.year <= 1970 && (has_clock ? take_clock(scanner, time) : scanner.at_end());
}

bool needs_local_zone(std::string_view text, std::uint64_t now_us) {
  std::array<std::optional<std::uint64_t>, 2> times{};
  for (std::size_t i = 0; i < times.size(); ++i) {
    ZoneInForce const zone{i == 0 ? "AAA5" : "AAA-5"};
    times[i] = parse_time(text, now_us);
  }
  return times[0] != times[1];
}

std::optional<std::uint64_t> parse_time(std::string_view text, std::uint64_t now_us) {
  if (auto const time = parse_day_name(text, now_us)) return time;
  if (auto const time = parse_epoch_seconds(text)) return time;
  if (auto const time = parse_compact(text)) return time;
  if (auto const time = parse_epoch_us(text)) return time;
  if (auto const time = parse_relative(text, now_us)) return time;
  return parse_civil(text, now_us);
}

std::optional<std::uint64_t> parse_span_us(std::string_view text) {
  TextScanner scanner{text};
  auto const span_us = take_span_us(scanner);
  return scanner.at_end() ? span_us : std::nullopt;
}

}  // namespace stele::cli
