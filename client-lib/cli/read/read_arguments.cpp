#include "client-lib/cli/read/read_arguments.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "client-lib/cli/terminal/pager.hpp"
#include "client-lib/cli/terminal/report.hpp"
#include "client-lib/cli/terminal/streams.hpp"
#include "client-lib/cli/text/text_scanner.hpp"
#include "client-lib/cli/times/civil_time.hpp"

namespace stele::cli {
namespace {

constexpr std::uint64_t tail_lines = 10;
constexpr std::string_view pager_end_lines = "1000";

constexpr std::array tail_option_list = with_selection(std::array{
    Option{.names = "-n,--lines",
           .value = "N",
           .help = "The newest N entries (10 if N is left out); +N: the first N; all",
           .value_may_lack = true},
    Option{.names = "-r,--reverse", .help = "Newest first"},
    Option{.names = "-f,--follow", .help = "Go on with what is written from now on"},
    Option{.names = "--no-tail", .help = "With -f: everything that is there first"},
    Option{.names = "-o,--output",
           .value = entry_form_names,
           .help = "short: time, level, message, metadata on one line; verbose: a line a part; "
                   "json: one object a line; "
                   "cat: the message as it is; export: Journal Export Format",
           .default_value = "short"},
    Option{.names = "--utc", .help = "Times of short in UTC"},
    Option{.names = "-q,--quiet", .help = "No words about an empty range"},
    Option{.names = "--fail-empty", .help = "Exit code 5 if nothing matched"},
    Option{.names = "--cursor",
           .value = "CURSOR",
           .help = "Go on where an earlier read with the same options ended"},
    Option{.names = "--show-cursor",
           .help = "After +N entries, print where to go on as `-- cursor: …`"},
    Option{.names = "-e,--pager-end", .help = "Show the end of the text in the pager first"},
    Option{.names = "--no-pager", .help = "Straight to the terminal"},
    Option{.names = "--color",
           .value = "auto|always|never",
           .help = "Levels in colour; auto: on a terminal, unless NO_COLOR is set",
           .default_value = "auto"},
});

/// Of `read` alone.
constexpr std::array remote_options{
    Option{.names = "--from",
           .value = "URL,…",
           .help = "Not this machine's log but streams of NATS JetStream (see ship), merged by "
                   "time: nats://host:port"},
    Option{.names = "--stream", .value = "NAME", .help = "With --from: a stream", .many = true},
    Option{.names = "--timeout",
           .value = "SECONDS",
           .help = "With --from: give up when nothing has come for so long",
           .default_value = "10"},
    Option{.names = "--tls", .help = "With --from: only over TLS"},
    Option{.names = "--tls-ca",
           .value = "FILE",
           .help = "With --from: certificates of authorities to trust"},
    Option{.names = "--tls-cert", .value = "FILE", .help = "With --from: own certificate, and"},
    Option{.names = "--tls-key", .value = "FILE", .help = "its key"},
    Option{.names = "--creds", .value = "FILE", .help = "With --from: a credentials file"},
    Option{.names = "--nkey", .value = "KEY", .help = "With --from: public NKey, and"},
    Option{.names = "--nkey-seed", .value = "FILE", .help = "its seed"},
};

constexpr auto read_option_list = [] {
  std::array<Option, tail_option_list.size() + remote_options.size()> all{};
  std::ranges::copy(tail_option_list, all.begin());
  std::ranges::copy(remote_options, all.begin() + tail_option_list.size());
  return all;
}();

bool terminal_has_colours() noexcept {
  auto const* no_colour = std::getenv("NO_COLOR");
  auto const* terminal = std::getenv("TERM");
  bool const refused = no_colour != nullptr && *no_colour != '\0';
  bool const dumb = terminal != nullptr && std::string_view{terminal} == "dumb";
  return !refused && !dumb;
}

EntryStyle style_of(GivenOptions const& given) {
  auto const name = given.text("--output", "short");
  auto const form = parse_entry_form(name);
  if (!form) {
    throw UsageError{"unknown form of output '" + name + "'",
                     "forms are " + std::string{entry_form_names}};
  }
  bool const terminal = is_terminal(STDOUT_FILENO);
  EntryStyle style{.form = *form, .visible = terminal, .utc = given.has("--utc")};
  auto const zone = style.utc ? std::nullopt : unknown_local_zone();
  if (zone && (style.form == EntryForm::brief || style.form == EntryForm::verbose)) {
    print_error("TZ is '" + *zone + "', which is no time zone: times are shown in UTC");
  }
  auto const colour = given.text("--color", "auto");
  if (colour == "always") {
    style.colour = true;
  } else if (colour == "auto") {
    style.colour = terminal && terminal_has_colours();
  } else if (colour != "never") {
    throw UsageError{"--color is auto, always or never"};
  }
  return style;
}

void take_lines(ReadArguments& arguments, std::string_view text) {
  if (text == "all") return;
  bool const first = text.starts_with('+');
  auto const number = text.empty() ? tail_lines : parse_number(text.substr(first ? 1 : 0));
  if (!number) throw UsageError{"--lines: '" + std::string{text} + "' is not N, +N or all"};
  (first ? arguments.first : arguments.newest) = *number;
}

}  // namespace

std::span<Option const> read_options() noexcept { return read_option_list; }

std::span<Option const> tail_options() noexcept { return tail_option_list; }

ReadArguments read_arguments(GivenOptions const& given, bool tail) {
  ReadArguments arguments{.selection = selection_of(given),
                          .newest_first = given.has("--reverse"),
                          .follow = tail || given.has("--follow"),
                          .style = style_of(given),
                          .quiet = given.has("--quiet"),
                          .fail_empty = given.has("--fail-empty"),
                          .cursor = given.text("--cursor"),
                          .show_cursor = given.has("--show-cursor")};
  arguments.pager_at_end = given.has("--pager-end");
  bool const from_somewhere = given.has("--since") || given.has("--after-seq");
  if (given.has("--lines")) {
    take_lines(arguments, given.text("--lines"));
  } else if (arguments.follow && !given.has("--no-tail") && !from_somewhere) {
    arguments.newest = tail_lines;
  } else if (arguments.pager_at_end) {
    take_lines(arguments, pager_end_lines);
  }
  arguments.pager = arguments.style.visible && !arguments.follow && !given.has("--no-pager") &&
                    !pager_is_refused();
  if (given.has("--no-tail") && !arguments.follow) {
    throw UsageError{"--no-tail does nothing without --follow"};
  }
  if (!arguments.follow) return arguments;
  if (arguments.newest_first || arguments.first || !arguments.cursor.empty()) {
    throw UsageError{"what is followed has no end: no --reverse, no --lines +N, no --cursor",
                     "stele read --help"};
  }
  return arguments;
}

}  // namespace stele::cli
