// stele-bench: loads steled over its Unix socket and prints what it took.
//
//   stele-bench --socket PATH [--mode write|read|range] [--clients N] [--in-flight N] …
#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>

#include "bench/load_driver.hpp"
#include "bench/measurement.hpp"
#include "bench/peer.hpp"

namespace {

namespace bench = stele::bench;

struct Options {
  std::string mode = "write";
  std::string peer = "stele";
  std::string label{};
  std::string trace_file{};
  std::size_t batch = 1;
  std::size_t range_entries = 10'000;
  std::uint64_t entries = 0;
  std::uint64_t warm_up_entries = 0;
  bool json = false;
  bench::Load load{};
  bench::Operation operation{};
};

void add_options(CLI::App& app, Options& options) {
  auto& load = options.load;
  auto& operation = options.operation;
  app.add_option("--socket", load.socket, "the server's Unix socket")->required();
  app.add_option("--mode", options.mode,
                 "write; read: one entry at a time; range: --range-entries a read")
      ->check(CLI::IsMember({"write", "read", "range"}))
      ->capture_default_str();
  app.add_option("--clients", load.clients, "connections")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app.add_option("--in-flight", load.in_flight, "operations under way on each connection")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app.add_option("--entry-bytes", operation.entry_bytes, "JSON text of an entry as it is sent")
      ->capture_default_str();
  app.add_option("--batch", options.batch, "entries of a write; above 1: write_many_logs")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_option("--range-entries", options.range_entries, "entries of a range read")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  app.add_option("--entries", options.entries, "entries to measure (default: for --seconds)");
  app.add_option("--seconds", load.seconds, "how long to measure, if --entries is not given")
      ->check(CLI::PositiveNumber)
      ->default_val(5.0);
  app.add_option("--warm-up", options.warm_up_entries, "entries before the measurement begins")
      ->capture_default_str();
  app.add_option("--out-of-order", operation.out_of_order_share, "share of written entries, 0 to 1")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_flag("--parse", operation.parse, "parse each entry that is read");
  app.add_option("--peer", options.peer, "what serves the socket; floor: stele-bench-floor")
      ->check(CLI::IsMember({"stele", "redis", "floor"}))
      ->capture_default_str();
  app.add_option("--label", options.label, "copied into the JSON output");
  app.add_option("--seed", operation.seed, "of out-of-order timestamps and of places to read")
      ->capture_default_str();
  app.add_option("--trace", options.trace_file,
                 "write a line for each measured operation to this file: when it began and was "
                 "answered (monotonic ns), and the last seq that it wrote");
  app.add_flag("--json", options.json, "one line of JSON instead of a table");
}

std::uint64_t operations_for(std::uint64_t entries, std::size_t batch) {
  return (entries + batch - 1) / batch;
}

void settle(Options& options) {
  auto& operation = options.operation;
  auto const writes = options.mode == "write";
  operation.kind = writes ? bench::Operation::Kind::write : bench::Operation::Kind::read;
  operation.batch = writes ? options.batch : options.mode == "range" ? options.range_entries : 1;
  if (options.peer != "stele" && operation.parse) {
    throw bench::Stop("--parse reads entries of stele only");
  }
  if (options.peer == "floor" && !writes) throw bench::Stop("the floor has nothing to read");
  options.load.operations = operations_for(options.entries, operation.batch);
  options.load.warm_up = operations_for(options.warm_up_entries, operation.batch);
  options.load.trace = !options.trace_file.empty();
}

void write_trace(std::string const& path, bench::LoadResult const& result) {
  std::ofstream file(path);
  for (auto const& operation : result.trace) {
    file << operation.begun_ns << ' ' << operation.answered_ns << ' ' << operation.seq << '\n';
  }
  if (!file.flush()) throw bench::Stop("cannot write " + path);
}

bench::Measurement measure(Options const& options) {
  auto const& operation = options.operation;
  auto const writes = operation.kind == bench::Operation::Kind::write;
  auto const peer = options.peer == "redis"
                        ? make_redis_peer(options.load.socket, operation)
                        : make_stele_peer(options.load.socket, operation, options.peer == "floor");
  auto const result = bench::LoadDriver(options.load, *peer).run();
  if (options.load.trace) write_trace(options.trace_file, result);
  bench::Measurement measurement;
  measurement.label = options.label;
  measurement.peer = options.peer;
  measurement.backend = peer->backend();
  measurement.durability = !writes         ? bench::nothing_to_sync
                           : peer->syncs() ? bench::acknowledged_after_sync
                                           : bench::acknowledged_only;
  measurement.operation = options.mode;
  measurement.entry_bytes = operation.entry_bytes;
  measurement.clients = options.load.clients;
  measurement.in_flight = options.load.in_flight;
  measurement.batch = operation.batch;
  measurement.warm_up = options.load.warm_up;
  measurement.out_of_order_share = operation.out_of_order_share;
  measurement.parsed = operation.parse;
  measurement.operations = result.operations;
  measurement.entries = result.entries;
  measurement.seconds = result.seconds;
  measurement.cpu_seconds = result.cpu_seconds;
  measurement.latency = result.latency;
  return measurement;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Loads steled over its Unix socket and prints what it took.", "stele-bench");
  Options options;
  add_options(app, options);
  CLI11_PARSE(app, argc, argv);
  try {
    settle(options);
    print(measure(options), options.json);
  } catch (std::exception const& error) {
    std::cerr << "stele-bench: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
