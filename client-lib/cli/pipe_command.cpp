#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "client-lib/cli/child_lines.hpp"
#include "client-lib/cli/exit_code.hpp"
#include "client-lib/cli/given_options.hpp"
#include "client-lib/cli/import_batch.hpp"
#include "client-lib/cli/json_line.hpp"
#include "client-lib/cli/report.hpp"
#include "client-lib/cli/verbs.hpp"
#include "protocol/json_text.hpp"
#include "stele/buffered_logger.hpp"
#include "stele/utf8.hpp"

namespace stele::cli {
namespace {

constexpr std::string_view pipe_help =
    R"(Run a command and store the lines that it prints, as systemd-cat does.

Examples:
  stele pipe -- ./backup.sh --full
  stele pipe -t nightly --stderr-level warn -- make -C /srv/site

Each line of its standard output and standard error is an entry, with metadata identifier, stream
and pid. A line that begins with <0> to <7> has that level of syslog. What is printed is stored
exactly once, also while the daemon is restarted; then the command waits when 8 MiB are on their
way. The exit code is the command's own (128 + n if signal n ended it).
)";

constexpr std::array pipe_options{
    Option{.names = "-t,--identifier",
           .value = "NAME",
           .help = "The metadata's identifier; default: the command's name"},
    Option{.names = "-p,--level,--priority",
           .value = "LEVEL",
           .help = "Of lines without a level of their own",
           .default_value = "info"},
    Option{.names = "--stderr-level",
           .value = "LEVEL",
           .help = "The same for standard error; default: that of --level"},
    Option{.names = "--no-level-prefix", .help = "Take <3> at the start of a line as text"},
    Option{.names = "COMMAND",
           .help = "The command and its arguments, behind --",
           .many = true,
           .is_command = true},
};

std::string base_name(std::string_view path) {
  return std::string{path.substr(path.rfind('/') + 1)};
}

class LinePipe {
 public:
  LinePipe(ClientOptions const& options, GivenOptions const& given)
      : logger_({.socket_path = options.socket_path,
                 .name = options.name,
                 .when_full = WhenFull::block}),
        levels_{given.level("--level", Level::info), Level::info},
        level_prefix_(!given.has("--no-level-prefix")) {
    levels_[1] = given.level("--stderr-level", levels_[0]);
  }

  int run(std::vector<std::string> const& command, std::string const& identifier);

 private:
  void store(ChildLine const& line);
  std::string metadata_of(ChildLine const& line, std::string_view invalid) const;

  BufferedLogger logger_;
  std::array<Level, 2> levels_;  ///< Of standard output, of standard error.
  bool level_prefix_;
  std::string identifier_{};
  std::uint64_t refused_ = 0;
};

int LinePipe::run(std::vector<std::string> const& command, std::string const& identifier) {
  identifier_ = identifier;
  auto const exit_code = run_child(command, [this](ChildLine const& line) { store(line); });
  if (!exit_code) return report(exit_code.error());
  auto const flushed = logger_.close();
  if (!flushed) {
    print_error("not every line is stored: " + flushed.error().message);
  } else if (refused_ > 0) {
    print_error(std::to_string(refused_) + " lines are above the daemon's limit, and not stored");
  }
  return *exit_code;
}

void LinePipe::store(ChildLine const& line) {
  auto text = line.text;
  auto level = levels_[line.is_stderr ? 1 : 0];
  bool const has_prefix = level_prefix_ && text.size() >= 3 && text[0] == '<' && text[1] >= '0' &&
                          text[1] <= '7' && text[2] == '>';
  if (has_prefix) {
    level = level_of_text(text.substr(1, 1)).value_or(level);
    text.remove_prefix(3);
  }
  auto made = make_line_entry(text, level);
  made.entry.metadata = metadata_of(line, made.entry.metadata);
  if (!logger_.log(made.entry)) ++refused_;
}

// `made` is `{}`, or tells about bytes that were not UTF-8.
std::string LinePipe::metadata_of(ChildLine const& line, std::string_view made) const {
  std::string json = "{\"identifier\":";
  protocol::append_json_string(json, identifier_);
  json += line.is_stderr ? ",\"stream\":\"stderr\",\"pid\":" : ",\"stream\":\"stdout\",\"pid\":";
  json += std::to_string(line.pid);
  if (made.size() > 2) json += ',';
  json += made.substr(1);
  return json;
}

int run_pipe(ClientOptions const& options, GivenOptions const& given) {
  auto const command = given.all("COMMAND");
  if (command.empty()) {
    throw UsageError{"no command to run", "stele pipe -- COMMAND"};
  }
  auto identifier = given.text("--identifier", base_name(command.front()));
  std::string valid;
  append_as_utf8(valid, identifier);
  if (auto client = Client::connect(options); !client) return report(client.error());
  return LinePipe{options, given}.run(command, valid);
}

}  // namespace

Verb const pipe_verb{.name = "pipe", .text = pipe_help, .options = pipe_options, .run = run_pipe};

}  // namespace stele::cli
