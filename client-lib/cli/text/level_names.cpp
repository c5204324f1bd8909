#include "client-lib/cli/text/level_names.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "client-lib/cli/text/text_scanner.hpp"

namespace stele::cli {
namespace {

struct Name {
  std::string_view name;
  Level level;
  bool is_exact = false;
};

// syslog's, systemd's, log4j's, java.util.logging's, .NET's, Windows', zap's, postgres', npm's …
constexpr std::array names{
    Name{"trace", Level::trace, true},
    Name{"trc", Level::trace, true},
    Name{"verbose", Level::trace},
    Name{"vrb", Level::trace},
    Name{"finest", Level::trace},
    Name{"finer", Level::trace},
    Name{"silly", Level::trace},
    Name{"all", Level::trace},
    Name{"t", Level::trace, true},
    Name{"v", Level::trace},
    Name{"debug", Level::debug, true},
    Name{"dbg", Level::debug, true},
    Name{"fine", Level::debug},
    Name{"config", Level::debug},
    Name{"debug1", Level::debug},
    Name{"debug2", Level::debug},
    Name{"debug3", Level::debug},
    Name{"debug4", Level::debug},
    Name{"debug5", Level::debug},
    Name{"d", Level::debug, true},
    Name{".", Level::debug},
    Name{"-", Level::debug},
    Name{"info", Level::info, true},
    Name{"information", Level::info, true},
    Name{"inf", Level::info, true},
    Name{"informational", Level::info, true},
    Name{"i", Level::info, true},
    Name{"notice", Level::info},
    Name{"note", Level::info},
    Name{"log", Level::info},
    Name{"http", Level::info},
    Name{"success", Level::info},
    Name{"default", Level::info},
    Name{"notset", Level::info},
    Name{"unknown", Level::info},
    Name{"system", Level::info},
    Name{"n", Level::info},
    Name{"*", Level::info},
    Name{"warn", Level::warn, true},
    Name{"warning", Level::warn, true},
    Name{"wrn", Level::warn, true},
    Name{"w", Level::warn, true},
    Name{"caution", Level::warn},
    Name{"deprecated", Level::warn},
    Name{"#", Level::warn},
    Name{"error", Level::error, true},
    Name{"err", Level::error, true},
    Name{"e", Level::error, true},
    Name{"eror", Level::error},
    Name{"severe", Level::error},
    Name{"failure", Level::error},
    Name{"failed", Level::error},
    Name{"parse", Level::error},
    Name{"dpanic", Level::error},
    Name{"fatal", Level::fatal, true},
    Name{"ftl", Level::fatal, true},
    Name{"f", Level::fatal, true},
    Name{"critical", Level::fatal},
    Name{"crit", Level::fatal},
    Name{"c", Level::fatal},
    Name{"alert", Level::fatal},
    Name{"a", Level::fatal},
    Name{"emerg", Level::fatal},
    Name{"emergency", Level::fatal},
    Name{"panic", Level::fatal},
    Name{"off", Level::fatal},
    Name{"trivia", Level::trace},
    // In other languages.
    Name{"panik", Level::fatal},
    Name{"fehler", Level::error},
    Name{"erreur", Level::error},
    Name{"errore", Level::error},
    Name{"erro", Level::error},
    Name{"warnung", Level::warn},
    Name{"attention", Level::warn},
    Name{"attenzione", Level::warn},
    Name{"advertencia", Level::warn},
    Name{"aviso", Level::warn},
    Name{"hinweis", Level::info},
};

std::string lower(std::string_view text) {
  std::string name{text};
  for (auto& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return name;
}

Name const* find_name(std::string_view text) {
  auto const* const found = std::ranges::find(names, lower(text), &Name::name);
  return found == names.end() ? nullptr : &*found;
}

std::optional<ReadLevel> level_of_number(int number) {
  constexpr std::array by_syslog{Level::fatal, Level::fatal, Level::fatal, Level::error,
                                 Level::warn,  Level::info,  Level::info,  Level::debug};
  if (number >= 0 && number <= 7) {
    bool const is_exact = number == 3 || number == 4 || number >= 6;
    return ReadLevel{by_syslog[static_cast<std::size_t>(number)], is_exact};
  }
  if (number >= 10 && number < 70) {
    return ReadLevel{static_cast<Level>(number / 10 - 1), number % 10 == 0};
  }
  if (number >= 100 && number <= 600) {
    auto const level = number < 200   ? Level::debug
                       : number < 300 ? Level::info
                       : number < 400 ? Level::warn
                       : number < 500 ? Level::error
                                      : Level::fatal;
    return ReadLevel{level, number % 100 == 0 && number < 500};
  }
  if (number >= 5'000 && number < 60'000) {
    return ReadLevel{static_cast<Level>(number / 10'000), number % 10'000 == 0 || number == 5'000};
  }
  return std::nullopt;
}

// slog: DEBUG is -4, INFO 0, WARN 4, ERROR 8, and others are written by their distance.
std::optional<ReadLevel> level_of_slog(std::string_view text) {
  auto const sign = text.find_first_of("+-", 1);
  if (sign == text.npos) return std::nullopt;
  auto const* const base = find_name(text.substr(0, sign));
  int distance = 0;
  auto const digits = text.substr(sign + 1);
  auto const [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), distance);
  bool const is_number = ec == std::errc{} && end == digits.data() + digits.size();
  if (base == nullptr || !is_number || distance > 1'000) return std::nullopt;
  auto const number = (static_cast<int>(base->level) - static_cast<int>(Level::info)) * 4 +
                      (text[sign] == '-' ? -distance : distance);
  auto const steps = number >= 0 ? number / 4 : (number - 3) / 4;
  auto const level = std::clamp(steps + static_cast<int>(Level::info),
                                static_cast<int>(Level::trace), static_cast<int>(Level::fatal));
  return ReadLevel{static_cast<Level>(level), distance == 0};
}

}  // namespace

std::optional<Level> parse_level_name(std::string_view name) {
  constexpr std::array typed{"trace", "debug", "info", "warn",  "error",    "fatal",  "emerg",
                             "alert", "crit",  "err",  "panic", "critical", "notice", "warning"};
  bool const is_digit_of_syslog = name.size() == 1 && name.front() >= '0' && name.front() <= '7';
  if (!is_digit_of_syslog && std::ranges::find(typed, lower(name)) == typed.end()) {
    return std::nullopt;
  }
  return read_level(name)->level;
}

std::optional<ReadLevel> read_level(std::string_view text) {
  auto const start = text.find_first_not_of(' ');
  if (start == text.npos) return std::nullopt;
  text = text.substr(start, text.find_last_not_of(' ') + 1 - start);
  if (auto const* const name = find_name(text)) return ReadLevel{name->level, name->is_exact};
  int number = 0;
  auto const [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec == std::errc{} && end == text.data() + text.size()) return level_of_number(number);
  return level_of_slog(text);
}

}  // namespace stele::cli
