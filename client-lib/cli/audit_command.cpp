#include <array>

#include "client-lib/cli/audit_text.hpp"
#include "client-lib/cli/exit_code.hpp"
#include "client-lib/cli/given_options.hpp"
#include "client-lib/cli/report.hpp"
#include "client-lib/cli/streams.hpp"
#include "client-lib/cli/verbs.hpp"

namespace stele::cli {
namespace {

constexpr std::string_view audit_help =
    R"(Prove that the log is whole: every seq is there, or is named as missing.

Examples:
  stele audit
  stele audit --since yesterday
  stele audit --json

Prints the seqs that are held, and how many have expired, are damaged, were torn (never
acknowledged), or were dropped by clients. Exit code 0: nothing was lost; 1: something is damaged,
dropped or unexplained.
)";

constexpr std::array audit_options{
    Option{.names = "-S,--since",
           .value = "TIME",
           .help = "From the first entry at or after this time on"},
    Option{.names = "--json", .help = "The daemon's reply as it is"},
};

int run_audit(ClientOptions const& options, GivenOptions const& given) {
  auto const start_ts = given.time("--since").value_or(0);
  auto client = Client::connect(options);
  if (!client) return report(client.error());
  auto const reply = client->audit_json(start_ts);
  if (!reply) return report(reply.error());
  auto const audit = audit_text(*reply);
  Output output;
  output.text() += given.has("--json") ? *reply + '\n' : audit.text;
  if (auto const exit_code = output.finish(); exit_code != exit_ok) return exit_code;
  return audit.lossless ? exit_ok : exit_failed;
}

}  // namespace

Verb const audit_verb{
    .name = "audit", .text = audit_help, .options = audit_options, .run = run_audit};

}  // namespace stele::cli
