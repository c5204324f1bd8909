#include "client-lib/cli/read/selection.hpp"

#include <pwd.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <string_view>

#include "client-lib/cli/text/level_names.hpp"
#include "client-lib/cli/text/text_scanner.hpp"
#include "protocol/text/json_text.hpp"

namespace stele::cli {
namespace {

Level level_named(std::string_view name) {
  if (auto const level = parse_level_name(name)) return *level;
  throw UsageError{"unknown level '" + std::string{name} + "'",
                   "levels are " + std::string{level_names} + "; a range is from..to"};
}

void take_levels(EntrySelection& selection, std::string_view text) {
  auto const dots = text.find("..");
  if (dots == text.npos) {
    selection.filter.min_level = level_named(text);
    return;
  }
  selection.filter.min_level = level_named(text.substr(0, dots));
  selection.max_level = level_named(text.substr(dots + 2));
  if (selection.filter.min_level > selection.max_level) {
    std::swap(selection.filter.min_level, selection.max_level);
  }
}

std::uint32_t uid_of(std::string const& text) {
  if (auto const number = parse_number(text); number && *number <= UINT32_MAX) {
    return static_cast<std::uint32_t>(*number);
  }
  auto const* const user = ::getpwnam(text.c_str());
  if (user == nullptr) throw UsageError{"--origin: there is no user '" + text + "'"};
  return user->pw_uid;
}

void take_origin(EntrySelection& selection, std::string_view text) {
  auto const equals = text.find('=');
  auto const name = text.substr(0, equals);
  auto const value = equals == text.npos ? std::string{} : std::string{text.substr(equals + 1)};
  if (name == "uid" && !value.empty()) {
    selection.filter.uid = uid_of(value);
    return;
  }
  auto const number = parse_number(value);
  if (name != "pid" || !number || *number > INT32_MAX) {
    throw UsageError{"--origin: '" + std::string{text} + "' names nobody",
                     "--origin pid=4711, --origin uid=1000, --origin uid=root"};
  }
  selection.filter.pid = static_cast<std::int32_t>(*number);
}

bool is_json(std::string_view text) {
  boost::system::error_code ec;
  (void)boost::json::parse({text.data(), text.size()}, ec);
  return !ec.failed();
}

}  // namespace

std::string where_json(std::vector<std::string> const& terms) {
  std::string json = "{";
  for (std::string_view const term : terms) {
    if (json.size() > 1) json += ',';
    if (term.starts_with('{')) {
      if (!is_json(term)) throw UsageError{"--where: '" + std::string{term} + "' is not JSON"};
      auto const last = term.find_last_not_of(" \t\r\n");
      json += term.substr(1, last - 1);  // What is between the braces.
      continue;
    }
    auto const equals = term.find('=');
    if (equals == term.npos || equals == 0) {
      throw UsageError{"--where: '" + std::string{term} + "' is not NAME=VALUE",
                       R"(--where disk=sda, --where used=91, --where '{"disk":"sda"}')"};
    }
    auto const value = term.substr(equals + 1);
    protocol::append_json_string(json, term.substr(0, equals));
    json += ':';
    if (is_json(value)) {
      json += value;
    } else {
      protocol::append_json_string(json, value);
    }
  }
  return json + '}';
}

EntrySelection selection_of(GivenOptions const& given) {
  EntrySelection selection{
      .start_ts = given.time("--since").value_or(0),
      .end_ts = given.time("--until").value_or(UINT64_MAX),
      .filter = {.contains = given.text("--contains"), .after_seq = given.number("--after-seq")}};
  if (selection.start_ts > selection.end_ts) {
    throw UsageError{"--since is behind --until: nothing can be between them"};
  }
  if (given.has("--grep")) selection.pattern.emplace(given.text("--grep"));
  if (given.has("--level")) take_levels(selection, given.text("--level"));
  auto terms = given.all("--where");
  auto const matches = given.all("MATCH");
  terms.insert(terms.end(), matches.begin(), matches.end());
  if (!terms.empty()) selection.filter.where = where_json(terms);
  for (auto const& origin : given.all("--origin")) take_origin(selection, origin);
  return selection;
}

}  // namespace stele::cli
