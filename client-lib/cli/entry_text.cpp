#include "client-lib/cli/entry_text.hpp"

#include <string_view>

#include "client-lib/cli/terminal_text.hpp"
#include "client-lib/cli/time_text.hpp"
#include "protocol/canonical_entry.hpp"
#include "protocol/json_text.hpp"

namespace stele::cli {
namespace {

constexpr std::string_view colour_off = "\x1b[0m";
constexpr std::size_t level_width = 5;

std::string_view colour_of(Level level) noexcept {
  switch (level) {
    case Level::trace:
    case Level::debug:
      return "\x1b[2m";
    case Level::info:
      return "\x1b[32m";
    case Level::warn:
      return "\x1b[33m";
    case Level::error:
      return "\x1b[31m";
    case Level::fatal:
      return "\x1b[1;31m";
  }
  return "";
}

void append_brief(std::string& out, StoredEntry const& entry, bool colour) {
  append_local_time(out, entry.timestamp);
  out += ' ';
  auto const level = to_string(entry.level);
  if (colour) out += colour_of(entry.level);
  out += level;
  if (colour) out += colour_off;
  out.append(level_width > level.size() ? level_width - level.size() : 0, ' ');
  out += ' ';
  append_visible(out, entry.message);
  if (entry.metadata == "{}") return;
  out += ' ';
  append_visible(out, entry.metadata);
}

void append_json(std::string& out, StoredEntry const& entry) {
  std::string message;
  protocol::append_json_string(message, entry.message);
  protocol::append_canonical_entry(
      out,
      {.timestamp = entry.timestamp,
       .level = entry.level,
       .message = message,
       .metadata = entry.metadata},
      {.seq = entry.seq, .timestamp = entry.timestamp, .origin = entry.origin});
  out.pop_back();
  out += ",\"time\":\"";
  append_utc_time(out, entry.timestamp);
  out += "\"}";
}

}  // namespace

void append_entry_text(std::string& out, StoredEntry const& entry, EntryStyle style) {
  switch (style.form) {
    case EntryForm::brief:
      append_brief(out, entry, style.colour);
      break;
    case EntryForm::json:
      if (style.visible) {
        std::string text;
        append_json(text, entry);
        append_visible(out, text);
      } else {
        append_json(out, entry);
      }
      break;
    case EntryForm::message:
      if (style.visible) {
        append_visible(out, entry.message);
      } else {
        out += entry.message;
      }
      break;
  }
  out += '\n';
}

}  // namespace stele::cli
