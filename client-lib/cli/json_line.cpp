#include "client-lib/cli/json_line.hpp"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <charconv>

#include "client-lib/cli/level_names.hpp"
#include "client-lib/cli/text_scanner.hpp"
#include "stele/utf8.hpp"

namespace stele::cli {
namespace {

struct Member {
  std::string name{};          ///< Unescaped.
  std::string_view spelled{};  ///< With its quotes.
  std::string_view value{};    ///< JSON text.
};

constexpr std::string_view white_space = " \t\r\n";

void skip_white(std::string_view& text) {
  auto const start = text.find_first_not_of(white_space);
  text.remove_prefix(start == text.npos ? text.size() : start);
}

// Takes the text of one value off valid JSON.
std::string_view take_value(std::string_view& text) {
  std::size_t depth = 0;
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    char const c = text[at];
    if (c == '"') {
      for (++at; text[at] != '"'; ++at) at += text[at] == '\\' ? 1 : 0;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (depth == 0) break;
      --depth;
    } else if (depth == 0 && (c == ',' || c == ':')) {
      break;
    }
  }
  auto value = text.substr(0, at);
  text.remove_prefix(at);
  value.remove_suffix(value.size() - (value.find_last_not_of(white_space) + 1));
  return value;
}

std::string text_of(std::string_view json_string) {
  auto const value = boost::json::parse({json_string.data(), json_string.size()});
  return {value.get_string().data(), value.get_string().size()};
}

// The members of an object that is valid JSON, in their order.
std::vector<Member> members_of(std::string_view text) {
  std::vector<Member> members;
  skip_white(text);
  text.remove_prefix(1);
  for (;;) {
    skip_white(text);
    if (text.empty() || text.front() == '}') return members;
    auto const spelled = take_value(text);
    text.remove_prefix(1);  // The colon.
    skip_white(text);
    members.push_back({.name = text_of(spelled), .spelled = spelled, .value = take_value(text)});
    if (!text.empty() && text.front() == ',') text.remove_prefix(1);
  }
}

Member const* find_member(std::vector<Member> const& members,
                          std::vector<std::string> const& names) {
  for (auto const& name : names) {
    for (auto const& member : members) {
      if (member.name == name) return &member;
    }
  }
  return nullptr;
}

bool is_dropped(std::string_view name, std::vector<std::string> const& dropped) {
  return std::any_of(dropped.begin(), dropped.end(), [name](std::string_view pattern) {
    if (!pattern.ends_with('*')) return name == pattern;
    return name.starts_with(pattern.substr(0, pattern.size() - 1));
  });
}

// journald writes bytes that are not UTF-8 as an array of numbers.
std::string bytes_of(boost::json::array const& numbers) {
  std::string bytes;
  for (auto const& number : numbers) {
    boost::system::error_code ec;
    auto const byte = number.to_number<std::uint8_t>(ec);
    if (!ec.failed()) bytes += static_cast<char>(byte);
  }
  return bytes;
}

std::string message_of(std::string_view json) {
  auto const value = boost::json::parse({json.data(), json.size()});
  std::string message;
  if (value.is_string()) return text_of(json);
  if (value.is_array()) {
    append_as_utf8(message, bytes_of(value.get_array()));
  } else if (!value.is_null()) {
    message = json;
  }
  return message;
}

std::string scalar_text(std::string_view json) {
  return json.starts_with('"') ? text_of(json) : std::string{json};
}

void append_member(std::string& object, std::string_view spelled, std::string_view value) {
  if (object.size() > 1) object += ',';
  object += spelled;
  object += ':';
  object += value;
}

std::string metadata_of(std::vector<Member> const& members, JsonMapping const& mapping,
                        std::vector<Member const*> const& used) {
  std::string metadata = "{";
  for (auto const& member : members) {
    bool const taken = std::find(used.begin(), used.end(), &member) != used.end();
    if (taken || is_dropped(member.name, mapping.dropped)) continue;
    if (member.name == mapping.metadata && member.value.starts_with('{')) {
      for (auto const& inner : members_of(member.value)) {
        append_member(metadata, inner.spelled, inner.value);
      }
      continue;
    }
    append_member(metadata, member.spelled, member.value);
  }
  return metadata + '}';
}

}  // namespace

JsonMapping usual_mapping() {
  return {.timestamp = {"timestamp", "time", "ts", "@timestamp", "datetime"},
          .level = {"level", "severity", "lvl", "levelname"},
          .message = {"message", "msg", "text"}};
}

JsonMapping journal_mapping() {
  return {.timestamp = {"__REALTIME_TIMESTAMP"},
          .level = {"PRIORITY"},
          .message = {"MESSAGE"},
          .dropped = {"__*"},
          .times_are_us = true};
}

JsonMapping stele_mapping() {
  return {.timestamp = {"timestamp"},
          .level = {"level"},
          .message = {"message"},
          .dropped = {"seq", "origin", "version", "time"},
          .times_are_us = true,
          .metadata = "metadata"};
}

std::optional<std::uint64_t> epoch_us_of_number(std::string_view digits) {
  TextScanner scanner{digits};
  auto const whole = scanner.take_number();
  if (!whole) return std::nullopt;
  auto const fraction_us = scanner.take_fraction_us();
  if (!fraction_us || !scanner.at_end()) return std::nullopt;
  // Until the year 5138 these do not overlap, from 1973 on.
  if (*whole < 100'000'000'000) return *whole * 1'000'000 + *fraction_us;
  if (*whole < 100'000'000'000'000) return *whole * 1'000 + *fraction_us / 1'000;
  if (*whole < 100'000'000'000'000'000) return *whole;
  return *whole / 1'000;
}

std::optional<Level> level_of_text(std::string_view text) {
  constexpr std::array by_syslog{Level::fatal, Level::fatal, Level::fatal, Level::error,
                                 Level::warn,  Level::info,  Level::info,  Level::debug};
  if (text.size() == 1 && text.front() >= '0' && text.front() <= '7') {
    return by_syslog[static_cast<std::size_t>(text.front() - '0')];
  }
  if (text.size() == 2 && text.front() >= '1' && text.front() <= '6' && text.back() == '0') {
    return static_cast<Level>(text.front() - '1');
  }
  std::string name{text};
  for (auto& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return parse_level_name(name);
}

Result<LogEntry> entry_of_json(std::string_view line, JsonMapping const& mapping, Level otherwise,
                               TimeReader const& read_time) {
  boost::system::error_code ec;
  auto const value = boost::json::parse({line.data(), line.size()}, ec);
  if (ec.failed() || !value.is_object()) return Failure{Error::bad_json, "is not a JSON object"};
  auto const members = members_of(line);
  auto const* const timestamp = find_member(members, mapping.timestamp);
  auto const* const level = find_member(members, mapping.level);
  auto const* const message = find_member(members, mapping.message);
  LogEntry entry{.level = otherwise};
  if (timestamp != nullptr) {
    entry.timestamp = read_time(scalar_text(timestamp->value));
    if (!entry.timestamp) {
      return Failure{Error::invalid_entry,
                     "has a time that is not understood: " + std::string{timestamp->value}};
    }
  }
  if (level != nullptr) {
    auto const known = level_of_text(scalar_text(level->value));
    if (!known) {
      return Failure{Error::invalid_entry, "has an unknown level: " + std::string{level->value}};
    }
    entry.level = *known;
  }
  if (message != nullptr) entry.message = message_of(message->value);
  entry.metadata = metadata_of(members, mapping, {timestamp, level, message});
  return entry;
}

}  // namespace stele::cli
