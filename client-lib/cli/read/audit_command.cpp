#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/cli/command_line/given_options.hpp"
#include "client-lib/cli/read/audit_text.hpp"
#include "client-lib/cli/terminal/report.hpp"
#include "client-lib/cli/terminal/streams.hpp"
#include "client-lib/cli/text/text_scanner.hpp"
#include "client-lib/cli/verbs.hpp"

namespace stele::cli {
namespace {

constexpr std::string_view audit_help =
    R"(Prove that the log is whole: every seq is there, or is named as missing.

Examples:
  stele audit
  stele audit --since yesterday
  stele audit --json
  stele audit --acknowledge 101-105
  stele audit --acknowledge all

Prints the seqs that are held, and how many have expired, are damaged, were torn (never
acknowledged), or were dropped by clients. Exit code 0: nothing was lost but what an operator has
acknowledged; 1: something is damaged, dropped or unexplained.

--acknowledge is for root: the log keeps that the damage among these seqs is known, such as after a
salvage. It stays in the audit, as acknowledged, and alerts end.
)";

constexpr std::array audit_options{
    Option{.names = "-S,--since",
           .value = "TIME",
           .help = "From the first entry at or after this time on"},
    Option{.names = "--json", .help = "The daemon's reply as it is"},
    Option{.names = "--acknowledge",
           .value = "SEQ[-SEQ]|all",
           .help = "First store that the damage among these seqs, or all that is, is known",
           .many = true},
};

/// Throws UsageError.
SeqRange seq_range_of(std::string const& text) {
  if (text == "all") return {1, UINT64_MAX};
  auto const dash = text.find('-');
  auto const first = parse_number(std::string_view(text).substr(0, dash));
  auto const last =
      dash == text.npos ? first : parse_number(std::string_view(text).substr(dash + 1));
  if (first && last && *first > 0 && *first <= *last) return {*first, *last};
  throw UsageError{"--acknowledge: '" + text + "' is not SEQ, SEQ-SEQ or all",
                   "the lines of `stele audit` name what is damaged: 101-105"};
}

int run_audit(ClientOptions const& options, GivenOptions const& given) {
  auto const start_ts = given.time("--since").value_or(0);
  std::vector<SeqRange> known;
  for (auto const& text : given.all("--acknowledge")) known.push_back(seq_range_of(text));
  auto client = Client::connect(options);
  if (!client) return report(client.error());
  for (auto const& damaged : known) {
    if (auto const stored = client->acknowledge(damaged); !stored) return report(stored.error());
  }
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
