#include "client-lib/cli/output/entry_text.hpp"

#include <cstddef>
#include <string_view>

#include "client-lib/cli/output/journal_export.hpp"
#include "client-lib/cli/terminal/terminal_text.hpp"
#include "client-lib/cli/times/time_text.hpp"
#include "protocol/entry/canonical_entry.hpp"
#include "protocol/text/json_text.hpp"

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

void append_time(std::string& out, StoredEntry const& entry, EntryStyle style) {
  if (style.utc) {
    append_utc_time(out, entry.timestamp);
  } else {
    append_local_time(out, entry.timestamp);
  }
}

void append_level(std::string& out, Level level, EntryStyle style) {
  if (style.colour) out += colour_of(level);
  out += to_string(level);
  if (style.colour) out += colour_off;
}

// The line end of a file of Windows belongs to the message, but says nothing to a reader.
std::string_view without_carriage_return(std::string_view message) noexcept {
  if (message.ends_with('\r')) message.remove_suffix(1);
  return message;
}

void append_brief(std::string& out, StoredEntry const& entry, EntryStyle style) {
  append_time(out, entry, style);
  out += ' ';
  append_level(out, entry.level, style);
  auto const level = to_string(entry.level);
  out.append(level_width > level.size() ? level_width - level.size() : 0, ' ');
  out += ' ';
  append_visible(out, without_carriage_return(entry.message));
  if (entry.metadata == "{}") return;
  out += ' ';
  append_visible(out, entry.metadata);
}

// Line by line: the line ends of these forms are ours.
void append_visible_lines(std::string& out, std::string_view text, std::string_view indent = {}) {
  for (;;) {
    auto const end = text.find('\n');
    append_visible(out, text.substr(0, end));
    if (end == text.npos) return;
    out += '\n';
    out += indent;
    text.remove_prefix(end + 1);
  }
}

void append_verbose(std::string& out, StoredEntry const& entry, EntryStyle style) {
  auto const& origin = entry.origin;
  append_time(out, entry, style);
  out += " seq " + std::to_string(entry.seq) + "\n    level     ";
  append_level(out, entry.level, style);
  out += "\n    message   ";
  append_visible(out, without_carriage_return(entry.message));
  out += "\n    origin    pid " + std::to_string(origin.pid) + ", uid " +
         std::to_string(origin.uid) + ", gid " + std::to_string(origin.gid);
  if (entry.metadata == "{}") return;
  out += "\n    metadata  ";
  std::string metadata;
  append_indented_json(metadata, entry.metadata);
  append_visible_lines(out, metadata, "              ");
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

// What a form is, before it is made safe for a terminal.
void append_raw(std::string& out, StoredEntry const& entry, EntryForm form) {
  switch (form) {
    case EntryForm::brief:
    case EntryForm::verbose:
      return;  // Is made safe in parts, since colours are between them.
    case EntryForm::json:
      return append_json(out, entry);
    case EntryForm::pretty: {
      std::string json;
      append_json(json, entry);
      return append_indented_json(out, json);
    }
    case EntryForm::message:
      out += entry.message;
      return;
    case EntryForm::journal:
      return append_journal_export(out, entry);
  }
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

std::optional<EntryForm> parse_entry_form(std::string_view name) noexcept {
  if (name == "short") return EntryForm::brief;
  if (name == "verbose") return EntryForm::verbose;
  if (name == "json") return EntryForm::json;
  if (name == "json-pretty") return EntryForm::pretty;
  if (name == "cat") return EntryForm::message;
  if (name == "export") return EntryForm::journal;
  return std::nullopt;
}

void append_entry_text(std::string& out, StoredEntry const& entry, EntryStyle style) {
  if (style.form == EntryForm::brief) {
    append_brief(out, entry, style);
  } else if (style.form == EntryForm::verbose) {
    append_verbose(out, entry, style);
  } else if (style.visible) {
    std::string text;
    append_raw(text, entry, style.form);
    bool const has_lines = style.form == EntryForm::pretty || style.form == EntryForm::journal;
    if (has_lines) {
      append_visible_lines(out, text);
    } else {
      append_visible(out, text);
    }
  } else {
    append_raw(out, entry, style.form);
  }
  if (style.form != EntryForm::journal) out += '\n';
}

}  // namespace stele::cli
