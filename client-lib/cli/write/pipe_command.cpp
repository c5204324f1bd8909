#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "client-lib/cli/command_line/given_options.hpp"
#include "client-lib/cli/import/import_batch.hpp"
#include "client-lib/cli/terminal/report.hpp"
#include "client-lib/cli/text/level_names.hpp"
#include "client-lib/cli/verbs.hpp"
#include "client-lib/cli/write/child_lines.hpp"
#include "protocol/limits.hpp"
#include "protocol/text/json_text.hpp"
#include "stele/buffered_logger.hpp"
#include "stele/deadline.hpp"
#include "stele/utf8.hpp"

namespace stele::cli {
namespace {

constexpr std::string_view pipe_help =
    R"(Run a command and store the lines that it prints, as systemd-cat does.

Examples:
  stele pipe -- ./backup.sh --full
  stele pipe -t nightly --stderr-level warn -- make -C /srv/site

Each line of its standard output and standard error is an entry, with metadata identifier, stream
and pid. A line that begins with <0> to <7> has that level of syslog. A line above the daemon's
limit is several entries, with metadata part and continues. What is printed is stored exactly once,
also while the daemon is restarted; then the command waits when 8 MiB are on their way. It reads
until nobody has the command's output open any more; SIGTERM, SIGHUP and SIGINT go to the command,
and when that has ended they end the reading, too, after two seconds. The exit code is the command's
own (128 + n if signal n ended it; 127 if there is none); if that is 0 and not every line is stored,
1.
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

constexpr std::size_t buffer_bytes = std::size_t{8} << 20;
constexpr std::size_t json_bytes_for_byte_max = 6;
/// Metadata and the rest of an entry.
constexpr std::size_t entry_bytes_more = 4096;
/// How long the end waits for a daemon.
constexpr std::chrono::seconds wait_at_end{60};
constexpr std::chrono::seconds wait_after_signal{5};
constexpr std::chrono::milliseconds look_again{20};
constexpr int exit_not_found = 127;  // As a shell has them.
constexpr int exit_not_runnable = 126;

// A byte that is not UTF-8 takes three.
std::size_t part_bytes_for(std::size_t entry_bytes_max) {
  return entry_bytes_max > 2 * entry_bytes_more ? (entry_bytes_max - entry_bytes_more) / 3 : 1024;
}

std::string base_name(std::string_view path) {
  return std::string{path.substr(path.rfind('/') + 1)};
}

class LinePipe {
 public:
  LinePipe(ClientOptions const& options, GivenOptions const& given, std::size_t part_bytes_max)
      : logger_({.socket_path = options.socket_path,
                 .name = options.name,
                 .buffer_bytes = buffer_bytes,
                 .when_full = WhenFull::block}),
        levels_{given.level("--level", Level::info), Level::info},
        level_prefix_(!given.has("--no-level-prefix")),
        part_bytes_max_(part_bytes_max) {
    levels_[1] = given.level("--stderr-level", levels_[0]);
  }

  int run(std::vector<std::string> const& command, std::string const& identifier);

 private:
  void store(ChildLine const& line);
  void wait_for_free_bytes(std::size_t bytes);
  bool may_wait(Deadline const& give_up);
  std::string metadata_of(ChildLine const& line, std::string_view invalid) const;

  BufferedLogger logger_;
  std::array<Level, 2> levels_;  ///< Of standard output, of standard error.
  bool level_prefix_;
  std::string identifier_{};
  std::array<Level, 2> part_levels_{};  ///< Of the line that goes on.
  std::size_t part_bytes_max_;
  std::optional<Deadline> last_wait_{};
};

int LinePipe::run(std::vector<std::string> const& command, std::string const& identifier) {
  identifier_ = identifier;
  auto const end = run_child(command, {.part_bytes_max = part_bytes_max_},
                             [this](ChildLine const& line) { store(line); });
  if (!end) {
    report(end.error());
    bool const is_missing = end.error().code == boost::system::errc::no_such_file_or_directory;
    return is_missing ? exit_not_found : exit_not_runnable;
  }
  if (end->output_is_cut) {
    print_error(
        "a signal ended the reading while what the command left running had its output "
        "open: what that prints from now on is not stored");
  }
  last_wait_.reset();  // A command may go on for long after a signal.
  Deadline const give_up{wait_at_end};
  while (logger_.status().waiting > 0 && may_wait(give_up)) std::this_thread::sleep_for(look_again);
  auto const closed = logger_.close(look_again);
  if (!closed) print_error("not every line is stored: " + closed.error().message);
  auto const refused = logger_.status().refused;
  if (closed && refused > 0) {
    print_error(std::to_string(refused) + " lines were refused, and are not stored");
  }
  bool const is_whole = closed && refused == 0 && !end->output_is_cut;
  return end->exit_code == exit_ok && !is_whole ? exit_failed : end->exit_code;
}

// After a signal, the daemon has a little time to take what is there.
bool LinePipe::may_wait(Deadline const& give_up) {
  if (child_was_signalled() && !last_wait_) last_wait_.emplace(wait_after_signal);
  return !give_up.has_passed() && !(last_wait_ && last_wait_->has_passed());
}

// The buffer would make log() wait for as long as there is no daemon, and deaf to signals.
void LinePipe::wait_for_free_bytes(std::size_t bytes) {
  auto const is_full = [&] {
    auto const used = logger_.status().buffer_bytes;
    return used > 0 && used + bytes * json_bytes_for_byte_max + entry_bytes_more > buffer_bytes;
  };
  while (is_full() && may_wait({})) std::this_thread::sleep_for(look_again);
}

void LinePipe::store(ChildLine const& line) {
  auto text = line.text;
  auto& level_of_parts = part_levels_[line.is_stderr ? 1 : 0];
  auto level = line.part > 1 ? level_of_parts : levels_[line.is_stderr ? 1 : 0];
  bool const has_prefix = level_prefix_ && line.part <= 1 && text.size() >= 3 && text[0] == '<' &&
                          text[1] >= '0' && text[1] <= '7' && text[2] == '>';
  if (has_prefix) {
    level = read_level(text.substr(1, 1))->level;
    text.remove_prefix(3);
  }
  level_of_parts = level;
  auto made = make_line_entry(text, level);
  made.entry.metadata = metadata_of(line, made.entry.metadata);
  wait_for_free_bytes(made.entry.message.size());
  (void)logger_.log(made.entry,
                    look_again);  // What is refused is counted, and reported at the end.
}

// `made` is `{}`, or names bytes that were not UTF-8.
std::string LinePipe::metadata_of(ChildLine const& line, std::string_view made) const {
  std::string json = "{\"identifier\":";
  protocol::append_json_string(json, identifier_);
  json += line.is_stderr ? ",\"stream\":\"stderr\",\"pid\":" : ",\"stream\":\"stdout\",\"pid\":";
  json += std::to_string(line.pid);
  if (line.part > 0) json += ",\"part\":" + std::to_string(line.part);
  if (line.continues) json += ",\"continues\":true";
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
  auto const client = Client::connect(options);
  // The command matters more than its log: it runs, and what it prints waits for a daemon.
  if (!client) report(client.error());
  auto const entry_bytes_max =
      client ? client->hello().entry_bytes_max : protocol::entry_bytes_default;
  return LinePipe{options, given, part_bytes_for(entry_bytes_max)}.run(command, valid);
}

}  // namespace

Verb const pipe_verb{.name = "pipe", .text = pipe_help, .options = pipe_options, .run = run_pipe};

}  // namespace stele::cli
