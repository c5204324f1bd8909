#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>

#include "client-lib/cli/command_line/given_options.hpp"
#include "client-lib/cli/import/line_import.hpp"
#include "client-lib/cli/terminal/streams.hpp"
#include "client-lib/cli/times/civil_time.hpp"
#include "client-lib/cli/times/line_clock.hpp"
#include "client-lib/cli/times/time_text.hpp"
#include "client-lib/cli/verbs.hpp"

namespace stele::cli {
namespace {

constexpr std::string_view import_help =
    R"(Write each line of files, or of standard input, as one entry.

Examples:
  stele import /var/log/dpkg.log
  stele import --timezone UTC /var/log/auth.log
  stele import --time '%Y/%m/%d %H:%M:%S%f' --level-pattern '\[(\w+)\]' error.log
  stele import --format json --map message=event --map level=severity app.jsonl
  journalctl -o json --all | stele import --format journal
  stele export | stele import --format stele --socket /run/other/stele.sock

lines    the line is the message, byte for byte without its \n; bytes that are not UTF-8 become
         U+FFFD and are counted in the entry's metadata. What is packed (gzip, zstd, xz, bzip2) is
         unpacked (also several parts, one behind the other), and UTF-16 read
json     an object a line; members that are not mapped become the metadata; other lines are text
journal  `journalctl -o json --all`: without --all it leaves out what is above 4096 bytes
stele    `stele export`, or `stele read -o json`

The time of a line of a file (or of a pipe that has a name), and its level, are what the line says:
--time auto looks at the first lines for the form in which they are written, and names it at the
end. --time FORM says it: iso, syslog, rfc5424, apache, clf, epoch …, or a strptime format (with %f
for the digits of a fraction; `*` before it: anywhere in the line). A line without a time has that
of the line before; dates without a year are those before the file was last written, and the end
says which. --time none, and lines of standard input without --time: the daemon stamps them when
they arrive.

A daemon that is restarted meanwhile is waited for, up to a minute; each line is stored once.
)";

constexpr std::array import_options{
    Option{.names = "--format",
           .value = "lines|json|journal|stele",
           .help = "What a line is",
           .default_value = "lines"},
    Option{.names = "--time",
           .value = "FORMAT",
           .help = "How times are written: auto, none, iso, syslog, rfc5424, apache, clf, epoch, "
                   "…, or as for strptime; default: auto for files"},
    Option{.names = "--timezone",
           .value = "ZONE",
           .help = "Of times without one: Europe/Berlin, UTC; default: local time"},
    Option{.names = "--year",
           .value = "YEAR",
           .help = "Of the first line of each file, where times have no year; default: the latest "
                   "that fits"},
    Option{.names = "-p,--level,--priority",
           .value = "LEVEL",
           .help = "Of lines that name none",
           .default_value = "info"},
    Option{.names = "--level-pattern",
           .value = "PATTERN",
           .help = "A regular expression (PCRE) whose first group is the level's name"},
    Option{.names = "--map",
           .value = "NAME=MEMBER",
           .help = "json: which member is the timestamp, level, message or metadata; a.b is a "
                   "member of a",
           .many = true},
    Option{.names = "--batch",
           .value = "N",
           .help = "Most lines to write at once (also at most 1 MiB)",
           .default_value = "1000"},
    Option{.names = "FILE", .help = "Files; - or none: standard input", .many = true},
};

constexpr std::uint64_t batch_entries_ceiling = 100'000;

void use_time_zone(std::string const& name) {
  if (name != "UTC" && !is_time_zone(name)) {
    throw UsageError{"unknown time zone '" + name + "'",
                     "zones are the files in /usr/share/zoneinfo, such as Europe/Berlin; or UTC"};
  }
  ::setenv("TZ", name.c_str(), 1);
  ::tzset();
}

void map_member(JsonMapping& mapping, std::string const& term) {
  auto const equals = term.find('=');
  auto const name = term.substr(0, equals);
  auto const member = equals == term.npos ? std::string{} : term.substr(equals + 1);
  if (name == "timestamp") {
    mapping.timestamp = {member};
  } else if (name == "level") {
    mapping.level = {member};
  } else if (name == "message") {
    mapping.message = {member};
  } else if (name == "metadata") {
    mapping.metadata = member;
  }
  bool const known =
      name == "timestamp" || name == "level" || name == "message" || name == "metadata";
  if (known && !member.empty()) return;
  throw UsageError{"--map: '" + term + "' maps nothing",
                   "--map message=event; names are timestamp, level, message, metadata"};
}

std::optional<JsonMapping> mapping_of(GivenOptions const& given) {
  auto const format = given.text("--format", "lines");
  std::optional<JsonMapping> mapping;
  if (format == "json") {
    mapping = usual_mapping();
  } else if (format == "journal") {
    mapping = journal_mapping();
  } else if (format == "stele") {
    mapping = stele_mapping();
  } else if (format != "lines") {
    throw UsageError{"unknown format '" + format + "'", "formats are lines, json, journal, stele"};
  }
  for (auto const& term : given.all("--map")) {
    if (!mapping) throw UsageError{"--map needs --format json"};
    map_member(*mapping, term);
  }
  return mapping;
}

bool reads_times(GivenOptions const& given, std::optional<JsonMapping> const& mapping) {
  if (mapping) return !mapping->times_are_us && given.text("--time") != "none";
  if (given.has("--time")) return given.text("--time") != "none";
  auto const paths = given.all("FILE");
  return std::ranges::any_of(paths, [](auto const& path) { return path != "-"; });
}

// What could not do anything is a mistake of who typed it.
void refuse_idle_options(GivenOptions const& given, std::optional<JsonMapping> const& mapping) {
  auto const refuse = [&given](std::string_view option, std::string const& why,
                               std::string const& hint = {}) {
    if (given.has(option)) throw UsageError{std::string{option} + " does nothing " + why, hint};
  };
  auto const refuse_for_times = [&refuse](std::string const& why, std::string const& hint = {}) {
    for (auto const* option : {"--timezone", "--year"}) refuse(option, why, hint);
  };
  auto const format = "with --format " + given.text("--format", "lines");
  if (mapping) refuse("--level-pattern", format);
  if (mapping && mapping->times_are_us) {
    refuse("--time", format);
    refuse_for_times(format);
  }
  if (given.text("--time") == "none") {
    refuse_for_times("with --time none");
    for (auto const& term : given.all("--map")) {
      if (!term.starts_with("timestamp=")) continue;
      throw UsageError{"--map " + term + " does nothing with --time none"};
    }
  }
  if (!reads_times(given, mapping)) {
    refuse_for_times("for standard input, whose lines have the time of their arrival",
                     "--time auto looks for their own");
  }
  if (!given.has("--time") || given.text("--time") == "none" || given.text("--time") == "auto") {
    return;
  }
  auto const form = given.text("--time");
  auto const clock = line_clock_of(form, now_us());
  if (!clock.pattern().may_lack_year()) refuse("--year", "with --time " + form + ": it has a year");
  if (!clock.pattern().may_lack_zone()) {
    refuse("--timezone", "with --time " + form + ": it says which moment it means");
  }
}

LineForm line_form_of(GivenOptions const& given) {
  LineForm form{.json = mapping_of(given), .level = given.level("--level", Level::info)};
  refuse_idle_options(given, form.json);
  if (given.has("--timezone")) {
    use_time_zone(given.text("--timezone"));
  } else if (reads_times(given, form.json)) {
    refuse_unknown_local_zone();
  }
  auto& time = form.time;
  auto const format = given.text("--time", "auto");
  time.of_files_alone = !given.has("--time");
  if (format != "none") {
    time.kind = format == "auto" ? TimeOption::Kind::automatic : TimeOption::Kind::given;
  }
  if (form.json && format == "none") {
    form.json->timestamp.clear();
    time.of_members = false;
  }
  // JSON has its times in a member, and all forms are known there.
  if (form.json && time.kind == TimeOption::Kind::automatic) time.kind = TimeOption::Kind::none;
  if (time.kind == TimeOption::Kind::given) time.format = format;
  if (auto const year = given.number("--year")) {
    if (*year < 1970 || *year > 2200) throw UsageError{"--year is from 1970 to 2200"};
    time.first_year = static_cast<int>(*year);
  }
  if (given.has("--level-pattern")) {
    form.level_pattern.emplace(given.text("--level-pattern"), "--level-pattern");
    if (form.level_pattern->group_count() == 0) {
      throw UsageError{"--level-pattern has no group, which would hold the level",
                       R"(--level-pattern '\[(\w+)\]')"};
    }
  }
  return form;
}

int run_import(ClientOptions const& options, GivenOptions const& given) {
  ImportArguments arguments{.paths = given.all("FILE"),
                            .form = line_form_of(given),
                            .batch_entries_max = given.number("--batch").value_or(1000),
                            .zone_is_given = given.has("--timezone"),
                            .mapped = given.all("--map")};
  if (arguments.batch_entries_max < 1 || arguments.batch_entries_max > batch_entries_ceiling) {
    throw UsageError{"--batch is from 1 to " + std::to_string(batch_entries_ceiling)};
  }
  if (arguments.paths.empty()) {
    if (is_terminal(STDIN_FILENO)) {
      throw UsageError{"nothing to import", "stele import FILE, or stele import - to type lines"};
    }
    arguments.paths.emplace_back("-");
  }
  return import_lines(options, std::move(arguments));
}

}  // namespace

Verb const import_verb{
    .name = "import", .text = import_help, .options = import_options, .run = run_import};

}  // namespace stele::cli
