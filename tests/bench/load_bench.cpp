// stele-bench: loads steled over its Unix socket and prints what it took.
//
//   stele-bench --socket PATH [--mode write|read|range] [--clients N] [--in-flight N] …
#include <CLI/CLI.hpp>
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
  std::size_t batch = 1;
  std::size_t range_entries = 10'000;
  std::uint64_t entries = 0;
  std::uint64_t warm_up_entries = 0;
  bool json = false;
  bench::Load load{};
  bench::Operation operation{};
};

void add_options(CLI::App& app, Options& options) {
  auto& [mode, peer, label, batch, range_entries, entries, warm_up, json, load, operation] =
      options;
  app.add_option("--socket", load.socket, "the server's Unix socket")->required();
  app.add_option("--mode", mode, "write; read: one entry at a time; range: --range-entries a read")
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
  app.add_option("--batch", batch, "entries of a write; above 1: write_many_logs")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_option("--range-entries", range_entries, "entries of a range read")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  app.add_option("--entries", entries, "entries to measure (default: for --seconds)");
  app.add_option("--seconds", load.seconds, "how long to measure, if --entries is not given")
      ->check(CLI::PositiveNumber)
      ->default_val(5.0);
  app.add_option("--warm-up", warm_up, "entries before the measurement begins")
      ->capture_default_str();
  app.add_option("--out-of-order", operation.out_of_order_share, "share of written entries, 0 to 1")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_flag("--parse", operation.parse, "parse each entry that is read");
  app.add_option("--peer", peer, "what serves the socket; floor: stele-bench-floor")
      ->check(CLI::IsMember({"stele", "redis", "floor"}))
      ->capture_default_str();
  app.add_option("--label", label, "copied into the JSON output");
  app.add_flag("--json", json, "one line of JSON instead of a table");
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
}

bench::Measurement measure(Options const& options) {
  auto const& operation = options.operation;
  auto const writes = operation.kind == bench::Operation::Kind::write;
  auto const peer = options.peer == "redis"
                        ? make_redis_peer(options.load.socket, operation)
                        : make_stele_peer(options.load.socket, operation, options.peer == "floor");
  auto const result = bench::LoadDriver(options.load, *peer).run();
  bench::Measurement measurement;
  measurement.label = options.label;
  measurement.peer = options.peer;
  measurement.backend = peer->backend();
  measurement.durability = writes ? bench::acknowledged_after_sync : bench::nothing_to_sync;
  measurement.operation = options.mode;
  measurement.entry_bytes = operation.entry_bytes;
  measurement.clients = options.load.clients;
  measurement.in_flight = options.load.in_flight;
  measurement.batch = operation.batch;
  measurement.out_of_order_share = operation.out_of_order_share;
  measurement.parsed = operation.parse;
  measurement.operations = result.operations;
  measurement.entries = result.entries;
  measurement.seconds = result.seconds;
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
