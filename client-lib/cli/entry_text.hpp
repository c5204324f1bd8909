// How `stele read` prints an entry.
#pragma once

#include <cstdint>
#include <string>

#include "stele/log_entry.hpp"

namespace stele::cli {

enum class EntryForm : std::uint8_t {
  brief,    ///< `short`: local time, level, message, metadata if any; always one line, visible.
  json,     ///< The stored entry as one line of JSON, with `time` (RFC 3339, UTC) added.
  message,  ///< `cat`: the message and \n, byte for byte.
};

struct EntryStyle {
  EntryForm form = EntryForm::brief;
  bool visible = false;  ///< Escape what a terminal would act on, in every form.
  bool colour = false;   ///< Levels in colour, in `brief`.
};

/// Appends the entry with its line end.
void append_entry_text(std::string& out, StoredEntry const& entry, EntryStyle style);

}  // namespace stele::cli
