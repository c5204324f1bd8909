#include "client-lib/cli/import/line_parser.hpp"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "client-lib/cli/import/json_members.hpp"
#include "client-lib/cli/text/level_names.hpp"
#include "client-lib/cli/text/text_scanner.hpp"
#include "client-lib/cli/times/civil_time.hpp"
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
  if (form_.time.first_year) finder_.set_first_year(*form_.time.first_year);
  if (form_.time.kind != TimeOption::Kind::given) return;
  clock_ = line_clock_of(form_.time.format, now_us_);
  if (form_.time.first_year) clock_->set_first_year(*form_.time.first_year, true);
}

bool LineParser::begin_file(std::string_view first_lines, bool is_file, std::uint64_t latest_us) {
  reads_times_ = !form_.json && form_.time.kind != TimeOption::Kind::none &&
                 (is_file || !form_.time.of_files_alone);
  last_time_us_.reset();
  if (!reads_times_) return true;
  take_clock(std::nullopt);
  form_names_.clear();
  lines_missed_ = 0;
  other_clocks_.clear();
  if (form_.time.kind == TimeOption::Kind::automatic) {
    find_clocks(first_lines, latest_us);
    tries_left_ = clock_ ? 0 : later_tries_max;
  } else {
    take_clock(line_clock_of(finder_.refined(form_.time.format, first_lines), latest_us));
  }
  if (!clock_) {
    // A form that few lines have is found when such a line comes; those before it are not later.
    last_time_us_ = finder_.find_first_time(first_lines, latest_us, tries_left_);
    return false;
  }
  if (lacks_first_year(first_lines)) return true;  // The first moment is known only with it.
  auto const first = first_moment(*clock_, first_lines);
  if (first) last_time_us_ = first->time_us;
  return first.has_value();
}

void LineParser::find_clocks(std::string_view first_lines, std::uint64_t latest_us) {
  auto clocks = finder_.find_clocks(first_lines, latest_us);
  if (clocks.empty()) {
    auto only = finder_.find_vague_clock(first_lines, latest_us);
    // Objects may have times in any of their members.
    if (!only && !first_lines.starts_with('{')) {
      only = finder_.find_clock_within(first_lines, latest_us);
    }
    return take_clock(std::move(only));
  }
  take_clock(std::move(clocks.front()));
  for (auto& clock : std::span(clocks).subspan(1)) other_clocks_.push_back({std::move(clock)});
}

bool LineParser::lacks_first_year(std::string_view first_lines) {
  return reads_times_ && clock_ && !form_.time.first_year && lacks_years(*clock_, first_lines);
}

void LineParser::set_first_year(int year, std::string_view first_lines) {
  clock_->set_first_year(year, false);
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
  if (clock_) {
    assumed_.add(clock_->assumed());
    form_names_ = time_forms();
    for (auto const& other : other_clocks_) assumed_.add(other.clock.assumed());
  }
  other_clocks_.clear();
  clock_ = std::move(clock);
  if (clock_ && form_.time.first_year) clock_->set_first_year(*form_.time.first_year, true);
}

std::string LineParser::time_forms() const {
  auto names = form_names_;
  if (!clock_) return names;
  if (!names.empty()) names += ", then ";
  names += clock_->name();
  for (auto const& other : other_clocks_) {
    if (other.is_used) names += " and " + other.clock.name();
  }
  auto const& assumed = clock_->assumed();
  if (!assumed.first_year) return names;
  names += ", without a year: " + std::to_string(*assumed.first_year);
  if (assumed.last_year != assumed.first_year) names += " to " + std::to_string(*assumed.last_year);
  return names;
}

LineClock::Assumed LineParser::assumed() const noexcept {
  auto all = assumed_;
  all.add(finder_.assumed());
  if (clock_) all.add(clock_->assumed());
  for (auto const& other : other_clocks_) all.add(other.clock.assumed());
  return all;
}

// Several programs may write into one log. What stands in a line that goes on with the one before
// is hardly ever a time near that of the log.
std::optional<LineClock::Moment> LineParser::find_other_moment(std::string_view line) {
  for (auto& [clock, is_used] : other_clocks_) {
    auto const written = clock.read(line);
    if (!written) continue;
    if (!written->has_year && !written->epoch_us && !std::exchange(is_used, true) &&
        last_time_us_) {
      auto const seconds = static_cast<std::int64_t>(*last_time_us_ / second_us);
      clock.set_first_year(local_time_at(seconds).tm_year + 1900, false);
    }
    auto const found = clock.find(line);
    if (!found) continue;
    auto const before = last_time_us_.value_or(found->time_us);
    auto const [first, last] = std::minmax({found->time_us, before});
    if (last - first <= day_us) {
      is_used = true;
      return found;
    }
  }
  return std::nullopt;
}

// A program may have begun to write its times in another form.
std::optional<LineClock::Moment> LineParser::find_moment(std::string_view line) {
  auto found = clock_ ? clock_->find(line) : std::nullopt;
  if (!found) found = find_other_moment(line);
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
  if (!found) {
    if (!clock_ || !clock_->assumed().date_is_impossible) return take_time_of_other_line(made);
    made.entry.timestamp = last_time_us_;
    made.notes.set(static_cast<std::size_t>(Note::impossible_date));
    return;
  }
  last_time_us_ = made.entry.timestamp = found->time_us;
  if (auto const level = read_level(found->level)) made.entry.level = level->level;
}

void LineParser::take_time_of_other_line(LineEntry& made) {
  made.entry.timestamp = last_time_us_;
  auto const note = last_time_us_ ? Note::time_of_other_line : Note::time_of_arrival;
  made.notes.set(static_cast<std::size_t>(note));
}

void LineParser::take_level(LineEntry& made) {
  try {
    auto const name = form_.level_pattern->level_group(made.entry.message);
    if (!name) return;
    if (auto const level = level_of_group(made.entry.message, *name)) {
      made.entry.level = level->level;
      ++levels_found_;
    } else {
      made.notes.set(static_cast<std::size_t>(Note::unknown_group));
    }
  } catch (PatternLimitError const&) {
    made.notes.set(static_cast<std::size_t>(Note::undecided_level));
  }
}

// The digits of an export are microseconds; its text of a time is read where those are gone.
std::optional<std::uint64_t> LineParser::time_of_text(std::string_view text) {
  if (form_.json->times_are_us) {
    auto const number = parse_number(text);
    return number || !form_.json->is_export ? number : finder_.time_of(text);
  }
  if (!clock_) return finder_.time_of(text);
  auto const found = clock_->find(text);
  return found ? std::optional{found->time_us} : std::nullopt;
}

LineEntry LineParser::parse_as_text(std::string_view line, Note why) {
  auto made = make_line_entry(line, form_.level);
  made.notes.set(static_cast<std::size_t>(why));
  take_time_of_other_line(made);
  return made;
}

Result<LineEntry> LineParser::parse_json(std::string_view line) {
  std::string object;
  auto const invalid_bytes = append_as_utf8(object, line);
  if (object.starts_with(utf8_mark)) object.erase(0, utf8_mark.size());
  // As `journalctl -o json-seq` and `-o json-sse` write them.
  for (auto const prefix : {std::string_view{"\x1e"}, std::string_view{"data: "}}) {
    if (object.starts_with(prefix)) object.erase(0, prefix.size());
  }
  bool const had_half_pairs = replace_half_pairs(object);
  auto const kind = json_kind(object);
  if (kind == JsonKind::too_much) has_seen_object_ = true;
  if (kind != JsonKind::object) {
    bool const is_object = kind == JsonKind::too_much;
    if (takes_text()) return parse_as_text(line, is_object ? Note::object_as_text : Note::text);
    return Failure{Error::bad_json, is_object ? "is too deep, or has a number out of range"
                                              : "is not a JSON object"};
  }
  has_seen_object_ = true;
  auto made = entry_of_object(object);
  if (had_half_pairs) made.notes.set(static_cast<std::size_t>(Note::half_pair));
  made.invalid_bytes += invalid_bytes;
  if (made.invalid_bytes > 0) count_invalid_bytes(made);
  return made;
}

LineEntry LineParser::entry_of_object(std::string const& object) {
  LineEntry made;
  auto json = entry_of_json(object, *form_.json, form_.level,
                            [this](std::string_view text) { return time_of_text(text); });
  made.entry = std::move(json.entry);
  made.notes = json.notes;
  made.invalid_bytes = json.invalid_bytes;
  found_members_.add(json.found);
  if (made.entry.timestamp) {
    last_time_us_ = made.entry.timestamp;
  } else if (form_.time.of_members) {
    take_time_of_other_line(made);
  }
  return made;
}

}  // namespace stele::cli
