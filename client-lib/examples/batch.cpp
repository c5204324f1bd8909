// Stores the lines of standard input, a thousand at a time: one sync of the disk serves them all.
// The socket: $STELE_SOCKET, else the default.
#include <chrono>
#include <iostream>
#include <stele/client.hpp>
#include <stele/utf8.hpp>
#include <string>
#include <vector>

namespace {

constexpr std::size_t batch_entries = 1000;

int report(stele::Failure const& failure) {
  std::cerr << "stele-batch: " << failure.message << '\n';
  // The daemon may have stored a batch whose answer got lost: read before writing it again.
  return stele::may_be_stored(failure) ? 2 : 1;
}

}  // namespace

int main() {
  auto client = stele::Client::connect({.name = "batch"});
  if (!client) return report(client.error());

  std::vector<stele::LogEntry> batch;
  std::string line;
  bool more = true;
  while (more) {
    more = static_cast<bool>(std::getline(std::cin, line));
    if (more) stele::append_as_utf8(batch.emplace_back().message, line);
    if (batch.empty() || (more && batch.size() < batch_entries)) continue;

    auto range = client->write_many_logs(batch, std::chrono::seconds{10});  // All or none.
    if (!range) return report(range.error());
    std::cout << "stored " << range->first_seq << " to " << range->last_seq << '\n';
    batch.clear();
  }
}
