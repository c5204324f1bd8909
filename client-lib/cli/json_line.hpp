// Lines that are JSON objects, made into entries.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stele/error.hpp"
#include "stele/log_entry.hpp"

namespace stele::cli {

/// Which members of an object become what. All that are not named become the metadata, each with
/// the text that it had. Several names: the first that the object has.
struct JsonMapping {
  std::vector<std::string> timestamp{};
  std::vector<std::string> level{};
  std::vector<std::string> message{};
  std::vector<std::string> dropped{};  ///< Names; one that ends with `*` is a start of names.
  bool times_are_us = false;           ///< Numbers are microseconds, whatever their size.
  /// A member whose members become the metadata; empty: none.
  std::string metadata{};
};

/// Common names of other programs' logs.
JsonMapping usual_mapping();
/// `journalctl -o json`.
JsonMapping journal_mapping();
/// `stele export`: what the daemon gives (seq, origin) is dropped.
JsonMapping stele_mapping();

/// Text of a time, microseconds since the epoch.
using TimeReader = std::function<std::optional<std::uint64_t>(std::string_view text)>;

/// The entry for one object. `otherwise` is its level if it has none.
/// Fails with bad_json or invalid_entry.
Result<LogEntry> entry_of_json(std::string_view line, JsonMapping const& mapping, Level otherwise,
                               TimeReader const& read_time);

/// A number as microseconds since the epoch, by its size: seconds, milliseconds, microseconds or
/// nanoseconds.
std::optional<std::uint64_t> epoch_us_of_number(std::string_view digits);

/// Names as in level_names.hpp, in any case; also syslog's digits 0 to 7, and 10 to 60 as some
/// libraries for JavaScript have them.
std::optional<Level> level_of_text(std::string_view text);

}  // namespace stele::cli
