// Lines of a log, made into entries.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client-lib/cli/import/import_batch.hpp"
#include "client-lib/cli/import/json_line.hpp"
#include "client-lib/cli/text/text_pattern.hpp"
#include "client-lib/cli/times/line_clock.hpp"
#include "stele/error.hpp"
#include "stele/log_entry.hpp"

namespace stele::cli {

/// Where the time of a line comes from.
struct TimeOption {
  enum class Kind { none, automatic, given } kind = Kind::none;
  std::string format{};             ///< As line_clock_of() takes it.
  std::optional<int> first_year{};  ///< Of dates without a year.
  bool of_files_alone = false;      ///< Nobody asked for it: standard input stays as it comes.
  bool of_members = true;           ///< Objects have their times in a member.
};

struct LineForm {
  std::optional<JsonMapping> json{};  ///< Lines are objects; else the line is the message.
  Level level = Level::info;          ///< Of entries whose line names none.
  TimeOption time{};
  std::optional<TextPattern> level_pattern{};  ///< Its first group is the level.
};

/// A plain line is the message (make_line_entry). Where a time is looked for and not found,
/// the time of the line before holds, as for the rest of an entry of several lines; before the
/// first time of a file that of the first, if it is near enough.
class LineParser {
 public:
  /// `now_us`: no time is expected to be later.
  LineParser(LineForm form, std::uint64_t now_us);

  /// The lines of another file come, the first of them these. Returns whether their times are
  /// found, if any are looked for; `latest_us` is a time at which the file was whole.
  bool begin_file(std::string_view first_lines, bool is_file, std::uint64_t latest_us);
  bool reads_times() const noexcept { return reads_times_; }
  /// Of the times of this file; null: none are read.
  LineClock* clock() noexcept { return clock_ ? &*clock_ : nullptr; }
  /// The names of the forms of this file's times, in their order, and the years that were assumed;
  /// empty: none was found.
  std::string time_forms() const;
  /// What the times of all files did not say.
  LineClock::Assumed assumed() const noexcept;
  /// How many lines have their level by the pattern.
  std::uint64_t levels_found() const noexcept { return levels_found_; }
  /// After begin_file(): whether its dates lack a year that nobody has given; then set_first_year()
  /// may follow.
  bool lacks_first_year(std::string_view first_lines);
  void set_first_year(int year, std::string_view first_lines);

  /// Fails with bad_json where a line must be an object; the sentence goes on after "line 7".
  Result<LineEntry> parse(std::string_view line);
  /// Of a line that is no object, or one of which no entry can be made: the line is the message.
  LineEntry parse_as_text(std::string_view line, Note why = Note::text);
  /// Of all objects so far.
  FoundMembers const& found_members() const noexcept { return found_members_; }
  /// An empty line is a message, but no JSON.
  bool skips_empty_lines() const noexcept { return reads_json(); }
  bool reads_json() const noexcept { return form_.json.has_value(); }
  bool takes_text() const noexcept { return !form_.json || !form_.json->only_objects; }
  /// Whether there was a line of the form that was asked for.
  bool has_seen_object() const noexcept { return has_seen_object_; }

 private:
  Result<LineEntry> parse_json(std::string_view line);
  LineEntry entry_of_object(std::string const& object);
  std::optional<std::uint64_t> time_of_text(std::string_view text);
  void take_time(std::string_view line, LineEntry& made);
  std::optional<LineClock::Moment> find_moment(std::string_view line);
  void find_clocks(std::string_view first_lines, std::uint64_t latest_us);
  std::optional<LineClock::Moment> find_other_moment(std::string_view line);
  void take_clock(std::optional<LineClock> clock);
  void take_time_of_other_line(LineEntry& made);
  void take_level(LineEntry& made);

  LineForm form_;
  std::uint64_t now_us_;
  ClockFinder finder_;
  std::optional<LineClock> clock_{};
  struct OtherClock {
    LineClock clock;
    bool is_used = false;
  };
  std::vector<OtherClock> other_clocks_{};  ///< Of lines that have no time of clock_.
  std::optional<std::uint64_t> last_time_us_{};
  bool has_seen_object_ = false;
  bool reads_times_ = false;      ///< Of this file.
  std::size_t tries_left_ = 0;    ///< To find the form of the times in a later line.
  std::size_t lines_missed_ = 0;  ///< In a row, none of which had a time of the form.
  std::string form_names_{};      ///< Of the clocks before this one.
  LineClock::Assumed assumed_{};  ///< By the clocks before this one.
  std::uint64_t levels_found_ = 0;
  FoundMembers found_members_{};
};

}  // namespace stele::cli
