// `stele ship` itself.
#include <chrono>
#include <utility>

#include "client-lib/cli/exit_code.hpp"
#include "client-lib/cli/reconnect.hpp"
#include "client-lib/cli/report.hpp"
#include "client-lib/cli/ship_program.hpp"
#include "client-lib/ship/nats_destination.hpp"
#include "client-lib/ship/ship_arguments.hpp"
#include "client-lib/ship/ship_figures.hpp"
#include "client-lib/ship/shipper.hpp"

namespace stele::cli {
namespace {

std::uint64_t now_us() {
  auto const now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

/// The store that is shipped, once its daemon is there.
Result<std::string> store_id(ClientOptions const& options) {
  auto client = Client::connect(options);
  if (!client && ends_with_connection(client.error())) client = wait_for_daemon(options);
  if (!client) return client.error();
  return client->hello().store_id;
}

}  // namespace

int run_ship(ClientOptions const& options, GivenOptions const& given) {
  auto nats = ship::nats_options_of(given, given.text("--to"));
  auto const store = store_id(options);
  if (!store) return report(store.error());
  nats.store = *store;
  ship::ShipOptions ship_options{.client = options,
                                 .messages = {.layout = nats.layout,
                                              .pattern = nats.pattern,
                                              .host = nats.host,
                                              .store = *store},
                                 .until_caught_up = given.has("--until-caught-up")};
  if (auto const path = given.text("--metrics"); !path.empty()) {
    ship_options.report = [path, stream = nats.stream,
                           told = false](ship::ShipFigures const& figures) mutable {
      if (ship::replace_file(path, ship::figures_text(figures, stream, now_us())) || told) return;
      told = true;
      print_error(path + ": the figures cannot be written there");
    };
  }
  auto const destination = ship::connect_nats(std::move(nats));
  if (!destination) {
    print_error(destination.error().message);
    return exit_failed;
  }
  auto const done = ship::ship(std::move(ship_options), **destination);
  if (!done) print_error(done.error().message);
  return done ? exit_ok : exit_failed;
}

}  // namespace stele::cli
