#include <unistd.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client-lib/cli/command_line/given_options.hpp"
#include "client-lib/cli/terminal/report.hpp"
#include "client-lib/cli/terminal/streams.hpp"
#include "client-lib/cli/verbs.hpp"
#include "protocol/limits.hpp"

namespace stele::cli {
namespace {

constexpr std::string_view write_help = R"(Write one entry; done when it is on disk.

Examples:
  stele write backup finished
  stele write -p error --metadata '{"disk":"sda1"}' disk full
  df -h | stele write
)";

constexpr std::array write_options{
    Option{.names = "-p,--level,--priority",
           .value = "LEVEL",
           .help = "One of trace debug info warn error fatal, or of syslog's names",
           .default_value = "info"},
    Option{.names = "--timestamp",
           .value = "TIME",
           .help = "As TIME of `stele read`; default: when it arrives"},
    Option{.names = "--metadata", .value = "JSON", .help = "A JSON object", .default_value = "{}"},
    Option{.names = "-v,--verbose", .help = "Print the entry's seq"},
    Option{.names = "MESSAGE",
           .help = "Words, joined with blanks; - or none: all of standard input",
           .many = true},
};

// All of standard input without its last line end. More than any daemon takes is not read.
Result<std::string> read_message() {
  auto input = InputFile::open("-");
  if (!input) return input.error();
  std::string message;
  std::array<char, 65536> buffer{};
  while (message.size() <= protocol::frame_bytes_ceiling) {
    auto const bytes = input->read_some(buffer);
    if (!bytes) return bytes.error();
    if (!bytes->has_value()) continue;
    if (**bytes == 0) break;
    message.append(buffer.data(), **bytes);
  }
  if (message.ends_with('\n')) message.pop_back();
  return message;
}

std::string joined(std::vector<std::string> const& words) {
  std::string message;
  for (auto const& word : words) {
    if (&word != &words.front()) message += ' ';
    message += word;
  }
  return message;
}

int run_write(ClientOptions const& options, GivenOptions const& given) {
  LogEntry entry{.timestamp = given.time("--timestamp"),
                 .level = given.level("--level", Level::info),
                 .metadata = given.text("--metadata", "{}")};
  auto const words = given.all("MESSAGE");
  if (words.empty() && is_terminal(STDIN_FILENO)) {
    throw UsageError{"nothing to write", "stele write MESSAGE, or stele write - to type it"};
  }
  if (words.empty() || (words.size() == 1 && words.front() == "-")) {
    auto message = read_message();
    if (!message) return report(message.error());
    entry.message = std::move(*message);
  } else {
    entry.message = joined(words);
  }
  auto client = Client::connect(options);
  if (!client) return report(client.error());
  auto const seq = client->write_log(entry);
  if (!seq) return report(seq.error());
  Output output;
  if (given.has("--verbose")) output.text() += std::to_string(*seq) + '\n';
  return output.finish();
}

}  // namespace

Verb const write_verb{
    .name = "write", .text = write_help, .options = write_options, .run = run_write};

}  // namespace stele::cli
