#include <array>
#include <string>

#include "client-lib/cli/commands.hpp"
#include "client-lib/cli/exit_code.hpp"
#include "client-lib/cli/report.hpp"
#include "client-lib/cli/streams.hpp"
#include "protocol/limits.hpp"

namespace stele::cli {
namespace {

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

}  // namespace

int run(ClientOptions const& options, WriteArguments const& arguments) {
  auto entry = arguments.entry;
  if (arguments.message_from_stdin) {
    auto message = read_message();
    if (!message) return report(message.error());
    entry.message = std::move(*message);
  }
  auto client = Client::connect(options);
  if (!client) return report(client.error());
  auto const seq = client->write_log(entry);
  if (!seq) return report(seq.error());
  Output output;
  if (arguments.print_seq) output.text() += std::to_string(*seq) + '\n';
  return output.finish();
}

}  // namespace stele::cli
