#include "client-lib/cli/line_parser.hpp"

#include <string>
#include <utility>

#include "client-lib/cli/given_options.hpp"
#include "client-lib/cli/time_spec.hpp"
#include "protocol/json_text.hpp"

namespace stele::cli {

Result<LineEntry> LineParser::parse(std::string_view line) {
  if (form_.json) return parse_json(line);
  auto made = make_line_entry(line, form_.level);
  if (form_.time) {
    auto const time = form_.time->find(line);
    made.has_time_of_earlier_line = !time && last_time_us_;
    if (time) last_time_us_ = time;
    made.entry.timestamp = last_time_us_;
  }
  if (form_.level_pattern) {
    auto const name = form_.level_pattern->first_group(made.entry.message);
    if (auto const level = name ? level_of_text(*name) : std::nullopt) made.entry.level = *level;
  }
  return made;
}

Result<LineEntry> LineParser::parse_json(std::string_view line) {
  if (!protocol::is_utf8(line)) return Failure{Error::bad_json, "is not valid UTF-8"};
  auto const read_time = [this](std::string_view text) -> std::optional<std::uint64_t> {
    if (form_.json->times_are_us) return parse_number(text);
    if (form_.time) return form_.time->find(text);
    if (auto const number = epoch_us_of_number(text)) return number;
    return parse_time(text, 0);
  };
  auto entry = entry_of_json(line, *form_.json, form_.level, read_time);
  if (!entry) return entry.error();
  return LineEntry{.entry = std::move(*entry)};
}

}  // namespace stele::cli
