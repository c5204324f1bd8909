#include <array>

#include "client-lib/cli/given_options.hpp"
#include "client-lib/cli/prometheus_text.hpp"
#include "client-lib/cli/report.hpp"
#include "client-lib/cli/stats_table.hpp"
#include "client-lib/cli/streams.hpp"
#include "client-lib/cli/verbs.hpp"

namespace stele::cli {
namespace {

constexpr std::string_view stats_help = R"(Print the daemon's counters and limits.

Examples:
  stele stats
  stele stats --json
  stele stats --prometheus > /var/lib/prometheus/node-exporter/stele.prom
)";

constexpr std::array stats_options{
    Option{.names = "--json", .help = "The daemon's reply as it is"},
    Option{.names = "--prometheus",
           .help = "Metrics in Prometheus' text format, for node_exporter's textfile collector"},
};

int run_stats(ClientOptions const& options, GivenOptions const& given) {
  auto client = Client::connect(options);
  if (!client) return report(client.error());
  auto stats = client->stats_json();
  if (!stats) return report(stats.error());
  Output output;
  if (given.has("--prometheus")) {
    output.text() += prometheus_text(*stats);
    return output.finish();
  }
  output.text() += given.has("--json") ? *stats + '\n' : stats_table(*stats);
  return output.finish();
}

}  // namespace

Verb const stats_verb{
    .name = "stats", .text = stats_help, .options = stats_options, .run = run_stats};

}  // namespace stele::cli
