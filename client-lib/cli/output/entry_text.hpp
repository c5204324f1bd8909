// How `stele read` prints an entry.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "stele/log_entry.hpp"

namespace stele::cli {

/// Appends `json` (valid, without white space between tokens) with a line for each member and
/// element, indented by two blanks a level. Every token stays as it is.
void append_indented_json(std::string& out, std::string_view json);

enum class EntryForm : std::uint8_t {
  brief,    ///< `short`: local time, level, message, metadata if any; always one line, visible.
  verbose,  ///< The time and the seq, then a line for each other part; metadata a line a member.
  json,     ///< The stored entry as one line of JSON, with `time` (RFC 3339, UTC) added.
  pretty,   ///< `json-pretty`: the same, a line a member.
  message,  ///< `cat`: the message and \n, byte for byte.
  journal,  ///< `export`: Journal Export Format (journal_export.hpp).
};

/// For option tables and error texts.
inline constexpr std::string_view entry_form_names = "short|verbose|json|json-pretty|cat|export";
std::optional<EntryForm> parse_entry_form(std::string_view name) noexcept;

struct EntryStyle {
  EntryForm form = EntryForm::brief;
  bool visible = false;  ///< Escape what a terminal would act on, in every form.
  bool colour = false;   ///< Levels in colour, in `brief` and `verbose`.
  bool utc = false;      ///< Times of these two in UTC, not local.
};

/// Appends the entry with its line end.
void append_entry_text(std::string& out, StoredEntry const& entry, EntryStyle style);

}  // namespace stele::cli
