#include <unistd.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client-lib/cli/read/read_arguments.hpp"
#include "client-lib/cli/ship/ship_program.hpp"
#include "client-lib/cli/terminal/interruption.hpp"
#include "client-lib/cli/terminal/pager.hpp"
#include "client-lib/cli/terminal/report.hpp"
#include "client-lib/cli/terminal/streams.hpp"
#include "client-lib/cli/verbs.hpp"

namespace stele::cli {
namespace {

constexpr std::string_view read_help = R"(Print entries, oldest first.

Examples:
  stele read --since '10 min ago'
  stele read --since 2023-11-14 --until '2023-11-14 22:13:20' -o json
  stele read -n 20 -p warning
  stele read --where unit=web --contains timeout
  stele read -g 'disk sd[ab]'
  stele read -f
  stele read -o cat > messages.txt
  stele read --from nats://a:4222 --stream web1 --stream web2 --since today

TIME is RFC 3339 (2023-11-14T22:13:20Z), local time (2023-11-14 22:13[:20[.5]], 22:13), `now`,
`today`, `yesterday`, relative (`10 min ago`, -1h, +5min), seconds since the epoch (@1700000000),
or microseconds since the epoch (digits alone).
)";

// One `stele read` of a range.
class RangeRead {
 public:
  RangeRead(Client client, ReadArguments const& arguments)
      : client_(std::move(client)), arguments_(arguments) {}

  int run();

 private:
  Result<void> read();
  /// False: nothing more is wanted.
  bool take(StoredEntry& entry);
  void print(StoredEntry const& entry);
  bool stopped() const noexcept { return !output_.ok() || interrupted(); }

  Client client_;
  ReadArguments const& arguments_;
  Pager pager_{};
  Output output_{};
  // The newest n of a range come newest first; to print them oldest first they are held here.
  std::vector<StoredEntry> held_{};
  std::uint64_t taken_ = 0;
  bool paged_ = false;
  std::string cursor_{};
};

int RangeRead::run() {
  auto const done = read();
  for (auto entry = held_.rbegin(); entry != held_.rend() && !stopped(); ++entry) print(*entry);
  if (arguments_.show_cursor && !cursor_.empty()) output_.text() += "-- cursor: " + cursor_ + '\n';
  auto const exit_code = output_.finish();
  pager_.finish();
  if (!done) return report(done.error());
  if (interrupted()) return interrupted_exit_code();
  if (taken_ > 0) return exit_code;
  if (!arguments_.quiet && arguments_.style.visible) print_error("no entries in this range");
  return arguments_.fail_empty ? exit_empty : exit_code;
}

Result<void> RangeRead::read() {
  bool const turn_round = arguments_.newest && !arguments_.newest_first;
  bool const descending = arguments_.newest_first || turn_round;
  ReadOptions options{.start_ts = arguments_.selection.start_ts,
                      .end_ts = arguments_.selection.end_ts,
                      .order = descending ? Order::desc : Order::asc,
                      .cursor = arguments_.cursor,
                      .filter = arguments_.selection.filter};
  // Where entries are dropped here the daemon cannot count them.
  if (!arguments_.selection.is_judged_here()) {
    options.limit = arguments_.newest ? arguments_.newest : arguments_.first;
  }
  auto const visit = [this](StoredEntry& entry) {
    return !stopped() && (!arguments_.selection.wants(entry) || take(entry));
  };
  auto end = client_.read_logs(options, visit);
  if (!end) return end.error();
  cursor_ = std::move(end->cursor);
  return {};
}

bool RangeRead::take(StoredEntry& entry) {
  auto const most = arguments_.newest ? arguments_.newest : arguments_.first;
  if (most && taken_ >= *most) return false;
  ++taken_;
  if (arguments_.newest && !arguments_.newest_first) {
    held_.push_back(std::move(entry));
  } else {
    print(entry);
  }
  return !stopped() && !(most && taken_ == *most && arguments_.selection.is_judged_here());
}

void RangeRead::print(StoredEntry const& entry) {
  if (arguments_.pager && !std::exchange(paged_, true)) pager_.start(arguments_.pager_at_end);
  append_entry_text(output_.text(), entry, arguments_.style);
  output_.flush_if_large();
}

int run_read(ClientOptions const& options, GivenOptions const& given) {
  if (given.has("--from")) return run_remote_read(given);
  for (auto const* option : {"--stream", "--timeout", "--tls", "--tls-ca", "--tls-cert",
                             "--tls-key", "--creds", "--nkey", "--nkey-seed"}) {
    if (given.has(option)) throw UsageError{std::string{option} + " does nothing without --from"};
  }
  auto const arguments = read_arguments(given);
  if (arguments.follow) return follow_log(options, arguments);
  auto client = Client::connect(options);
  if (!client) return report(client.error());
  return RangeRead{std::move(*client), arguments}.run();
}

}  // namespace

Verb const read_verb{.name = "read", .text = read_help, .options = read_options(), .run = run_read};

}  // namespace stele::cli
