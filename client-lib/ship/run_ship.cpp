// `stele ship` itself.
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "client-lib/cli/monitor/prometheus_text.hpp"
#include "client-lib/cli/ship/ship_program.hpp"
#include "client-lib/cli/terminal/interruption.hpp"
#include "client-lib/cli/terminal/report.hpp"
#include "client-lib/cli/times/time_text.hpp"
#include "client-lib/ship/nats/nats_destination.hpp"
#include "client-lib/ship/otlp/otlp.hpp"
#include "client-lib/ship/otlp/otlp_destination.hpp"
#include "client-lib/ship/ship_arguments.hpp"
#include "client-lib/ship/ship_metrics.hpp"
#include "client-lib/ship/shipper.hpp"

namespace stele::cli {
namespace {

/// The store that is shipped, once its daemon is there.
Result<std::string> store_id(ClientOptions const& options) {
  auto const client = connect_or_wait(options);
  if (!client) return client.error();
  return client->hello().store_id;
}

/// Where to, and in which form.
struct Route {
  std::string name{};  ///< For the metrics.
  ship::MessageOptions messages;
  ship::Outcome<std::unique_ptr<ship::Destination>> destination;
};

Route nats_route(ship::NatsOptions options) {
  ship::MessageOptions messages{
      .layout = options.layout,
      .format = std::make_shared<ship::JsonFormat>(options.layout, options.host),
      .pattern = options.pattern,
      .host = options.host,
      .store = options.store};
  auto const name = options.stream;
  return {name, std::move(messages), ship::connect_nats(std::move(options))};
}

Route otlp_route(ship::OtlpOptions options, std::string const& store) {
  options.store = store;
  auto constexpr layout = ship::Layout::batches;
  ship::MessageOptions messages{.layout = layout,
                                .format = std::make_shared<ship::OtlpFormat>(store),
                                .pattern = ship::SubjectPattern::parse("otlp", layout).value(),
                                .host = options.host,
                                .store = store};
  auto const name = options.url;
  return {name, std::move(messages), ship::connect_otlp(std::move(options))};
}

/// What a person must mend first has a code of its own: the unit does not try it again.
int report(ship::ShipError const& trouble) {
  print_error(trouble.message);
  return trouble.is_final && !trouble.may_pass ? exit_refused : exit_failed;
}

}  // namespace

int run_ship(ClientOptions const& options, GivenOptions const& given) {
  bool const is_otlp = ship::is_receiver(given.text("--to"));
  // Before anything is waited for.
  auto nats = is_otlp ? std::optional<ship::NatsOptions>()
                      : ship::nats_options_of(given, given.text("--to"));
  auto otlp = is_otlp ? ship::otlp_options_of(given) : ship::OtlpOptions();
  auto const store = store_id(options);
  if (!store) return cli::report(store.error());
  if (nats) nats->store = *store;
  auto const route = nats ? nats_route(*std::move(nats)) : otlp_route(std::move(otlp), *store);
  if (!route.destination) {
    return report(route.destination.error());
  }
  ship::ShipOptions ship_options{.client = options,
                                 .messages = route.messages,
                                 .consumer = given.text("--hold-retention"),
                                 .until_caught_up = given.has("--until-caught-up")};
  if (auto const path = given.text("--metrics"); !path.empty()) {
    auto const socket = options.socket_path.empty() ? default_socket_path() : options.socket_path;
    ship_options.report = [path, name = route.name, log = log_label(socket),
                           reported = false](ship::ShipMetrics const& metrics) mutable {
      auto const text = ship::metrics_text(metrics, name, log, now_us());
      if (ship::replace_file(path, text, ship::FileUse::metrics) || reported) return;
      reported = true;
      print_error(path + ": the metrics cannot be written there");
    };
  }
  auto const done = ship::ship(std::move(ship_options), **route.destination);
  return done ? exit_ok : report(done.error());
}

}  // namespace stele::cli
