#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "client-lib/cli/given_options.hpp"
#include "client-lib/cli/line_import.hpp"
#include "client-lib/cli/streams.hpp"
#include "client-lib/cli/time_text.hpp"
#include "client-lib/cli/verbs.hpp"

namespace stele::cli {
namespace {

constexpr std::string_view import_help =
    R"(Write each line of files, or of standard input, as one entry.

Examples:
  stele import /var/log/dpkg.log
  stele import --time syslog --timezone UTC /var/log/auth.log
  stele import --time '%Y/%m/%d %H:%M:%S%f' --level-pattern '\[(\w+)\]' error.log
  stele import --format json --map message=event --map level=severity app.jsonl
  journalctl -o json | stele import --format journal
  stele export | stele import --format stele --socket /run/other/stele.sock

lines    the line is the message, byte for byte without its \n; bytes that are not UTF-8 become
         U+FFFD and are counted in the entry's metadata
json     an object a line; members that are not mapped become the metadata
journal  `journalctl -o json`
stele    `stele export`, or `stele read -o json`

--time takes the time from the line: syslog, iso, apache, clf, hdfs, epoch, or a strptime format
(with %f for the digits of a fraction; `*` before it: anywhere in the line). A line without a time
has that of the line before. Without --time the daemon stamps plain lines when they arrive.

A daemon that is restarted meanwhile is waited for, up to a minute; each line is stored once.
)";

constexpr std::array import_options{
    Option{.names = "--format",
           .value = "lines|json|journal|stele",
           .help = "What a line is",
           .default_value = "lines"},
    Option{.names = "--time",
           .value = "FORMAT",
           .help = "How times are written: syslog, iso, apache, clf, hdfs, epoch, or as for "
                   "strptime"},
    Option{.names = "--timezone",
           .value = "ZONE",
           .help = "Of times without one: Europe/Berlin, UTC; default: local time"},
    Option{.names = "--year",
           .value = "YEAR",
           .help = "Of the first line, where times have no year; default: the latest that fits"},
    Option{.names = "-p,--level,--priority",
           .value = "LEVEL",
           .help = "Of lines that name none",
           .default_value = "info"},
    Option{.names = "--level-pattern",
           .value = "PATTERN",
           .help = "A regular expression (PCRE) whose first group is the level's name"},
    Option{.names = "--map",
           .value = "NAME=MEMBER",
           .help = "json: which member is the timestamp, level, message or metadata",
           .many = true},
    Option{.names = "--batch",
           .value = "N",
           .help = "Most lines to write at once (also at most 1 MiB)",
           .default_value = "1000"},
    Option{.names = "FILE", .help = "Files; - or none: standard input", .many = true},
};

constexpr std::uint64_t batch_entries_ceiling = 100'000;

void use_time_zone(std::string const& name) {
  bool const known =
      name == "UTC" || (!name.empty() && name.find("..") == name.npos &&
                        std::filesystem::is_regular_file("/usr/share/zoneinfo/" + name));
  if (!known) {
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

LineForm line_form_of(GivenOptions const& given) {
  LineForm form{.json = mapping_of(given), .level = given.level("--level", Level::info)};
  if (given.has("--timezone")) use_time_zone(given.text("--timezone"));
  auto level_pattern = given.text("--level-pattern");
  if (given.has("--time")) {
    auto const format = given.text("--time");
    auto const named = named_time_format(format);
    if (!named && format.find('%') == format.npos) {
      throw UsageError{"unknown form of time '" + format + "'",
                       "forms are " + std::string{named_time_formats} +
                           ", or a strptime format such as '%Y-%m-%d %H:%M:%S'"};
    }
    form.time.emplace(format, static_cast<int>(given.number("--year").value_or(0)), now_us());
    if (named && level_pattern.empty()) level_pattern = named->level_pattern;
  }
  if (!level_pattern.empty()) form.level_pattern.emplace(level_pattern, "--level-pattern");
  return form;
}

int run_import(ClientOptions const& options, GivenOptions const& given) {
  ImportArguments arguments{.paths = given.all("FILE"),
                            .form = line_form_of(given),
                            .batch_entries_max = given.number("--batch").value_or(1000)};
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
