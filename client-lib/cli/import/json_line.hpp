// Lines that are JSON objects, made into entries.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/cli/import/import_notes.hpp"
#include "stele/error.hpp"
#include "stele/log_entry.hpp"

namespace stele::cli {

/// Which members of an object become what, by their paths (value_at()). All that are not named
/// become the metadata, each with the text that it had. Of several names, the first whose value
/// can be one holds.
struct JsonMapping {
  std::vector<std::string> timestamp{};
  std::vector<std::string> level{};
  std::vector<std::string> message{};
  std::vector<std::string> dropped{};  ///< Names; one that ends with `*` is a start of names.
  /// A member whose members become the metadata; empty: none.
  std::string metadata{};
  bool times_are_us = false;  ///< Numbers are microseconds, whatever their size.
  bool is_export = false;     ///< `time` says again what `timestamp` says.
  bool is_journal = false;    ///< Arrays are bytes, or several values; null was too long.
  bool only_objects = false;  ///< Other lines are refused; else they are text.
};

/// Common names of other programs' logs.
JsonMapping usual_mapping();
/// `journalctl -o json`.
JsonMapping journal_mapping();
/// `stele export`: what the daemon gives (seq, origin) is dropped.
JsonMapping stele_mapping();

/// Text of a time, microseconds since the epoch.
using TimeReader = std::function<std::optional<std::uint64_t>(std::string_view text)>;

/// Which members of the mapping there were.
struct FoundMembers {
  bool timestamp = false;
  bool level = false;
  bool message = false;
  bool metadata = false;

  void add(FoundMembers const& other) noexcept {
    timestamp = timestamp || other.timestamp;
    level = level || other.level;
    message = message || other.message;
    metadata = metadata || other.metadata;
  }
};

struct JsonEntry {
  LogEntry entry{};
  Notes notes{};
  FoundMembers found{};
  std::size_t invalid_bytes = 0;  ///< Of a message that is bytes, replaced by U+FFFD.
};

/// The entry for one object, which is valid JSON. `otherwise` is its level if it has none.
JsonEntry entry_of_json(std::string_view object, JsonMapping const& mapping, Level otherwise,
                        TimeReader const& read_time);

}  // namespace stele::cli
