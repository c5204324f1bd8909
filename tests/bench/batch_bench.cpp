// What one entry costs through the client library: batches written and acknowledged from disk, then
// read back and parsed. Prints the median of some rounds.
//
//   stele-batch-bench SOCKET [entries] [rounds] [--json]
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "bench/workload.hpp"
#include "stele/client.hpp"

namespace {

using Clock = std::chrono::steady_clock;

struct Round {
  double write_us = 0;
  double read_us = 0;
};

/// As the other measurements write them.
std::vector<stele::LogEntry> make_entries(std::size_t count) {
  std::vector<stele::LogEntry> entries;
  for (std::size_t i = 0; i < count; ++i) entries.push_back(stele::bench::make_entry(250, i));
  return entries;
}

double us_per_entry(Clock::duration took, std::size_t entries) {
  return std::chrono::duration<double, std::micro>(took).count() / static_cast<double>(entries);
}

stele::Result<Round> run_round(stele::Client& client, std::vector<stele::LogEntry>& entries,
                               std::uint64_t timestamp) {
  for (auto& entry : entries) entry.timestamp = timestamp;
  auto const write_begun = Clock::now();
  auto const written = client.write_many_logs(entries);
  auto const write_ended = Clock::now();
  if (!written) return written.error();
  auto const read = client.read_logs(timestamp, timestamp);
  auto const read_ended = Clock::now();
  if (!read) return read.error();
  if (read->size() != entries.size()) {
    return stele::Failure{stele::Error::internal, "not all entries came back"};
  }
  return Round{us_per_entry(write_ended - write_begun, entries.size()),
               us_per_entry(read_ended - write_ended, entries.size())};
}

double median(std::vector<Round> const& rounds, double Round::*member) {
  std::vector<double> values;
  for (auto const& round : rounds) values.push_back(round.*member);
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void print(Round const& round, std::size_t entry_count, std::size_t round_count, bool as_json) {
  if (as_json) {
    std::cout << R"({"label":"client","peer":"stele","batch":)" << entry_count
              << R"(,"write_us_per_entry":)" << round.write_us << R"(,"read_us_per_entry":)"
              << round.read_us << "}\n";
    return;
  }
  std::cout << "write_many_logs of " << entry_count
            << " entries, acknowledged from disk: " << round.write_us << " us an entry\n"
            << "read_logs of " << entry_count << " entries, parsed: " << round.read_us
            << " us an entry\n"
            << "(median of " << round_count << " rounds)\n";
}

int run(std::string const& socket_path, std::size_t entry_count, std::size_t round_count,
        bool as_json) {
  auto client = stele::Client::connect({.socket_path = socket_path, .name = "batch-bench"});
  if (!client) {
    std::cerr << client.error().message << '\n';
    return 1;
  }
  auto entries = make_entries(entry_count);
  std::vector<Round> rounds;
  // Far in the future, so that each round reads its own entries and no others.
  auto const first_timestamp =
      (std::uint64_t{1} << 62) +
      static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  for (std::size_t i = 0; i < round_count; ++i) {
    auto const round = run_round(*client, entries, first_timestamp + i);
    if (!round) {
      std::cerr << round.error().message << '\n';
      return 1;
    }
    rounds.push_back(*round);
  }
  print({median(rounds, &Round::write_us), median(rounds, &Round::read_us)}, entry_count,
        round_count, as_json);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  auto const as_json = std::erase(arguments, "--json") > 0;
  if (arguments.empty()) {
    std::cerr << "usage: stele-batch-bench SOCKET [entries] [rounds] [--json]\n";
    return 2;
  }
  auto const number = [&](std::size_t index, std::size_t otherwise) {
    return arguments.size() > index ? std::strtoull(arguments[index].c_str(), nullptr, 10)
                                    : otherwise;
  };
  return run(arguments[0], number(1, 10'000), number(2, 21), as_json);
}
