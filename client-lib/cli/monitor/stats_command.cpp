#include <array>

#include "client-lib/cli/command_line/given_options.hpp"
#include "client-lib/cli/monitor/prometheus_text.hpp"
#include "client-lib/cli/monitor/stats_table.hpp"
#include "client-lib/cli/terminal/report.hpp"
#include "client-lib/cli/terminal/streams.hpp"
#include "client-lib/cli/verbs.hpp"

namespace stele::cli {
namespace {

constexpr std::string_view stats_help = R"(Print the daemon's counters and limits.

Examples:
  stele stats
  stele stats --json
  stele stats --prometheus > /var/lib/prometheus/node-exporter/stele.prom

Metrics have a label `log`, so that those of several logs of a machine stand beside one another: the
name of the directory in /run that the socket is in, or the path of the socket.
)";

constexpr std::array stats_options{
    Option{.names = "--json", .help = "The daemon's reply as it is"},
    Option{.names = "--prometheus",
           .help = "Metrics in Prometheus' text format, for node_exporter's textfile collector"},
    Option{.names = "--log",
           .value = "NAME",
           .help = "With --prometheus: the label `log` in place of the socket's"},
};

int run_stats(ClientOptions const& options, GivenOptions const& given) {
  if (given.has("--log") && !given.has("--prometheus")) {
    throw UsageError{"--log does nothing without --prometheus"};
  }
  auto client = Client::connect(options);
  if (!client) return report(client.error());
  auto stats = client->stats_json();
  if (!stats) return report(stats.error());
  Output output;
  if (given.has("--prometheus")) {
    auto const socket = options.socket_path.empty() ? default_socket_path() : options.socket_path;
    auto const log = given.text("--log", log_label(socket));
    output.text() += with_label(prometheus_text(*stats), "log", log);
    return output.finish();
  }
  output.text() += given.has("--json") ? *stats + '\n' : stats_table(*stats);
  return output.finish();
}

}  // namespace

Verb const stats_verb{
    .name = "stats", .text = stats_help, .options = stats_options, .run = run_stats};

}  // namespace stele::cli
