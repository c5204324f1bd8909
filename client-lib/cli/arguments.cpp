#include "client-lib/cli/arguments.hpp"

#include <unistd.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <chrono>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "client-lib/cli/exit_code.hpp"
#include "client-lib/cli/level_names.hpp"
#include "client-lib/cli/report.hpp"
#include "client-lib/cli/streams.hpp"
#include "client-lib/cli/time_spec.hpp"

namespace stele::cli {
namespace {

constexpr auto root_text = R"(Write to and read from a stele log.

Examples:
  stele ping
  stele write -p warn disk nearly full
  stele import /var/log/dpkg.log
  stele read --since '10 min ago'
  stele stats
)";

constexpr auto exit_codes_text =
    R"(Exit codes: 0 done; 1 the work failed (an unreadable file, a line above the limit);
2 wrong usage; 3 no daemon, or the connection was lost; 4 the daemon refused; 130 interrupted.
`stele VERB --help` says more about a verb.)";

constexpr auto ping_text = R"(Ask whether the daemon can accept writes, and how fast it answers.

Example:
  stele ping --socket /run/stele/stele.sock
)";

constexpr auto write_text = R"(Write one entry; done when it is on disk.

Examples:
  stele write backup finished
  stele write -p error --metadata '{"disk":"sda1"}' disk full
  df -h | stele write
)";

constexpr auto import_text = R"(Write each line of files, or of standard input, as one entry.

Examples:
  stele import /var/log/dpkg.log
  journalctl -o cat | stele import -p debug

A line keeps every byte except its \n; bytes that are not UTF-8 become U+FFFD and are counted in
the entry's metadata. The daemon stamps the time of receipt.
)";

constexpr auto read_text = R"(Print the entries of a time range, oldest first.

Examples:
  stele read --since '10 min ago'
  stele read --since 2023-11-14 --until '2023-11-14 22:13:20' -o json
  stele read -n 20
  stele read -o cat > messages.txt

TIME is RFC 3339 (2023-11-14T22:13:20Z), local time (2023-11-14 22:13[:20[.5]], 22:13), `now`,
`today`, `yesterday`, relative (`10 min ago`, -1h, +5min), seconds since the epoch (@1700000000),
or microseconds since the epoch (digits alone).
)";

constexpr auto stats_text = R"(Print the daemon's counters and limits.

Examples:
  stele stats
  stele stats --json
)";

constexpr auto audit_text =
    R"(Prove that the log is whole: every seq is there, or is named as missing.

Examples:
  stele audit
  stele audit --since yesterday
  stele audit --json

Prints the seqs that are held, and how many have expired, are damaged, were torn (never
acknowledged), or were dropped by clients. Exit code 0: nothing was lost; 1: something is damaged,
dropped or unexplained.
)";

constexpr auto time_hint =
    "try '10 min ago', '2023-11-14 22:13:20', 2023-11-14T22:13:20Z, @1700000000";

struct UsageError {
  std::string sentence;
  std::string hint;
};

// What CLI11 fills in: text, before it gets a meaning.
struct RawArguments {
  std::string socket{};
  std::vector<std::string> words{};
  std::string level = "info";
  std::string timestamp{};
  std::string metadata = "{}";
  bool verbose = false;
  std::vector<std::string> paths{};
  std::size_t batch = 1000;
  std::string since{};
  std::string until{};
  std::optional<std::uint64_t> count{};
  bool reverse = false;
  EntryForm form = EntryForm::brief;
  bool json = false;
};

struct Verbs {
  CLI::App* ping;
  CLI::App* write;
  CLI::App* import;
  CLI::App* read;
  CLI::App* stats;
  CLI::App* audit;
};

// The list of verbs shows the first line of what a verb's own help starts with.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_subcommand(CLI::App const* verb) const override {
    auto const text = verb->get_description();
    return "  " + verb->get_name() + std::string(10 - verb->get_name().size(), ' ') +
           text.substr(0, text.find('\n')) + '\n';
  }
};

void add_write_options(CLI::App& verb, RawArguments& raw) {
  verb.add_option("MESSAGE", raw.words,
                  "Words, joined with blanks; - or none: all of standard input");
  verb.add_option("-p,--level", raw.level, "One of " + std::string{level_names})
      ->type_name("LEVEL")
      ->capture_default_str();
  verb.add_option("--timestamp", raw.timestamp, "As TIME of `stele read`; default: when it arrives")
      ->type_name("TIME");
  verb.add_option("--metadata", raw.metadata, "A JSON object")->type_name("JSON");
  verb.add_flag("-v,--verbose", raw.verbose, "Print the entry's seq");
}

void add_import_options(CLI::App& verb, RawArguments& raw) {
  verb.add_option("FILE", raw.paths, "Files; - or none: standard input");
  verb.add_option("-p,--level", raw.level, "Of every entry; one of " + std::string{level_names})
      ->type_name("LEVEL")
      ->capture_default_str();
  verb.add_option("--batch", raw.batch, "Most lines to write at once (also at most 1 MiB)")
      ->type_name("N")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
}

std::string check_count(std::string const& text) {
  bool const digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  return digits ? "" : "'" + text + "' is not a number of entries";
}

void add_read_options(CLI::App& verb, RawArguments& raw) {
  static std::map<std::string, EntryForm> const forms{
      {"short", EntryForm::brief}, {"json", EntryForm::json}, {"cat", EntryForm::message}};
  verb.add_option("-S,--since", raw.since, "From this time on, inclusive")->type_name("TIME");
  verb.add_option("-U,--until", raw.until, "Up to this time, inclusive")->type_name("TIME");
  verb.add_option("-n,--lines", raw.count, "Only the newest N entries of the range")
      ->type_name("N")
      ->check(check_count);
  verb.add_flag("-r,--reverse", raw.reverse, "Newest first");
  verb.add_option("-o,--output", raw.form,
                  "short: time, level, message, metadata on one line; json: one object a line; "
                  "cat: the message as it is")
      ->type_name("short|json|cat")
      ->transform(CLI::CheckedTransformer(forms).description(""))
      ->default_str("short");
}

Verbs add_verbs(CLI::App& app, RawArguments& raw) {
  app.add_option("--socket", raw.socket,
                 "The daemon's socket; default: $STELE_SOCKET, else /run/stele/stele.sock")
      ->type_name("PATH");
  app.set_version_flag("-V,--version", "stele " STELE_VERSION);
  app.require_subcommand(0, 1);  // None is handled below, with a better text.
  app.fallthrough();
  app.formatter(std::make_shared<HelpFormatter>());
  Verbs const verbs{
      .ping = app.add_subcommand("ping", ping_text),
      .write = app.add_subcommand("write", write_text),
      .import = app.add_subcommand("import", import_text),
      .read = app.add_subcommand("read", read_text),
      .stats = app.add_subcommand("stats", stats_text),
      .audit = app.add_subcommand("audit", audit_text),
  };
  for (auto* verb : app.get_subcommands({})) verb->fallthrough();
  add_write_options(*verbs.write, raw);
  add_import_options(*verbs.import, raw);
  add_read_options(*verbs.read, raw);
  verbs.stats->add_flag("--json", raw.json, "The daemon's reply as it is");
  verbs.audit->add_option("-S,--since", raw.since, "From the first entry at or after this time on")
      ->type_name("TIME");
  verbs.audit->add_flag("--json", raw.json, "The daemon's reply as it is");
  return verbs;
}

std::uint64_t now_us() {
  using namespace std::chrono;
  auto const now = duration_cast<microseconds>(system_clock::now().time_since_epoch());
  return static_cast<std::uint64_t>(now.count());
}

Level level_of(RawArguments const& raw) {
  if (auto const level = parse_level_name(raw.level)) return *level;
  throw UsageError{"unknown level '" + raw.level + "'", "levels are " + std::string{level_names}};
}

std::uint64_t time_of(std::string const& text, std::uint64_t now) {
  if (auto const time = parse_time(text, now)) return *time;
  throw UsageError{"cannot understand the time '" + text + "'", time_hint};
}

WriteArguments write_arguments(RawArguments const& raw) {
  WriteArguments arguments{.print_seq = raw.verbose};
  auto& entry = arguments.entry;
  entry.level = level_of(raw);
  entry.metadata = raw.metadata;
  if (!raw.timestamp.empty()) entry.timestamp = time_of(raw.timestamp, now_us());
  arguments.message_from_stdin =
      raw.words.empty() || (raw.words.size() == 1 && raw.words.front() == "-");
  if (raw.words.empty() && is_terminal(STDIN_FILENO)) {
    throw UsageError{"nothing to write", "stele write MESSAGE, or stele write - to type it"};
  }
  if (arguments.message_from_stdin) return arguments;
  for (auto const& word : raw.words) {
    if (!entry.message.empty() || &word != &raw.words.front()) entry.message += ' ';
    entry.message += word;
  }
  return arguments;
}

ImportArguments import_arguments(RawArguments const& raw) {
  ImportArguments arguments{
      .paths = raw.paths, .level = level_of(raw), .batch_entries_max = raw.batch};
  if (!arguments.paths.empty()) return arguments;
  if (is_terminal(STDIN_FILENO)) {
    throw UsageError{"nothing to import", "stele import FILE, or stele import - to type lines"};
  }
  arguments.paths.emplace_back("-");
  return arguments;
}

ReadArguments read_arguments(RawArguments const& raw) {
  ReadArguments arguments{.count = raw.count, .newest_first = raw.reverse, .form = raw.form};
  auto const now = now_us();
  if (!raw.since.empty()) arguments.start_ts = time_of(raw.since, now);
  if (!raw.until.empty()) arguments.end_ts = time_of(raw.until, now);
  return arguments;
}

AuditArguments audit_arguments(RawArguments const& raw) {
  AuditArguments arguments{.json = raw.json};
  if (!raw.since.empty()) arguments.start_ts = time_of(raw.since, now_us());
  return arguments;
}

Command command_of(Verbs const& verbs, RawArguments const& raw) {
  if (verbs.ping->parsed()) return PingArguments{};
  if (verbs.write->parsed()) return write_arguments(raw);
  if (verbs.import->parsed()) return import_arguments(raw);
  if (verbs.read->parsed()) return read_arguments(raw);
  if (verbs.audit->parsed()) return audit_arguments(raw);
  return StatsArguments{.json = raw.json};
}

int report_usage(CLI::App const& app, CLI::ParseError const& error) {
  auto const verbs = app.get_subcommands();
  if (!verbs.empty()) {
    print_error(error.what(), "stele " + verbs.front()->get_name() + " --help");
    return exit_usage;
  }
  auto const unknown = app.remaining();
  print_error(unknown.empty() ? error.what() : "unknown verb '" + unknown.front() + "'",
              "verbs are ping, write, import, read, stats, audit; stele --help shows examples");
  return exit_usage;
}

}  // namespace

ParsedArguments parse_arguments(int argc, char** argv) {
  CLI::App app{root_text, "stele"};
  app.footer(exit_codes_text);
  RawArguments raw;
  auto const verbs = add_verbs(app, raw);
  try {
    app.parse(argc, argv);
    if (app.get_subcommands().empty()) {
      std::cerr << app.help();
      return {.exit_code = exit_usage};
    }
    return {.arguments = Arguments{.options = {.socket_path = raw.socket, .name = "stele"},
                                   .command = command_of(verbs, raw)}};
  } catch (CLI::Success const& asked) {
    return {.exit_code = app.exit(asked)};
  } catch (CLI::ParseError const& error) {
    return {.exit_code = report_usage(app, error)};
  } catch (UsageError const& error) {
    print_error(error.sentence, error.hint);
    return {.exit_code = exit_usage};
  }
}

}  // namespace stele::cli
