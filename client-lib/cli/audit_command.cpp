#include "client-lib/cli/audit_text.hpp"
#include "client-lib/cli/commands.hpp"
#include "client-lib/cli/exit_code.hpp"
#include "client-lib/cli/report.hpp"
#include "client-lib/cli/streams.hpp"

namespace stele::cli {

int run(ClientOptions const& options, AuditArguments const& arguments) {
  auto client = Client::connect(options);
  if (!client) return report(client.error());
  auto const reply = client->audit_json(arguments.start_ts);
  if (!reply) return report(reply.error());
  auto const audit = audit_text(*reply);
  Output output;
  output.text() += arguments.json ? *reply + '\n' : audit.text;
  if (auto const exit_code = output.finish(); exit_code != exit_ok) return exit_code;
  return audit.lossless ? exit_ok : exit_failed;
}

}  // namespace stele::cli
