// Writes two entries and reads the last minute back. The socket: $STELE_SOCKET, else the default.
#include <chrono>
#include <cstdint>
#include <iostream>
#include <stele/client.hpp>
#include <vector>

namespace {

int report(stele::Failure const& failure) {
  std::cerr << "stele-hello: " << failure.message << '\n';
  return 1;
}

}  // namespace

int main() {
  auto client = stele::Client::connect({.name = "hello"});
  if (!client) return report(client.error());

  auto seq = client->write_log({.message = "hello, log"});
  if (!seq) return report(seq.error());  // It is on disk once there is a seq.

  std::vector<stele::LogEntry> const batch{
      {.level = stele::Level::warn, .message = "nearly full", .metadata = R"({"disk":"sda1"})"},
      {.level = stele::Level::error, .message = "full", .metadata = R"({"disk":"sda1"})"},
  };
  auto range = client->write_many_logs(batch);  // Both or none, with consecutive seqs.
  if (!range) return report(range.error());

  using namespace std::chrono;
  auto const now = duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
  auto const now_us = static_cast<std::uint64_t>(now);
  auto entries = client->read_logs(now_us - 60'000'000, now_us);
  if (!entries) return report(entries.error());
  for (auto const& entry : *entries) {
    std::cout << entry.seq << ' ' << stele::to_string(entry.level) << ' ' << entry.message << '\n';
  }
}
