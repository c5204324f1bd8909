#include <unistd.h>

#include <array>
#include <string_view>

#include "client-lib/cli/command_line/given_options.hpp"
#include "client-lib/cli/output/entry_text.hpp"
#include "client-lib/cli/read/selection.hpp"
#include "client-lib/cli/terminal/interruption.hpp"
#include "client-lib/cli/terminal/progress.hpp"
#include "client-lib/cli/terminal/report.hpp"
#include "client-lib/cli/terminal/streams.hpp"
#include "client-lib/cli/verbs.hpp"

namespace stele::cli {
namespace {

constexpr std::string_view export_help = R"(Print everything that is there in the order of the log.

Examples:
  stele export > all.jsonl
  stele export -p warning --since yesterday
  stele export | stele import --format stele --socket /run/other/stele.sock
  stele export -o export | /lib/systemd/systemd-journal-remote -o stele.journal -

json: one object a line, as `stele read -o json`; export: Journal Export Format. It ends at what
was on disk when it began; each entry is in it once, and no seq is left out unsaid.
)";

constexpr std::array export_options = with_selection(std::array{
    Option{.names = "-o,--output",
           .value = "json|export",
           .help = "The form",
           .default_value = "json"},
});

EntryForm entry_form_of(GivenOptions const& given) {
  auto const name = given.text("--output", "json");
  if (name == "json") return EntryForm::json;
  if (name == "export") return EntryForm::journal;
  throw UsageError{"unknown form of output '" + name + "'", "forms are json, export"};
}

// A follow gives entries in the order of the log; what is written after it began is not waited for,
// or a writer that never stops would make it endless.
Result<void> export_entries(Client& client, EntrySelection const& selection, EntryStyle style,
                            Output& output) {
  auto const snapshot =
      client.follow_logs({.newest = 0}, [](FollowPart const& part) { return !part.caught_up; });
  if (!snapshot) return snapshot.error();
  ProgressMeter meter{std::nullopt};
  bool const shows = !is_terminal(STDOUT_FILENO);
  std::uint64_t bytes = 0;
  std::uint64_t entries = 0;
  auto const visit = [&](FollowPart const& part) {
    if (part.removed) {
      meter.clear();
      print_removed(*part.removed);
    }
    for (auto const& entry : part.entries) {
      if (entry.seq > snapshot->last_seq || !selection.wants(entry)) continue;
      append_entry_text(output.text(), entry, style);
      ++entries;
    }
    bytes += output.text().size();
    output.flush();
    if (shows) meter.show(bytes, entries);
    bool const is_end = part.caught_up || part.last_seq >= snapshot->last_seq;
    return !is_end && output.ok() && !interrupted();
  };
  auto const end = client.follow_logs(
      {.start_ts = selection.start_ts, .end_ts = selection.end_ts, .filter = selection.filter},
      visit);
  if (!end) return end.error();
  return {};
}

int run_export(ClientOptions const& options, GivenOptions const& given) {
  auto const selection = selection_of(given);
  EntryStyle const style{.form = entry_form_of(given), .visible = is_terminal(STDOUT_FILENO)};
  auto client = Client::connect(options);
  if (!client) return report(client.error());
  watch_for_interrupt();
  Output output;
  auto const done = export_entries(*client, selection, style, output);
  auto const exit_code = output.finish();
  if (!done) return report(done.error());
  return interrupted() ? interrupted_exit_code() : exit_code;
}

}  // namespace

Verb const export_verb{
    .name = "export", .text = export_help, .options = export_options, .run = run_export};

}  // namespace stele::cli
