#include "client-lib/cli/import/line_import.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "client-lib/cli/import/import_batch.hpp"
#include "client-lib/cli/import/import_notes.hpp"
#include "client-lib/cli/import/json_members.hpp"
#include "client-lib/cli/input/decoded_input.hpp"
#include "client-lib/cli/input/line_splitter.hpp"
#include "client-lib/cli/terminal/interruption.hpp"
#include "client-lib/cli/terminal/progress.hpp"
#include "client-lib/cli/terminal/report.hpp"
#include "client-lib/cli/terminal/streams.hpp"
#include "client-lib/cli/text/text_scanner.hpp"
#include "client-lib/cli/times/time_text.hpp"
#include "protocol/request/request.hpp"

namespace stele::cli {
namespace {

constexpr std::size_t json_line_bytes_more = std::size_t{256} << 10;
/// Nothing waits longer for a batch to fill.
constexpr std::chrono::milliseconds batch_age_max{500};
constexpr std::size_t searched_line_bytes_max = std::size_t{64} << 10;
constexpr std::size_t batch_bytes_max = std::size_t{1} << 20;
constexpr std::uint64_t refused_lines_named_max = 10;
/// How long a batch may take, over connections.
constexpr std::chrono::seconds patience{60};
constexpr std::chrono::milliseconds overload_pause{100};

// A line of JSON may be longer than the entry that it makes: `\u0000` is one byte of it.
std::size_t line_bytes_for(std::size_t entry_bytes_max, LineParser const& parser) {
  return parser.reads_json() ? entry_bytes_max * 6 + json_line_bytes_more : entry_bytes_max;
}

// A control character takes six bytes of JSON, so a batch of this size always fits into a frame.
std::size_t batch_bytes_for(std::size_t frame_bytes_max) {
  return std::min(batch_bytes_max, frame_bytes_max / 8);
}

std::optional<std::uint64_t> total_bytes(std::vector<std::string> const& paths) {
  std::uint64_t total = 0;
  for (auto const& path : paths) {
    auto const file = InputFile::open(path);
    if (!file) continue;  // Reported when its turn comes.
    auto const size = file->size();
    if (!size) return std::nullopt;
    total += *size;
  }
  return total;
}

// The whole file is read for it, since only its end is near a time that is known.
std::optional<int> first_year_of(std::string const& path, LineClock& clock,
                                 std::uint64_t latest_us) {
  auto file = InputFile::open(path);
  if (!file) return std::nullopt;
  FirstYear year;
  LineSplitter splitter{searched_line_bytes_max};
  DecodedInput input{*file};
  auto const add = [&](LineSplitter::Line const& line) {
    auto const written = clock.read(line.text);
    if (written && !written->has_year && !written->epoch_us) year.add(written->civil);
  };
  for (;;) {
    auto const bytes = input.read();
    if (!bytes || interrupted()) return std::nullopt;
    if (!bytes->has_value()) continue;
    if ((*bytes)->empty()) break;
    splitter.feed(**bytes);
    while (auto const line = splitter.next()) add(*line);
  }
  if (auto const line = splitter.finish()) add(*line);
  return year.before(latest_us);
}

// Of `journalctl -o export`.
bool is_journal_export(std::string_view text) noexcept {
  return text.starts_with("__CURSOR=") || text.starts_with("__REALTIME_TIMESTAMP=");
}

std::string time_forms_text(std::map<std::string, std::vector<std::string>> const& files_by_form) {
  std::string text;
  for (auto const& [form, files] : files_by_form) {
    if (!text.empty()) text += "; ";
    text += form.empty() ? "none, for no form was found" : form;
    if (files_by_form.size() == 1 && !form.empty()) break;
    text += files.size() == 1 ? " in " + files.front()
                              : " in " + std::to_string(files.size()) + " files";
  }
  return text;
}

// One run of `stele import`: a batch at a time, so that what is stored is always a prefix of the
// input.
class Import {
 public:
  Import(ClientOptions options, Client client, ImportArguments arguments)
      : options_(std::move(options)),
        client_(std::move(client)),
        paths_(std::move(arguments.paths)),
        asked_({.zone = arguments.zone_is_given,
                .year = arguments.form.time.first_year.has_value(),
                .level = arguments.form.level_pattern.has_value(),
                .mapped = std::move(arguments.mapped)}),
        time_(arguments.form.time),
        parser_(std::move(arguments.form), now_us()),
        batch_({.entries_max = arguments.batch_entries_max,
                .bytes_max = batch_bytes_for(client_.hello().frame_bytes_max)}),
        line_bytes_max_(line_bytes_for(client_.hello().entry_bytes_max, parser_)),
        meter_(total_bytes(paths_)) {}

  int run();

 private:
  using Clock = std::chrono::steady_clock;
  struct Asked {
    bool zone = false;
    bool year = false;
    bool level = false;
    std::vector<std::string> mapped{};
  };

  void import_file(InputFile& file);
  /// False: nothing of the file is to be imported.
  bool begin_file(InputFile const& file, std::string_view first_lines);
  void tell_likely_times(InputFile const& file, std::string_view first_lines);
  void tell_why_no_times(InputFile const& file, std::string_view first_lines);
  void refuse_file(InputFile const& file, std::string_view first_lines);
  void refuse_journal_export(InputFile const& file);
  /// `is_cut`: the line goes on in what could not be read.
  void add_line(InputFile const& file, LineSplitter::Line const& line, std::uint64_t number,
                bool is_cut = false);
  void refuse_long_line(InputFile const& file, std::uint64_t bytes, std::uint64_t number);
  void refuse_line(InputFile const& file, std::uint64_t number, std::string const& why);
  void send_batch(InputFile const& file);
  Result<SeqRange> write_batch();
  bool has_done_less() const noexcept;
  void tell_what_did_nothing();
  void tell_idle_maps();
  void tell_times_of_members();
  bool stopped() const noexcept { return fatal_ || interrupted(); }

  ClientOptions options_;
  Client client_;
  std::vector<std::string> paths_;
  Asked asked_;
  TimeOption time_;
  LineParser parser_;
  std::map<std::string, std::vector<std::string>> files_by_form_{};
  ImportBatch batch_;
  std::size_t line_bytes_max_;
  ProgressMeter meter_;
  ImportSummary summary_{};
  std::uint64_t bytes_done_ = 0;   ///< Input whose lines are stored or refused.
  std::uint64_t batch_bytes_ = 0;  ///< Input of the batch.
  Clock::time_point batch_began_{};
  std::size_t batch_invalid_bytes_ = 0;
  NoteCounts batch_notes_{};
  std::uint64_t batch_invalid_lines_ = 0;
  std::uint64_t next_write_no_ = 1;
  bool batch_is_unsure_ = false;  ///< It was sent, and perhaps stored.
  bool begins_as_json_ = false;
  bool failed_ = false;             ///< Something was not imported; the rest was tried.
  std::optional<Failure> fatal_{};  ///< Nothing more can be written.
};

// What is not as it was given, though every line is there.
bool Import::has_done_less() const noexcept {
  bool const lacks_times = time_.kind == TimeOption::Kind::given && !parser_.reads_json() &&
                           summary_.notes.of(Note::time_of_arrival) > 0;
  return lacks_times || summary_.notes.of(Note::unknown_time) > 0 ||
         summary_.notes.of(Note::left_out) > 0 || summary_.notes.of(Note::undecided_level) > 0 ||
         summary_.notes.of(Note::impossible_date) > 0;
}

// An option that was given and had no effect is perhaps not what was meant.
void Import::tell_what_did_nothing() {
  auto& remarks = summary_.remarks;
  if (summary_.lines == 0) return;
  auto const assumed = parser_.assumed();
  if (asked_.zone && !assumed.zone) {
    remarks.emplace_back("--timezone did nothing: no time was read that has no zone");
  }
  bool const has_impossible_date = summary_.notes.of(Note::impossible_date) > 0;
  if (asked_.year && !assumed.first_year && !has_impossible_date) {
    remarks.emplace_back("--year did nothing: no time was read that has no year");
  }
  if (asked_.level && parser_.levels_found() == 0) {
    remarks.emplace_back("--level-pattern did nothing: it found a level in no line");
    failed_ = true;
  }
  tell_idle_maps();
  tell_times_of_members();
}

void Import::tell_idle_maps() {
  auto const& found = parser_.found_members();
  for (auto const& term : asked_.mapped) {
    bool const is_found = term.starts_with("timestamp=") ? found.timestamp
                          : term.starts_with("level=")   ? found.level
                          : term.starts_with("message=") ? found.message
                                                         : found.metadata;
    if (is_found) continue;
    summary_.remarks.push_back("--map " + term + " did nothing: no line has this member");
    failed_ = true;
  }
}

// Those of lines stand in time_forms.
void Import::tell_times_of_members() {
  auto const assumed = parser_.assumed();
  if (!parser_.reads_json() || !assumed.first_year) return;
  auto years = std::to_string(*assumed.first_year);
  if (assumed.last_year != assumed.first_year) years += " to " + std::to_string(*assumed.last_year);
  summary_.remarks.push_back("times without a year: taken as of " + years);
}

int Import::run() {
  for (auto const& path : paths_) {
    if (stopped()) break;
    auto file = InputFile::open(path);
    if (file) {
      import_file(*file);
      continue;
    }
    meter_.clear();
    report(file.error());
    failed_ = true;
  }
  meter_.clear();
  tell_what_did_nothing();
  if (parser_.reads_json() && !parser_.has_seen_object() && summary_.lines > 0) {
    print_error("no line is a JSON object",
                begins_as_json_ ? "of an array, or of objects over several lines: jq -c "
                                  "'if type == \"array\" then .[] else . end' FILE | stele import "
                                  "--format json -"
                                : "without --format each line is a message");
    failed_ = true;
  }
  int exit_code = failed_ || has_done_less() ? exit_failed : exit_ok;
  if (fatal_) {
    exit_code = report(*fatal_);
  } else if (interrupted()) {
    exit_code = interrupted_exit_code();
  }
  summary_.complete = exit_code == exit_ok || exit_code == exit_failed;
  summary_.time_forms = time_forms_text(files_by_form_);
  auto const text = summary_text(summary_);
  std::fwrite(text.data(), 1, text.size(), stderr);
  return exit_code;
}

void Import::import_file(InputFile& file) {
  file.on_idle([this, &file] {
    send_batch(file);
    return !fatal_;
  });
  DecodedInput input{file};
  LineSplitter splitter{line_bytes_max_};
  std::uint64_t line_number = 0;
  bool begun = false;
  bool has_failed = false;
  while (!stopped()) {
    auto const bytes = input.read();
    if (!bytes) {
      meter_.clear();
      report(bytes.error());
      failed_ = has_failed = true;
      break;
    }
    if (!bytes->has_value()) continue;
    if ((*bytes)->empty()) break;
    if (!std::exchange(begun, true) && !begin_file(file, **bytes)) return;
    splitter.feed(**bytes);
    while (auto const line = splitter.next()) {
      if (fatal_) return;
      add_line(file, *line, ++line_number);
    }
  }
  // What a signal cut short cannot be read again from a pipe, and can from a file.
  bool const is_cut = interrupted() && file.is_named_file();
  auto const last = is_cut ? std::nullopt : splitter.finish();
  if (last && !fatal_) add_line(file, *last, ++line_number, has_failed || interrupted());
  if (!fatal_) send_batch(file);
  if (input.replaced() > 0) {
    summary_.remarks.push_back("characters of " + file.name() +
                               " that are cut off, or half of a surrogate pair of UTF-16: " +
                               std::to_string(input.replaced()) +
                               "; U+FFFD stands in place of each");
  }
  if (begun && parser_.reads_times()) files_by_form_[parser_.time_forms()].push_back(file.name());
}

bool Import::begin_file(InputFile const& file, std::string_view first_lines) {
  if (parser_.reads_json() && is_journal_export(first_lines)) {
    refuse_journal_export(file);
    return false;
  }
  begins_as_json_ = begins_as_json_ || first_lines.starts_with('[') || first_lines.starts_with('{');
  auto const latest_us = std::min(file.modified_us().value_or(now_us()), now_us());
  bool const found = parser_.begin_file(first_lines, file.is_named(), latest_us);
  if (!found && time_.kind == TimeOption::Kind::given && file.is_named_file()) {
    refuse_file(file, first_lines);
    return false;
  }
  if (!parser_.reads_times()) {
    tell_likely_times(file, first_lines);
    return true;
  }
  auto* const clock = parser_.clock();
  if (clock == nullptr) tell_why_no_times(file, first_lines);
  if (clock != nullptr && parser_.lacks_first_year(first_lines) && file.is_named_file()) {
    if (auto const year = first_year_of(file.name(), *clock, latest_us)) {
      parser_.set_first_year(*year, first_lines);
    }
  }
  return true;
}

// Lines of standard input have the time of their arrival, unless somebody asks for another.
void Import::tell_likely_times(InputFile const& file, std::string_view first_lines) {
  if (file.is_named() || !time_.of_files_alone || parser_.reads_json()) return;
  auto const likely = ClockFinder{now_us()}.find_clock(first_lines, now_us());
  if (!likely) return;
  summary_.remarks.push_back("each line of " + file.name() +
                             " has the time of its arrival; the lines seem to have times of their "
                             "own (" +
                             likely->name() + "), which --time auto would take");
}

void Import::tell_why_no_times(InputFile const& file, std::string_view first_lines) {
  if (json_kind(first_lines.substr(0, first_lines.find('\n'))) == JsonKind::object) {
    summary_.remarks.push_back("the lines of " + file.name() +
                               " seem to be JSON objects, which --format json would take");
  } else if (ClockFinder{now_us()}.is_vague(first_lines)) {
    failed_ = true;
    summary_.remarks.push_back("the times of " + file.name() +
                               " may have the day first, or the month: --time day-first or --time "
                               "month-first (or year-first) says which");
  } else if (ClockFinder::has_times_of_day(first_lines)) {
    failed_ = true;
    summary_.remarks.push_back("the times of " + file.name() +
                               " are not understood, or have no date: --time FORMAT says how they "
                               "are written, --time none that those of arrival are meant");
  }
}

void Import::refuse_journal_export(InputFile const& file) {
  failed_ = true;
  meter_.clear();
  print_error(file.name() + " is in the export format of the journal; nothing of it is imported",
              "systemd-journal-remote -o x.journal FILE makes a journal of it, and journalctl "
              "--file x.journal -o json --all what --format journal takes");
}

void Import::refuse_file(InputFile const& file, std::string_view first_lines) {
  failed_ = true;
  meter_.clear();
  auto const likely = ClockFinder{now_us()}.find_clock(first_lines, now_us());
  print_error("the first lines of " + file.name() + " have no time of the form '" + time_.format +
                  "'; nothing of it is imported",
              likely ? "its times look like '" + likely->name() + "': --time auto finds that"
                     : "--time none gives each line the time at which it arrives");
}

void Import::add_line(InputFile const& file, LineSplitter::Line const& line, std::uint64_t number,
                      bool is_cut) {
  if (line.too_long) return refuse_long_line(file, line.bytes, number);
  if (is_blank(line.text) && parser_.skips_empty_lines()) return;
  batch_bytes_ += line.bytes + 1;
  auto parsed = parser_.parse(line.text);
  if (!parsed) return refuse_line(file, number, parsed.error().message);
  auto& made = *parsed;
  auto valid = protocol::validate_entry(made.entry);
  if (!valid && parser_.reads_json() && parser_.takes_text()) {
    made = parser_.parse_as_text(line.text, Note::object_as_text);
    valid = protocol::validate_entry(made.entry);
  }
  // An object that is whole has its end.
  bool const is_text = made.notes.test(static_cast<std::size_t>(Note::text));
  if (is_cut && (is_text || !parser_.reads_json())) mark_as_cut(made);
  auto const bytes = entry_bytes(made.entry);
  if (bytes > client_.hello().entry_bytes_max) return refuse_long_line(file, bytes, number);
  if (!valid) return refuse_line(file, number, "makes no entry: " + valid.error().message);
  if (!batch_.has_room_for(made.entry)) {
    send_batch(file);
    if (fatal_) return;
  }
  if (batch_.empty()) batch_began_ = Clock::now();
  auto const nul_bytes = std::ranges::count(made.entry.message, '\0');
  batch_.add(std::move(made.entry), number);
  batch_notes_.add(made.notes);
  summary_.nul_bytes += static_cast<std::uint64_t>(nul_bytes);
  if (Clock::now() - batch_began_ > batch_age_max) send_batch(file);
  batch_invalid_bytes_ += made.invalid_bytes;
  if (made.invalid_bytes > 0) ++batch_invalid_lines_;
}

void Import::refuse_long_line(InputFile const& file, std::uint64_t bytes, std::uint64_t number) {
  refuse_line(file, number,
              "makes an entry of " + std::to_string(bytes) + " bytes, the daemon's limit is " +
                  std::to_string(client_.hello().entry_bytes_max));
}

void Import::refuse_line(InputFile const& file, std::uint64_t number, std::string const& why) {
  failed_ = true;
  if (++summary_.refused_lines > refused_lines_named_max) return;
  meter_.clear();
  print_error("line " + std::to_string(number) + " of " + file.name() + ' ' + why +
              "; it is not imported");
}

void Import::send_batch(InputFile const& file) {
  if (batch_.empty()) return;
  auto const range = write_batch();
  if (!range) {
    fatal_ = range.error();
    if (batch_is_unsure_) {
      summary_.unknown_lines = "lines " + std::to_string(batch_.first_line()) + " to " +
                               std::to_string(batch_.last_line()) + " of " + file.name();
    }
    return;
  }
  summary_.add_stored(*range, batch_.entries().size());
  summary_.last_stored = "line " + std::to_string(batch_.last_line()) + " of " + file.name();
  bytes_done_ += std::exchange(batch_bytes_, 0);
  summary_.invalid_bytes += std::exchange(batch_invalid_bytes_, 0);
  summary_.invalid_lines += std::exchange(batch_invalid_lines_, 0);
  summary_.notes.add(std::exchange(batch_notes_, {}));
  batch_.clear();
  meter_.show(bytes_done_, summary_.lines);
}

// Tried again where the daemon is overloaded or gone for a time: the number of the write sees to it
// that it is stored once.
Result<SeqRange> Import::write_batch() {
  Deadline const give_up{patience};
  batch_is_unsure_ = false;
  for (;;) {
    auto range = client_.write_once(batch_.entries(), next_write_no_);
    if (range) {
      ++next_write_no_;
      return range;
    }
    batch_is_unsure_ = batch_is_unsure_ || may_be_stored(range.error());
    if (interrupted() || give_up.has_passed()) return range;
    if (range.error().code == Error::overloaded) {
      std::this_thread::sleep_for(overload_pause);
    } else if (ends_with_connection(range.error())) {
      meter_.clear();
      auto client = wait_for_daemon(options_, give_up);
      if (!client) return client.error();
      client_ = std::move(*client);
    } else {
      return range;
    }
  }
}

}  // namespace

int import_lines(ClientOptions const& options, ImportArguments arguments) {
  auto own = options;
  own.writer = random_writer();
  auto client = Client::connect(own);
  if (!client) return report(client.error());
  watch_for_interrupt();
  return Import{std::move(own), std::move(*client), std::move(arguments)}.run();
}

}  // namespace stele::cli
