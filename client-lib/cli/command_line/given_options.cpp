#include "client-lib/cli/command_line/given_options.hpp"

#include <chrono>

#include "client-lib/cli/text/level_names.hpp"
#include "client-lib/cli/text/text_scanner.hpp"
#include "client-lib/cli/times/civil_time.hpp"
#include "client-lib/cli/times/time_spec.hpp"
#include "client-lib/cli/times/time_text.hpp"

namespace stele::cli {
namespace {

constexpr auto time_hint =
    "try '10 min ago', '2023-11-14 22:13:20', 2023-11-14T22:13:20Z, @1700000000";

}  // namespace

std::string GivenOptions::text(std::string_view key, std::string_view otherwise) const {
  auto const found = values_.find(key);
  return found == values_.end() ? std::string{otherwise} : found->second.back();
}

std::vector<std::string> GivenOptions::all(std::string_view key) const {
  auto const found = values_.find(key);
  return found == values_.end() ? std::vector<std::string>{} : found->second;
}

Level GivenOptions::level(std::string_view key, Level otherwise) const {
  if (!has(key)) return otherwise;
  auto const name = text(key);
  if (auto const level = parse_level_name(name)) return *level;
  throw UsageError{"unknown level '" + name + "'", "levels are " + std::string{level_names}};
}

std::optional<std::uint64_t> GivenOptions::time(std::string_view key) const {
  if (!has(key)) return std::nullopt;
  auto const words = text(key);
  auto const now = now_us();
  if (auto const time = parse_time(words, now)) {
    if (needs_local_zone(words, now)) refuse_unknown_local_zone();
    return time;
  }
  if (is_before_epoch(words)) {
    throw UsageError{"the time '" + words + "' is before 1970, where times begin"};
  }
  auto const other = likely_meaning(words);
  if (!other.empty()) {
    throw UsageError{"the time '" + words + "' is ambiguous: a number of microseconds since 1970?",
                     other};
  }
  throw UsageError{"cannot understand the time '" + words + "'", time_hint};
}

void refuse_unknown_local_zone() {
  auto const zone = unknown_local_zone();
  if (!zone) return;
  throw UsageError{"TZ is '" + *zone + "', which is no time zone: local times are unknown",
                   "TZ=Europe/Berlin, or TZ=UTC"};
}

std::optional<std::uint64_t> GivenOptions::number(std::string_view key) const {
  if (!has(key)) return std::nullopt;
  auto const digits = text(key);
  if (auto const value = parse_number(digits)) return value;
  throw UsageError{std::string{key} + ": '" + digits + "' is not a number"};
}

}  // namespace stele::cli
