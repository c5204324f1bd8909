// stele-bench-journald: how fast journald takes datagrams of its native protocol. It answers
// nothing and syncs later (every five minutes, or at a message of level crit): a sent entry may be
// lost in a crash, so this is no equal of the others.
//
//   stele-bench-journald SOCKET ENTRIES [LABEL]     prints JSON
#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "bench/measurement.hpp"
#include "bench/unix_socket.hpp"
#include "bench/workload.hpp"

namespace {

namespace bench = stele::bench;
using Clock = std::chrono::steady_clock;

constexpr std::size_t entry_bytes = 250;

void send_entries(char const* path, std::uint64_t count, bench::Measurement& measurement) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  bench::FileDescriptor const socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    bench::stop_with_errno(path);
  }
  auto const begun = Clock::now();
  for (auto now = begun; measurement.operations < count;) {
    auto const sent_at = now;
    auto const text = bench::make_entry(entry_bytes, measurement.operations % 1000).message;
    bench::send_all(socket.get(), "PRIORITY=6\nSYSLOG_IDENTIFIER=bench\nMESSAGE=" + text + '\n');
    now = Clock::now();
    ++measurement.operations;
    measurement.latency.record(static_cast<std::uint64_t>((now - sent_at).count()));
    measurement.seconds = std::chrono::duration<double>(now - begun).count();
  }
  measurement.entries = count;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: stele-bench-journald SOCKET ENTRIES [LABEL]\n";
    return 2;
  }
  bench::Measurement measurement;
  measurement.label = argc > 3 ? argv[3] : "";
  measurement.peer = "journald";
  measurement.backend = "native protocol";
  measurement.durability = "not acknowledged, synced later";
  measurement.operation = "write";
  measurement.entry_bytes = entry_bytes;
  try {
    send_entries(argv[1], std::strtoull(argv[2], nullptr, 10), measurement);
    print(measurement, true);
  } catch (std::exception const& error) {
    std::cerr << "stele-bench-journald: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
