#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

#include "client-lib/cli/read/read_arguments.hpp"
#include "client-lib/cli/terminal/interruption.hpp"
#include "client-lib/cli/terminal/report.hpp"
#include "client-lib/cli/terminal/streams.hpp"
#include "client-lib/cli/verbs.hpp"
#include "client-lib/process/quiet_thread.hpp"

namespace stele::cli {
namespace {

constexpr std::string_view tail_help =
    R"(Print entries as they are written; the same as `stele read -f`.

Examples:
  stele tail
  stele tail -p warning
  stele tail -n 0 --where unit=web -o json
  stele tail --after-seq 976

The newest 10 entries come first (-n, --no-tail, --since and --after-seq change that). What comes is
in the order of the log, each entry once. When the daemon is restarted, the tail waits and goes on
where it was.
)";

constexpr std::uint64_t page_entries = 2000;

// Ends the process when nobody reads its output any more (`tail | head`): until the next entry
// comes nothing would be written, and no error be seen. All that there is to print has been
// written.
void end_with_reader() {
  client::start_quiet_thread([] {
    pollfd watched{STDOUT_FILENO, 0, 0};
    while (::poll(&watched, 1, -1) < 0 && errno == EINTR) continue;
    if ((watched.revents & POLLERR) != 0) std::_Exit(exit_ok);
  }).detach();
}

// One tail, over as many connections as it takes.
class Follow {
 public:
  Follow(ClientOptions const& options, ReadArguments const& arguments, Client client)
      : options_(options), arguments_(arguments), client_(std::move(client)) {}

  int run();

 private:
  /// Until the connection ends, or nothing can be printed any more.
  Result<void> follow_connection();
  /// The newest entries that are wanted, where the daemon does not know which those are.
  Result<void> print_newest();
  bool print(FollowPart const& part);
  Result<void> connect_again();
  EntrySelection const& selection() const noexcept { return arguments_.selection; }

  ClientOptions const& options_;
  ReadArguments const& arguments_;
  Client client_;
  Output output_{};
  std::optional<std::uint64_t> told_seq_{};  ///< Everything up to it has come.
};

int Follow::run() {
  for (;;) {
    auto const followed = follow_connection();
    if (!output_.ok()) return output_.finish();
    if (!followed && !ends_with_connection(followed.error())) return report(followed.error());
    if (auto const connected = connect_again(); !connected) return report(connected.error());
  }
}

Result<void> Follow::follow_connection() {
  if (!told_seq_ && arguments_.newest && selection().is_judged_here()) {
    if (auto const printed = print_newest(); !printed) return printed;
  }
  FollowOptions options{.start_ts = selection().start_ts,
                        .end_ts = selection().end_ts,
                        .filter = selection().filter,
                        .newest = arguments_.newest};
  if (told_seq_) {
    options.newest.reset();
    options.filter.after_seq = *told_seq_;
  }
  auto const end = client_.follow_logs(options, [this](FollowPart& part) { return print(part); });
  if (!end) return end.error();
  return {};
}

// From the newest on towards older ones, until there are enough. What comes after the moment at
// which this began is left to the follow.
Result<void> Follow::print_newest() {
  auto const until =
      client_.follow_logs({.newest = 0}, [](FollowPart const& part) { return !part.caught_up; });
  if (!until) return until.error();
  std::vector<StoredEntry> newest;
  auto const visit = [&](StoredEntry& entry) {
    bool const wanted = entry.seq <= until->last_seq && selection().wants(entry);
    if (wanted && newest.size() < *arguments_.newest) newest.push_back(std::move(entry));
    return newest.size() < *arguments_.newest;
  };
  // By pages: what a reader leaves behind in a longer answer would travel all the same.
  ReadOptions page{.start_ts = selection().start_ts,
                   .end_ts = selection().end_ts,
                   .order = Order::desc,
                   .limit = page_entries,
                   .filter = selection().filter};
  do {
    auto const read = client_.read_logs(page, visit);
    if (!read && read.error().code == Error::cursor_expired) break;  // No older ones are left.
    if (!read) return read.error();
    page.cursor = read->cursor;
  } while (!page.cursor.empty());
  std::ranges::sort(newest, {}, &StoredEntry::seq);
  print({.entries = std::move(newest), .last_seq = until->last_seq});
  return {};
}

bool Follow::print(FollowPart const& part) {
  if (part.removed) print_removed(*part.removed);
  for (auto const& entry : part.entries) {
    if (selection().wants(entry)) append_entry_text(output_.text(), entry, arguments_.style);
  }
  output_.flush();
  told_seq_ = part.last_seq;
  return output_.ok();
}

Result<void> Follow::connect_again() {
  auto client = wait_for_daemon(options_);
  if (!client) return client.error();
  if (client->hello().store_id != client_.hello().store_id) {
    print_error("this is another store; its entries follow from the first on");
    told_seq_ = 0;
  }
  client_ = std::move(*client);
  return {};
}

int run_tail(ClientOptions const& options, GivenOptions const& given) {
  return follow_log(options, read_arguments(given, true));
}

}  // namespace

int follow_log(ClientOptions const& options, ReadArguments const& arguments) {
  auto client = Client::connect(options);
  if (!client) return report(client.error());
  end_with_reader();
  return Follow{options, arguments, std::move(*client)}.run();
}

Verb const tail_verb{.name = "tail", .text = tail_help, .options = tail_options(), .run = run_tail};

}  // namespace stele::cli
