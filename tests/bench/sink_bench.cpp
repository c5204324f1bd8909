// stele-bench-sink: what a line costs a program that logs with spdlog, through the sink of stele
// and into a file (basic_file_sink_mt), in turns.
//
//   stele-bench-sink SOCKET FILE [--calls N] [--rounds N] [--threads N]… [--buffer MIB]
//
// The daemon at SOCKET is at work already. Prints a line for each kind and number of threads: the
// median of the rounds.
#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bench/latency_histogram.hpp"
#include "bench/measurement.hpp"
#include "bench/unix_socket.hpp"
#include "stele/spdlog_sink.hpp"

namespace {

namespace bench = stele::bench;
using Clock = std::chrono::steady_clock;

struct Options {
  std::string socket{};
  std::string file{};
  std::uint64_t calls = 1'000'000;
  std::size_t rounds = 5;
  std::size_t buffer_mib = 0;  ///< 0: the default.
  std::vector<std::size_t> threads{1, 4, 8};
};

struct Round {
  double calls_per_second = 0;  ///< Until the last call has returned.
  double p50 = 0;               ///< Nanoseconds of a call.
  double p99 = 0;
  double seconds_to_disk = 0;   ///< From the first call until all is stored.
  double program_cpu = 0;       ///< Microseconds a line; so is the next one.
  double daemon_cpu = 0;
  double refused = 0;
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// What a process has taken so far, in seconds; 0 if it is not known.
double cpu_seconds_of(pid_t process) {
  std::ifstream stat{"/proc/" + std::to_string(process) + "/stat"};
  std::string text{std::istreambuf_iterator<char>{stat}, {}};
  auto const end_of_name = text.rfind(')');
  if (end_of_name == text.npos) return 0;
  std::istringstream rest{text.substr(end_of_name + 1)};
  std::string skipped;
  for (int i = 0; i < 11; ++i) rest >> skipped;
  double user = 0;
  double system = 0;
  rest >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

pid_t process_at(std::string const& path) {
  int const fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    throw bench::Stop("nobody listens at " + path);
  }
  ucred peer{};
  socklen_t size = sizeof peer;
  ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
  ::close(fd);
  return peer.pid;
}

/// The calls of all threads; each has a histogram of its own.
void call(spdlog::logger& log, std::uint64_t calls, std::size_t threads, Round& round) {
  std::vector<bench::LatencyHistogram> histograms(threads);
  std::atomic<bool> begins{false};
  std::vector<std::thread> callers;
  for (std::size_t thread = 0; thread < threads; ++thread) {
    callers.emplace_back([&, thread] {
      while (!begins) std::this_thread::yield();
      auto last = Clock::now();
      for (std::uint64_t i = 0; i < calls / threads; ++i) {
        log.info("request {} of {} took {} us", i, "10.1.2.3", i % 977);
        auto const now = Clock::now();
        histograms[thread].record(static_cast<std::uint64_t>((now - last).count()));
        last = now;
      }
    });
  }
  auto const start = Clock::now();
  begins = true;
  for (auto& caller : callers) caller.join();
  round.calls_per_second = static_cast<double>(calls / threads * threads) / seconds_since(start);
  for (auto const& histogram : histograms) {
    round.p50 += static_cast<double>(histogram.at_share(0.5)) / static_cast<double>(threads);
    round.p99 += static_cast<double>(histogram.at_share(0.99)) / static_cast<double>(threads);
  }
}

/// What a sink has refused by now, once all is stored.
double refused_by(spdlog::sinks::sink& sink) {
  auto* const stele = dynamic_cast<stele::SpdlogSink*>(&sink);
  if (stele == nullptr) return 0;
  (void)stele->logger().flush();
  return static_cast<double>(stele->logger().status().refused);
}

Round run_round(Options const& options, std::size_t threads, pid_t daemon,
                std::shared_ptr<spdlog::sinks::sink> const& sink) {
  Round round;
  auto const program_before = bench::cpu_seconds_of_process();
  auto const daemon_before = cpu_seconds_of(daemon);
  auto const start = Clock::now();
  spdlog::logger log{"app", sink};
  call(log, options.calls, threads, round);
  log.flush();
  round.refused = refused_by(*sink);
  round.seconds_to_disk = seconds_since(start);
  auto const per_line = 1e6 / static_cast<double>(options.calls);
  round.program_cpu = (bench::cpu_seconds_of_process() - program_before) * per_line;
  round.daemon_cpu = (cpu_seconds_of(daemon) - daemon_before) * per_line;
  return round;
}

double median(std::vector<Round> const& rounds, double Round::*member) {
  std::vector<double> values;
  for (auto const& round : rounds) values.push_back(round.*member);
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void print(char const* kind, std::size_t threads, std::vector<Round> const& rounds) {
  auto const of = [&](double Round::*member) { return median(rounds, member); };
  std::printf("%-18s %zu threads  %5.2f M calls/s  p50 %5.0f ns  p99 %6.0f ns  on disk in %5.2f s  "
              "CPU a line: program %4.2f us, daemon %4.2f us  refused %.0f\n",
              kind, threads, of(&Round::calls_per_second) / 1e6, of(&Round::p50), of(&Round::p99),
              of(&Round::seconds_to_disk), of(&Round::program_cpu), of(&Round::daemon_cpu),
              std::ranges::max(rounds, {}, &Round::refused).refused);
}

void print(char const* kind, std::size_t threads, Round const& round) {
  print(kind, threads, std::vector{round});
}

void measure(Options const& options) {
  auto const daemon = process_at(options.socket);
  for (auto const threads : options.threads) {
    auto const file_sink =
        std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.file, true);
    stele::SpdlogSinkOptions made{.buffer = {.socket_path = options.socket}};
    if (options.buffer_mib != 0) made.buffer.buffer_bytes = options.buffer_mib << 20;
    auto const stele_sink = std::make_shared<stele::SpdlogSink>(made);
    // The first burst is by itself: the system has memory and pages of the file to find for it.
    print("file, first burst", threads, run_round(options, threads, daemon, file_sink));
    print("stele, first burst", threads, run_round(options, threads, daemon, stele_sink));
    std::vector<Round> file;
    std::vector<Round> stele;
    for (std::size_t i = 0; i < options.rounds; ++i) {
      file.push_back(run_round(options, threads, daemon, file_sink));
      stele.push_back(run_round(options, threads, daemon, stele_sink));
    }
    print("file", threads, file);
    print("stele", threads, stele);
    auto const ratio = [&](double Round::*member) {
      return median(stele, member) / median(file, member);
    };
    std::printf("%-18s %zu threads  %5.2f x the calls a second, %5.2f x the p50\n", "", threads,
                ratio(&Round::calls_per_second), ratio(&Round::p50));
  }
  std::filesystem::remove(options.file);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"The sink of stele beside a file sink"};
  Options options;
  app.add_option("socket", options.socket)->required();
  app.add_option("file", options.file)->required();
  app.add_option("--calls", options.calls);
  app.add_option("--rounds", options.rounds)->check(CLI::Range(1, 100));
  app.add_option("--threads", options.threads);
  app.add_option("--buffer", options.buffer_mib);
  CLI11_PARSE(app, argc, argv);
  try {
    measure(options);
  } catch (std::exception const& why) {
    std::cerr << "stele-bench-sink: " << why.what() << '\n';
    return 1;
  }
  return 0;
}
