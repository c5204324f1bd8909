#include "client-lib/cli/line_parser.hpp"

#include <string>
#include <utility>

#include "client-lib/cli/given_options.hpp"
#include "client-lib/cli/json_members.hpp"
#include "client-lib/cli/level_names.hpp"
#include "stele/utf8.hpp"

namespace stele::cli {
namespace {

constexpr std::size_t later_tries_max = 100;
// An entry has hardly ever more lines.
constexpr std::size_t lines_missed_max = 50;
constexpr std::string_view utf8_mark = "\xef\xbb\xbf";

// `34` of `<34>` is no level but the priority of syslog, with a facility.
std::optional<ReadLevel> level_of_group(std::string_view line, std::string_view group) {
  auto const start = static_cast<std::size_t>(group.data() - line.data());
  bool const is_inside = start > 0 && line.substr(start - 1, group.size() + 2).starts_with('<') &&
                         line.substr(start + group.size()).starts_with('>');
  if (group.starts_with('<') && group.ends_with('>'))
    group = group.substr(1, group.size() - 2);
  else if (!is_inside)
    return read_level(group);
  auto const priority = parse_number(group);
  if (!priority || *priority > 191) return read_level(group);
  return read_level(std::string(1, static_cast<char>('0' + *priority % 8)));
}

// As make_line_entry() does, beside the members that are there.
void count_invalid_bytes(LineEntry& made) {
  auto& metadata = made.entry.metadata;
  if (value_at(members_of(metadata), "import")) return;
  metadata.pop_back();
  if (metadata.size() > 1) metadata += ',';
  metadata += "\"import\":{\"invalid_bytes\":" + std::to_string(made.invalid_bytes) + "}}";
}

}  // namespace

LineParser::LineParser(LineForm form, std::uint64_t now_us)
    : form_(std::move(form)), now_us_(now_us), finder_(now_us) {
  if (form_.time.kind == TimeOption::Kind::given) {
    clock_ = line_clock_of(form_.time.format, now_us_);
    if (form_.time.first_year) clock_->set_first_year(*form_.time.first_year);
  }
}

bool LineParser::begin_file(std::string_view first_lines, bool is_file, std::uint64_t latest_us) {
  reads_times_ = !form_.json && form_.time.kind != TimeOption::Kind::none &&
                 (is_file || !form_.time.of_files_alone);
  last_time_us_.reset();
  if (!reads_times_) return true;
  form_names_.clear();
  lines_missed_ = 0;
  if (form_.time.kind == TimeOption::Kind::automatic) {
    clock_.reset();
    take_clock(finder_.find_clock(first_lines, latest_us));
    tries_left_ = clock_ ? 0 : later_tries_max;
    if (clock_ && form_.time.first_year) clock_->set_first_year(*form_.time.first_year);
  } else {
    if (!form_.time.first_year) clock_ = line_clock_of(form_.time.format, latest_us);
    form_names_ = form_.time.format;
  }
  if (!clock_) return false;
  if (lacks_first_year(first_lines)) return true;  // The first moment is known only with it.
  auto const first = first_moment(*clock_, first_lines);
  if (first) last_time_us_ = first->time_us;
  return first.has_value();
}

bool LineParser::lacks_first_year(std::string_view first_lines) {
  return reads_times_ && clock_ && !form_.time.first_year && lacks_years(*clock_, first_lines);
}

void LineParser::set_first_year(int year, std::string_view first_lines) {
  clock_->set_first_year(year);
  if (auto const first = first_moment(*clock_, first_lines)) last_time_us_ = first->time_us;
}

Result<LineEntry> LineParser::parse(std::string_view line) {
  if (form_.json) return parse_json(line);
  auto made = make_line_entry(line, form_.level);
  if (reads_times_) take_time(line, made);
  if (form_.level_pattern) take_level(made);
  return made;
}

void LineParser::take_clock(std::optional<LineClock> clock) {
  if (!clock) return;
  clock_ = std::move(clock);
  if (!form_names_.empty()) form_names_ += ", then ";
  form_names_ += clock_->name();
}

// A program may have begun to write its times in another form.
std::optional<LineClock::Moment> LineParser::find_moment(std::string_view line) {
  auto found = clock_ ? clock_->find(line) : std::nullopt;
  if (!found && tries_left_ > 0) {
    --tries_left_;
    if (auto other = finder_.find_clock(line, now_us_)) {
      take_clock(std::move(other));
      found = clock_->find(line);
    }
  }
  if (found) {
    lines_missed_ = 0;
    tries_left_ = 0;
  } else if (++lines_missed_ == lines_missed_max &&
             form_.time.kind == TimeOption::Kind::automatic) {
    tries_left_ = later_tries_max;
  }
  return found;
}

void LineParser::take_time(std::string_view line, LineEntry& made) {
  auto const found = find_moment(line);
  if (!found) return take_time_of_other_line(made);
  last_time_us_ = made.entry.timestamp = found->time_us;
  if (auto const level = read_level(found->level)) made.entry.level = level->level;
}

void LineParser::take_time_of_other_line(LineEntry& made) {
  made.entry.timestamp = last_time_us_;
  auto const note = last_time_us_ ? Note::time_of_other_line : Note::time_of_arrival;
  made.notes.set(static_cast<std::size_t>(note));
}

void LineParser::take_level(LineEntry& made) const {
  try {
    auto const name = form_.level_pattern->level_group(made.entry.message);
    if (auto const level = name ? level_of_group(made.entry.message, *name) : std::nullopt)
      made.entry.level = level->level;
  } catch (PatternLimitError const&) {
    made.notes.set(static_cast<std::size_t>(Note::undecided_level));
  }
}

std::optional<std::uint64_t> LineParser::time_of_text(std::string_view text) {
  if (form_.json->times_are_us) return parse_number(text);
  if (!clock_) return finder_.time_of(text);
  auto const found = clock_->find(text);
  return found ? std::optional{found->time_us} : std::nullopt;
}

LineEntry LineParser::parse_as_text(std::string_view line) {
  auto made = make_line_entry(line, form_.level);
  made.notes.set(static_cast<std::size_t>(Note::text));
  take_time_of_other_line(made);
  return made;
}

Result<LineEntry> LineParser::parse_json(std::string_view line) {
  LineEntry made;
  std::string object;
  made.invalid_bytes = append_as_utf8(object, line);
  if (object.starts_with(utf8_mark)) object.erase(0, utf8_mark.size());
  if (replace_half_pairs(object)) made.notes.set(static_cast<std::size_t>(Note::half_pair));
  if (!is_json_object(object)) {
    if (takes_text()) return parse_as_text(line);
    return Failure{Error::bad_json, "is not a JSON object"};
  }
  has_seen_object_ = true;
  auto json = entry_of_json(object, *form_.json, form_.level,
                            [this](std::string_view text) { return time_of_text(text); });
  made.entry = std::move(json.entry);
  made.notes |= json.notes;
  if (made.invalid_bytes > 0) count_invalid_bytes(made);
  if (made.entry.timestamp) {
    last_time_us_ = made.entry.timestamp;
  } else {
    take_time_of_other_line(made);
  }
  return made;
}

}  // namespace stele::cli
