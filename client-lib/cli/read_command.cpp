#include <unistd.h>

#include <cstdlib>
#include <iterator>
#include <utility>
#include <vector>

#include "client-lib/cli/commands.hpp"
#include "client-lib/cli/exit_code.hpp"
#include "client-lib/cli/report.hpp"
#include "client-lib/cli/streams.hpp"

namespace stele::cli {
namespace {

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

}  // namespace

int run(ClientOptions const& options, ReadArguments const& arguments) {
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

}  // namespace stele::cli
