#include <unistd.h>

#include <array>
#include <cstdlib>
#include <iterator>
#include <utility>
#include <vector>

#include "client-lib/cli/entry_text.hpp"
#include "client-lib/cli/exit_code.hpp"
#include "client-lib/cli/given_options.hpp"
#include "client-lib/cli/report.hpp"
#include "client-lib/cli/streams.hpp"
#include "client-lib/cli/verbs.hpp"

namespace stele::cli {
namespace {

constexpr std::string_view help_text = R"(Print the entries of a time range, oldest first.

Examples:
  stele read --since '10 min ago'
  stele read --since 2023-11-14 --until '2023-11-14 22:13:20' -o json
  stele read -n 20
  stele read -o cat > messages.txt

TIME is RFC 3339 (2023-11-14T22:13:20Z), local time (2023-11-14 22:13[:20[.5]], 22:13), `now`,
`today`, `yesterday`, relative (`10 min ago`, -1h, +5min), seconds since the epoch (@1700000000),
or microseconds since the epoch (digits alone).
)";

constexpr std::array option_list{
    Option{.names = "-S,--since", .value = "TIME", .help = "From this time on, inclusive"},
    Option{.names = "-U,--until", .value = "TIME", .help = "Up to this time, inclusive"},
    Option{.names = "-n,--lines", .value = "N", .help = "Only the newest N entries of the range"},
    Option{.names = "-r,--reverse", .help = "Newest first"},
    Option{.names = "-o,--output",
           .value = "short|json|cat",
           .help = "short: time, level, message, metadata on one line; json: one object a line; "
                   "cat: the message as it is",
           .default_value = "short"},
};

struct ReadArguments {
  std::uint64_t start_ts = 0;
  std::uint64_t end_ts = UINT64_MAX;
  std::optional<std::uint64_t> count{};  ///< The newest so many of the range.
  bool newest_first = false;
  EntryForm form = EntryForm::brief;
};

EntryForm form_of(std::string const& name) {
  if (name == "short") return EntryForm::brief;
  if (name == "json") return EntryForm::json;
  if (name == "cat") return EntryForm::message;
  throw UsageError{"unknown form of output '" + name + "'", "forms are short, json, cat"};
}

bool wants_colour() noexcept {
  auto const* no_colour = std::getenv("NO_COLOR");
  auto const* terminal = std::getenv("TERM");
  bool const refused = no_colour != nullptr && *no_colour != '\0';
  bool const dumb = terminal != nullptr && std::string_view{terminal} == "dumb";
  return !refused && !dumb;
}

EntryStyle choose_style(EntryForm form) noexcept {
  bool const terminal = is_terminal(STDOUT_FILENO);
  return {.form = form, .visible = terminal, .colour = terminal && wants_colour()};
}

int run(ClientOptions const& options, GivenOptions const& given) {
  ReadArguments const arguments{.start_ts = given.time("--since").value_or(0),
                                .end_ts = given.time("--until").value_or(UINT64_MAX),
                                .count = given.number("--lines"),
                                .newest_first = given.has("--reverse"),
                                .form = form_of(given.text("--output", "short"))};
  auto client = Client::connect(options);
  if (!client) return report(client.error());

  // The newest n of a range come newest first; to print them oldest first they are held here.
  bool const turn_round = arguments.count && !arguments.newest_first;
  bool const descending = arguments.newest_first || turn_round;
  auto const style = choose_style(arguments.form);
  Output output;
  std::vector<StoredEntry> held;
  auto const print = [&](StoredEntry& entry) {
    if (turn_round) {
      held.push_back(std::move(entry));
      return true;
    }
    append_entry_text(output.text(), entry, style);
    output.flush_if_large();
    return output.ok();
  };
  auto const end = client->read_logs({.start_ts = arguments.start_ts,
                                      .end_ts = arguments.end_ts,
                                      .order = descending ? Order::desc : Order::asc,
                                      .limit = arguments.count},
                                     print);
  for (auto entry = held.rbegin(); entry != held.rend() && output.ok(); ++entry) {
    append_entry_text(output.text(), *entry, style);
    output.flush_if_large();
  }
  auto const exit_code = output.finish();
  if (!end) return report(end.error());
  if (end->entry_count == 0 && is_terminal(STDOUT_FILENO)) print_error("no entries in this range");
  return exit_code;
}

}  // namespace

Verb const read_verb{.name = "read", .text = help_text, .options = option_list, .run = run};

}  // namespace stele::cli
