// Lines of a log, made into entries.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "client-lib/cli/import_batch.hpp"
#include "client-lib/cli/json_line.hpp"
#include "client-lib/cli/text_pattern.hpp"
#include "client-lib/cli/time_pattern.hpp"
#include "stele/error.hpp"
#include "stele/log_entry.hpp"

namespace stele::cli {

struct LineForm {
  std::optional<JsonMapping> json{};  ///< Lines are objects; else the line is the message.
  Level level = Level::info;          ///< Of entries whose line names none.
  std::optional<TimePattern> time{};
  std::optional<TextPattern> level_pattern{};  ///< Its first group is the level.
};

/// A plain line is the message (make_line_entry). Where a time is looked for and not found,
/// the time of the line before holds, as for the rest of an entry of several lines.
class LineParser {
 public:
  explicit LineParser(LineForm form) : form_(std::move(form)) {}

  /// Fails with bad_json or invalid_entry; the sentence goes on after "line 7".
  Result<LineEntry> parse(std::string_view line);
  /// An empty line is a message, but no JSON.
  bool skips_empty_lines() const noexcept { return form_.json.has_value(); }

 private:
  Result<LineEntry> parse_json(std::string_view line);

  LineForm form_;
  std::optional<std::uint64_t> last_time_us_{};
};

}  // namespace stele::cli
