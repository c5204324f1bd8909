#include "client-lib/cli/times/civil_time.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>

#include "client-lib/cli/text/text_scanner.hpp"

namespace stele::cli {
namespace {

constexpr std::int64_t day_seconds = 86'400;
constexpr std::int64_t quarter_seconds = 900;
// Lines of several threads may be a little out of order.
constexpr std::uint64_t jitter_us = minute_us;

constexpr auto zone_directory = "/usr/share/zoneinfo";
constexpr std::string_view zone_file_magic = "TZif";

struct ZoneName {
  std::string_view name;
  int minutes;
};

// Where several zones share an abbreviation, the one that logs have most.
constexpr std::array zone_names{
    ZoneName{"UTC", 0},    ZoneName{"GMT", 0},     ZoneName{"Z", 0},       ZoneName{"WET", 0},
    ZoneName{"WEST", 60},  ZoneName{"BST", 60},    ZoneName{"CET", 60},    ZoneName{"CEST", 120},
    ZoneName{"EET", 120},  ZoneName{"EEST", 180},  ZoneName{"SAST", 120},  ZoneName{"MSK", 180},
    ZoneName{"IST", 330},  ZoneName{"JST", 540},   ZoneName{"KST", 540},   ZoneName{"HKT", 480},
    ZoneName{"SGT", 480},  ZoneName{"AWST", 480},  ZoneName{"ACST", 570},  ZoneName{"ACDT", 630},
    ZoneName{"AEST", 600}, ZoneName{"AEDT", 660},  ZoneName{"NZST", 720},  ZoneName{"NZDT", 780},
    ZoneName{"HST", -600}, ZoneName{"AKST", -540}, ZoneName{"AKDT", -480}, ZoneName{"PST", -480},
    ZoneName{"PDT", -420}, ZoneName{"MST", -420},  ZoneName{"MDT", -360},  ZoneName{"CST", -360},
    ZoneName{"CDT", -300}, ZoneName{"EST", -300},  ZoneName{"EDT", -240},  ZoneName{"AST", -240},
    ZoneName{"ADT", -180}, ZoneName{"BRT", -180},  ZoneName{"ART", -180},
};

std::int64_t civil_seconds(CivilTime const& time) noexcept {
  return days_since_epoch(time.year, time.month, time.day) * day_seconds + time.hour * 3'600 +
         time.minute * 60 + time.second;
}

bool is_zone_file(std::string const& path) {
  std::ifstream file{path, std::ios::binary};
  std::array<char, zone_file_magic.size()> magic{};
  file.read(magic.data(), magic.size());
  return file && std::string_view{magic.data(), magic.size()} == zone_file_magic;
}

std::optional<std::uint64_t> since_epoch(std::int64_t seconds, std::uint64_t fraction_us) {
  if (seconds < 0) return std::nullopt;
  return static_cast<std::uint64_t>(seconds) * second_us + fraction_us;
}

}  // namespace

std::tm local_time_at(std::int64_t seconds) noexcept {
  std::time_t const time = seconds;
  std::tm local{};
  ::localtime_r(&time, &local);
  return local;
}

bool exists(CivilTime const& time) noexcept {
  auto const date = std::chrono::year{time.year} / time.month / time.day;
  // ISO 8601 has 24:00:00 for the end of a day.
  bool const ends_day =
      time.hour == 24 && time.minute == 0 && time.second == 0 && time.fraction_us == 0;
  return date.ok() && time.hour >= 0 && (time.hour <= 23 || ends_day) && time.minute >= 0 &&
         time.minute <= 59 && time.second >= 0 && time.second <= 60;
}

std::int64_t days_since_epoch(int year, int month, int day) noexcept {
  using namespace std::chrono;
  return std::int64_t{sys_days{std::chrono::year{year} / month / day}.time_since_epoch().count()};
}

std::optional<std::uint64_t> utc_time_us(CivilTime const& time, std::int64_t offset_seconds) {
  return since_epoch(civil_seconds(time) - offset_seconds, time.fraction_us);
}

std::optional<std::int64_t> zone_offset_seconds(std::string_view zone) noexcept {
  TextScanner scanner{zone};
  scanner.skip_blanks();
  auto const name = scanner.rest();
  for (auto const& known : zone_names) {
    if (known.name == name) return std::int64_t{known.minutes} * 60;
  }
  if (name == "z") return 0;
  if (!scanner.take("UTC")) scanner.take("GMT");
  bool const west = scanner.take("-");
  if (!west && !scanner.take("+")) return std::nullopt;
  auto hours = scanner.take_digits(2);
  bool const is_short = !hours;
  if (is_short) hours = scanner.take_digits(1);
  if (!hours || *hours > 23) return std::nullopt;
  int minutes = 0;
  if (!scanner.at_end()) {
    bool const has_colon = scanner.take(":");
    auto const digits = scanner.take_digits(2);
    if (!digits || *digits > 59 || (is_short && !has_colon)) return std::nullopt;
    minutes = *digits;
  }
  if (!scanner.at_end()) return std::nullopt;
  std::int64_t const seconds = *hours * 3'600 + minutes * 60;
  return west ? -seconds : seconds;
}

bool is_time_zone(std::string_view name) {
  if (name.empty() || name.find("..") != name.npos) return false;
  auto const* const directory = std::getenv("TZDIR");
  return is_zone_file(std::string{directory == nullptr ? zone_directory : directory} + '/' +
                      std::string{name});
}

std::optional<std::string> unknown_local_zone() {
  auto const* const set = std::getenv("TZ");
  if (set == nullptr) return std::nullopt;
  std::string name{set};
  if (name.starts_with(':')) name.erase(0, 1);
  if (name.empty() || name == "UTC" || name == "GMT" || is_time_zone(name)) return std::nullopt;
  if (name.starts_with('/') && is_zone_file(name)) return std::nullopt;
  // `CET-1CEST,M3.5.0,M10.5.0/3`: a name and an offset.
  auto const is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  auto const quoted = name.starts_with('<') ? name.find('>') : name.npos;
  auto const letters =
      static_cast<std::size_t>(std::ranges::find_if_not(name, is_letter) - name.begin());
  auto const at = quoted != name.npos ? quoted + 1 : letters >= 3 ? letters : name.size();
  auto const offset = std::string_view{name}.substr(at);
  bool const has_sign = offset.starts_with('+') || offset.starts_with('-');
  if (offset.size() > (has_sign ? 1U : 0U) && is_digit(offset[has_sign ? 1 : 0])) {
    return std::nullopt;
  }
  return std::string{set};
}

std::string_view zone_names_pattern() noexcept {
  static std::string const pattern = [] {
    std::string names;
    for (auto const& zone : zone_names) {
      if (!names.empty()) names += '|';
      names += zone.name;
    }
    return names;
  }();
  return pattern;
}

ZoneInForce::ZoneInForce(std::string const& zone) {
  if (auto const* const set = std::getenv("TZ")) before_ = set;
  ::setenv("TZ", zone.c_str(), 1);
  ::tzset();
}

ZoneInForce::~ZoneInForce() {
  if (before_) {
    ::setenv("TZ", before_->c_str(), 1);
  } else {
    ::unsetenv("TZ");
  }
  ::tzset();
}

// Probed a day before and a day after: no zone changes its offset twice in that time.
void LocalZone::look_up(std::int64_t quarter) {
  if (quarter_ == quarter) return;
  quarter_ = quarter;
  std::optional<ZoneInForce> region;
  if (!region_.empty()) region.emplace(region_);
  auto const start = quarter * quarter_seconds;
  std::array<Offset, 2> found{};
  std::array<bool, 2> holds{};
  for (std::size_t i = 0; i < found.size(); ++i) {
    auto const near = local_time_at(start + (i == 0 ? -day_seconds : day_seconds));
    found[i].seconds = near.tm_gmtoff;
    std::strncpy(found[i].name.data(), near.tm_zone, found[i].name.size() - 1);
    holds[i] = local_time_at(start - near.tm_gmtoff).tm_gmtoff == near.tm_gmtoff;
  }
  // In an hour that is left out neither holds: the offset before it gives a moment after it.
  if (!holds[0] && !holds[1]) holds[0] = true;
  offsets_ = {holds[0] ? found[0] : found[1], holds[1] ? found[1] : found[0]};
  if (offsets_[0].seconds < offsets_[1].seconds) std::swap(offsets_[0], offsets_[1]);
}

std::optional<std::uint64_t> LocalZone::time_us(CivilTime const& time,
                                                std::optional<std::uint64_t> previous_us,
                                                std::string_view zone_name) {
  auto const seconds = civil_seconds(time);
  auto const quarter = seconds / quarter_seconds - (seconds < 0 ? 1 : 0);
  look_up(quarter);
  auto const& [first_offset, second_offset] = offsets_;
  auto const first = since_epoch(seconds - first_offset.seconds, time.fraction_us);
  auto const second = since_epoch(seconds - second_offset.seconds, time.fraction_us);
  if (first == second || !first || !second) return second;
  if (zone_name == first_offset.name.data()) return first;
  if (zone_name == second_offset.name.data()) return second;
  bool const goes_back = previous_us && *previous_us > *first + jitter_us;
  return goes_back && *previous_us < *second + hour_us ? second : first;
}

bool LocalZone::has_name(CivilTime const& time, std::string_view zone_name) {
  look_up(civil_seconds(time) / quarter_seconds);
  return std::ranges::any_of(
      offsets_, [zone_name](Offset const& offset) { return zone_name == offset.name.data(); });
}

}  // namespace stele::cli
