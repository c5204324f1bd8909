// `stele ship` itself.
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "client-lib/cli/exit_code.hpp"
#include "client-lib/cli/reconnect.hpp"
#include "client-lib/cli/report.hpp"
#include "client-lib/cli/ship_program.hpp"
#include "client-lib/cli/time_text.hpp"
#include "client-lib/ship/nats_destination.hpp"
#include "client-lib/ship/otlp.hpp"
#include "client-lib/ship/otlp_destination.hpp"
#include "client-lib/ship/ship_arguments.hpp"
#include "client-lib/ship/ship_figures.hpp"
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
  std::string name{};  ///< For the figures.
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

Route otlp_route(GivenOptions const& given, std::string const& store) {
  ship::OtlpOptions options{.url = given.text("--to"),
                            .host = given.text("--host", ship::host_name()),
                            .store = store,
                            .state_file = given.text("--state")};
  auto constexpr layout = ship::Layout::batches;
  ship::MessageOptions messages{.layout = layout,
                                .format = std::make_shared<ship::OtlpFormat>(store),
                                .pattern = ship::SubjectPattern::parse("otlp", layout).value(),
                                .host = options.host,
                                .store = store};
  auto const name = options.url;
  return {name, std::move(messages), ship::connect_otlp(std::move(options))};
}

}  // namespace

int run_ship(ClientOptions const& options, GivenOptions const& given) {
  bool const is_otlp = given.text("--to").starts_with("http");
  // Before anything is waited for.
  auto nats = is_otlp ? std::optional<ship::NatsOptions>()
                      : ship::nats_options_of(given, given.text("--to"));
  auto const store = store_id(options);
  if (!store) return report(store.error());
  if (nats) nats->store = *store;
  auto const route = nats ? nats_route(*std::move(nats)) : otlp_route(given, *store);
  if (!route.destination) {
    print_error(route.destination.error().message);
    return exit_failed;
  }
  ship::ShipOptions ship_options{.client = options,
                                 .messages = route.messages,
                                 .consumer = given.text("--hold-retention"),
                                 .until_caught_up = given.has("--until-caught-up")};
  if (auto const path = given.text("--metrics"); !path.empty()) {
    ship_options.report = [path, name = route.name,
                           told = false](ship::ShipFigures const& figures) mutable {
      if (ship::replace_file(path, ship::figures_text(figures, name, now_us())) || told) return;
      told = true;
      print_error(path + ": the figures cannot be written there");
    };
  }
  auto const done = ship::ship(std::move(ship_options), **route.destination);
  if (!done) print_error(done.error().message);
  return done ? exit_ok : exit_failed;
}

}  // namespace stele::cli
