#include <chrono>
#include <cstdio>

#include "client-lib/cli/terminal/report.hpp"
#include "client-lib/cli/terminal/streams.hpp"
#include "client-lib/cli/verbs.hpp"

namespace stele::cli {
namespace {

constexpr std::string_view ping_help =
    R"(Ask whether the daemon can accept writes, and how fast it answers.

Example:
  stele ping --socket /run/stele/stele.sock
)";

int run_ping(ClientOptions const& options, GivenOptions const&) {
  auto client = Client::connect(options);
  if (!client) return report(client.error());
  auto const start = std::chrono::steady_clock::now();
  auto answered = client->ping();
  if (!answered) return report(answered.error());
  std::chrono::duration<double, std::milli> const round_trip =
      std::chrono::steady_clock::now() - start;

  char time[32];
  std::snprintf(time, sizeof time, "%.3f ms", round_trip.count());
  Output output;
  output.text() += "steled " + client->hello().server_version + " answered in " + time + '\n';
  return output.finish();
}

}  // namespace

Verb const ping_verb{.name = "ping", .text = ping_help, .options = {}, .run = run_ping};

}  // namespace stele::cli
