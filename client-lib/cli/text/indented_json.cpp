#include "client-lib/cli/text/indented_json.hpp"

#include <cstddef>

namespace stele::cli {
namespace {

// The length of the string that `json` starts with, with its quotes.
std::size_t string_length(std::string_view json) noexcept {
  std::size_t at = 1;
  while (at < json.size() && json[at] != '"') at += json[at] == '\\' ? 2 : 1;
  return at + 1;
}

void start_line(std::string& out, std::size_t depth) {
  out += '\n';
  out.append(depth * 2, ' ');
}

}  // namespace

void append_indented_json(std::string& out, std::string_view json) {
  std::size_t depth = 0;
  while (!json.empty()) {
    char const c = json.front();
    auto const token_bytes = c == '"' ? string_length(json) : 1;
    bool const opens = c == '{' || c == '[';
    bool const closes = c == '}' || c == ']';
    if (closes) start_line(out, --depth);
    if (opens && json.size() > 1 && (json[1] == '}' || json[1] == ']')) {
      out += json.substr(0, 2);
      json.remove_prefix(2);
      continue;
    }
    out += json.substr(0, token_bytes);
    json.remove_prefix(json.size() < token_bytes ? json.size() : token_bytes);
    if (opens) start_line(out, ++depth);
    if (c == ',') start_line(out, depth);
    if (c == ':') out += ' ';
  }
}

}  // namespace stele::cli
