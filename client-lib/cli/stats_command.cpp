#include "client-lib/cli/commands.hpp"
#include "client-lib/cli/report.hpp"
#include "client-lib/cli/stats_table.hpp"
#include "client-lib/cli/streams.hpp"

namespace stele::cli {

int run(ClientOptions const& options, StatsArguments const& arguments) {
  auto client = Client::connect(options);
  if (!client) return report(client.error());
  auto stats = client->stats_json();
  if (!stats) return report(stats.error());
  Output output;
  output.text() += arguments.json ? *stats + '\n' : stats_table(*stats);
  return output.finish();
}

}  // namespace stele::cli
