#include "client-lib/cli/time_pattern.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <ctime>

#include "client-lib/cli/text_scanner.hpp"
#include "client-lib/cli/time_units.hpp"

namespace stele::cli {
namespace {

// A time stamp is near the start of a line; the rest of a long one is not looked at.
constexpr std::size_t searched_bytes_max = 512;

constexpr std::array formats{
    NamedTimeFormat{"syslog", "%b %d %H:%M:%S", ""},
    NamedTimeFormat{"iso",
                    "%Y-%m-%dT%H:%M:%S%f%z\n%Y-%m-%d %H:%M:%S%f%z\n"
                    "%Y-%m-%dT%H:%M:%S%f\n%Y-%m-%d %H:%M:%S%f",
                    ""},
    NamedTimeFormat{"apache", "[%a %b %d %H:%M:%S%f %Y]", R"(\] \[(?:[^\]:]*:)?([a-z]+)\d?\])"},
    NamedTimeFormat{"clf", "*[%d/%b/%Y:%H:%M:%S %z]", ""},
    NamedTimeFormat{"hdfs", "%y%m%d %H%M%S", R"(^\d+ \d+ \d+ ([A-Z]+) )"},
    NamedTimeFormat{"epoch", "%s%f", ""},
};

// A fraction may lack: then nothing is taken. Digits below the microsecond are dropped.
std::optional<std::uint64_t> take_fraction(char const*& text) {
  if (*text != '.' && *text != ',') return 0;
  std::uint64_t value = 0;
  std::uint64_t scale = second_us;
  auto const* digit = text + 1;
  if (!is_digit(*digit)) return std::nullopt;
  for (; is_digit(*digit); ++digit) {
    scale /= 10;
    value += scale * static_cast<std::uint64_t>(*digit - '0');
  }
  text = digit;
  return value;
}

int year_of(std::uint64_t time_us) {
  auto const seconds = static_cast<std::time_t>(time_us / second_us);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  return local.tm_year + 1900;
}

std::int64_t local_seconds(std::tm time) {
  time.tm_isdst = -1;
  return std::int64_t{::mktime(&time)};
}

}  // namespace

std::optional<NamedTimeFormat> named_time_format(std::string_view name) noexcept {
  auto const* const found =
      std::find_if(formats.begin(), formats.end(),
                   [name](NamedTimeFormat const& format) { return format.name == name; });
  if (found == formats.end()) return std::nullopt;
  return *found;
}

TimePattern::TimePattern(std::string_view name_or_format, int first_year, std::uint64_t now_us)
    : year_(first_year), now_us_(now_us) {
  auto const named = named_time_format(name_or_format);
  auto text = named ? named->format : name_or_format;
  for (;;) {
    auto const line_end = text.find('\n');
    formats_.push_back(format_of(text.substr(0, line_end)));
    if (line_end == text.npos) return;
    text.remove_prefix(line_end + 1);
  }
}

TimePattern::Format TimePattern::format_of(std::string_view text) {
  Format format{.anywhere = text.starts_with('*')};
  if (format.anywhere) text.remove_prefix(1);
  for (auto const* token : {"%Y", "%y", "%s", "%D", "%F", "%c"}) {
    format.has_year = format.has_year || text.find(token) != text.npos;
  }
  format.has_zone = text.find("%z") != text.npos;
  for (;;) {
    auto const fraction = text.find("%f");
    format.parts.emplace_back(text.substr(0, fraction));
    if (fraction == text.npos) return format;
    text.remove_prefix(fraction + 2);
  }
}

std::optional<std::uint64_t> TimePattern::find(std::string_view line) {
  line_ = line.substr(0, searched_bytes_max);
  for (auto const& format : formats_) {
    auto const* const end = line_.c_str() + (format.anywhere ? line_.size() : 0);
    for (auto const* text = line_.c_str(); text <= end; ++text) {
      if (auto const time = match(format, text)) return time;
    }
  }
  return std::nullopt;
}

std::optional<std::uint64_t> TimePattern::match(Format const& format, char const* text) {
  std::tm time{};
  time.tm_mday = 1;
  std::uint64_t fraction_us = 0;
  for (std::size_t i = 0; i < format.parts.size(); ++i) {
    if (i > 0) {
      auto const fraction = take_fraction(text);
      if (!fraction) return std::nullopt;
      fraction_us = *fraction;
    }
    text = ::strptime(text, format.parts[i].c_str(), &time);
    if (text == nullptr) return std::nullopt;
  }
  if (!format.has_year) choose_year(time);
  auto const offset = time.tm_gmtoff;
  auto const seconds =
      format.has_zone ? std::int64_t{::timegm(&time)} - offset : local_seconds(time);
  if (seconds < 0) return std::nullopt;
  return static_cast<std::uint64_t>(seconds) * second_us + fraction_us;
}

void TimePattern::choose_year(std::tm& time) {
  if (year_ == 0) {
    year_ = year_of(now_us_);
    time.tm_year = year_ - 1900;
    if (local_seconds(time) > static_cast<std::int64_t>(now_us_ / second_us)) --year_;
  } else if (last_month_ - time.tm_mon > 6) {
    ++year_;
  }
  last_month_ = time.tm_mon;
  time.tm_year = year_ - 1900;
}

}  // namespace stele::cli
