#include "client-lib/cli/import/json_members.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <cstdint>
#include <set>
#include <utility>

#include "protocol/json/json_tokens.hpp"
#include "protocol/limits.hpp"
#include "protocol/text/json_text.hpp"

namespace stele::cli {
namespace {

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

std::vector<std::string_view> elements_of(std::string_view array) {
  std::vector<std::string_view> elements;
  array.remove_prefix(1);
  for (;;) {
    skip_white(array);
    if (array.empty() || array.front() == ']') return elements;
    elements.push_back(take_value(array));
    if (!array.empty() && array.front() == ',') array.remove_prefix(1);
  }
}

bool is_part(std::string_view whole, std::string_view part) noexcept {
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

bool is_dropped(std::string_view name, std::vector<std::string> const& dropped) {
  return std::ranges::any_of(dropped, [name](std::string_view pattern) {
    if (!pattern.ends_with('*')) return name == pattern;
    return name.starts_with(pattern.substr(0, pattern.size() - 1));
  });
}

void append_member(std::string& object, std::string_view spelled, std::string_view value) {
  if (object.size() > 1) object += ',';
  object += spelled;
  object += ':';
  object += value;
}

std::string with_double_names_renamed(std::string_view value) {
  std::string made;
  if (value.starts_with('[')) {
    made = "[";
    for (auto const element : elements_of(value)) {
      if (made.size() > 1) made += ',';
      made += with_double_names_renamed(element);
    }
    return made + ']';
  }
  if (!value.starts_with('{')) return std::string{value};
  made = "{";
  std::set<std::string> names;
  for (auto const& member : members_of(value)) {
    std::string spelled{member.spelled};
    for (int number = 2; !names.insert(text_of(spelled)).second; ++number) {
      spelled.clear();
      protocol::append_json_string(spelled, member.name + '#' + std::to_string(number));
    }
    append_member(made, spelled, with_double_names_renamed(member.value));
  }
  return made + '}';
}

std::optional<unsigned> unit_at(std::string_view json, std::size_t at) {
  if (at + 6 > json.size() || json.substr(at, 2) != "\\u") return std::nullopt;
  unsigned unit = 0;
  auto const* const digits = json.data() + at + 2;
  auto const [end, ec] = std::from_chars(digits, digits + 4, unit, 16);
  if (ec != std::errc{} || end != digits + 4) return std::nullopt;
  return unit;
}

bool has_double_names_within(std::string_view value) {
  if (value.starts_with('[')) {
    return std::ranges::any_of(elements_of(value), has_double_names_within);
  }
  return value.starts_with('{') && has_double_names(members_of(value));
}

}  // namespace

std::string text_of(std::string_view json_string) {
  auto const value = boost::json::parse({json_string.data(), json_string.size()});
  return {value.get_string().data(), value.get_string().size()};
}

JsonKind json_kind(std::string_view text) {
  skip_white(text);
  if (!text.starts_with('{')) return JsonKind::other;
  struct Nothing {
    void take(protocol::JsonToken const& /*token*/) {}
  } nothing;
  std::string scratch;
  protocol::JsonReader<Nothing> reader{text, protocol::json_depth_max, scratch, nothing};
  reader.read(text.size());
  auto const fault = reader.fault();
  if (!fault) return JsonKind::object;
  return fault->code == boost::json::error::too_deep ? JsonKind::too_much : JsonKind::other;
}

std::vector<JsonMember> members_of(std::string_view object) {
  std::vector<JsonMember> members;
  skip_white(object);
  object.remove_prefix(1);
  for (;;) {
    skip_white(object);
    if (object.empty() || object.front() == '}') return members;
    auto const spelled = take_value(object);
    object.remove_prefix(1);  // The colon.
    skip_white(object);
    bool const is_plain = spelled.find('\\') == spelled.npos;
    auto name = is_plain ? std::string{spelled.substr(1, spelled.size() - 2)} : text_of(spelled);
    members.push_back({.name = std::move(name), .spelled = spelled, .value = take_value(object)});
    if (!object.empty() && object.front() == ',') object.remove_prefix(1);
  }
}

std::optional<std::string_view> value_at(std::vector<JsonMember> const& members,
                                         std::string_view path) {
  auto const whole = std::ranges::find(members, path, &JsonMember::name);
  if (whole != members.end()) return whole->value;
  for (auto dot = path.find('.'); dot != path.npos; dot = path.find('.', dot + 1)) {
    auto const outer = std::ranges::find(members, path.substr(0, dot), &JsonMember::name);
    if (outer == members.end() || !outer->value.starts_with('{')) continue;
    if (auto const value = value_at(members_of(outer->value), path.substr(dot + 1))) return value;
  }
  return std::nullopt;
}

std::string object_without(std::vector<JsonMember> const& members,
                           std::vector<std::string_view> const& places, std::string_view opened,
                           std::vector<std::string> const& dropped) {
  std::string made = "{";
  for (auto const& member : members) {
    if (is_dropped(member.name, dropped)) continue;
    auto const place = std::ranges::find_if(places, [&member](std::string_view part) {
      return part.data() != nullptr && is_part(member.value, part);
    });
    if (member.name == opened && member.value.starts_with('{')) {
      for (auto const& inner : members_of(member.value)) {
        append_member(made, inner.spelled, inner.value);
      }
    } else if (place == places.end()) {
      append_member(made, member.spelled, member.value);
    } else if (place->size() < member.value.size()) {
      auto const rest = object_without(members_of(member.value), places, {}, {});
      if (rest != "{}") append_member(made, member.spelled, rest);
    }
  }
  return made + '}';
}

bool has_double_names(std::vector<JsonMember> const& members) {
  std::vector<std::string_view> names;
  for (auto const& member : members) {
    if (has_double_names_within(member.value)) return true;
    names.emplace_back(member.name);
  }
  std::ranges::sort(names);
  return std::ranges::adjacent_find(names) != names.end();
}

bool rename_double_names(std::string& object) {
  if (!has_double_names(members_of(object))) return false;
  object = with_double_names_renamed(object);
  return true;
}

bool replace_half_pairs(std::string& json) {
  bool replaced = false;
  for (auto at = json.find('\\'); at != json.npos && at + 1 < json.size();
       at = json.find('\\', at)) {
    auto const unit = unit_at(json, at);
    if (!unit) {
      at += 2;
      continue;
    }
    bool const is_high = *unit >= 0xd800 && *unit < 0xdc00;
    auto const next = is_high ? unit_at(json, at + 6) : std::nullopt;
    bool const is_pair = next && *next >= 0xdc00 && *next < 0xe000;
    bool const is_half = *unit >= 0xd800 && *unit < 0xe000 && !is_pair;
    if (is_half) json.replace(at, 6, "\\ufffd");
    replaced = replaced || is_half;
    at += is_pair ? 12 : 6;
  }
  return replaced;
}

}  // namespace stele::cli
