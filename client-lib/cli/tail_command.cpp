#include <random>
#include <string_view>
#include <thread>
#include <utility>

#include "client-lib/backoff.hpp"
#include "client-lib/cli/log_reader.hpp"
#include "client-lib/cli/read_arguments.hpp"
#include "client-lib/cli/report.hpp"
#include "client-lib/cli/streams.hpp"
#include "client-lib/cli/verbs.hpp"

namespace stele::cli {
namespace {

constexpr std::string_view help_text =
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

bool ends_with_connection(Failure const& failure) noexcept {
  return failure.code == ClientError::connection_lost ||
         failure.code == ClientError::cannot_connect || failure.code == ClientError::timed_out ||
         failure.code == Error::shutting_down || failure.code == Error::too_many_connections ||
         failure.code == Error::log_failed;
}

// One tail, over as many connections as it takes.
class Follow {
 public:
  Follow(ClientOptions const& options, ReadArguments const& arguments, LogReader reader)
      : options_(options), arguments_(arguments), reader_(std::move(reader)) {}

  int run();

 private:
  /// Until the connection ends, or nothing can be printed any more.
  Result<void> follow_connection();
  void print(protocol::Reply const& reply);
  Result<void> connect_again();

  ClientOptions const& options_;
  ReadArguments const& arguments_;
  LogReader reader_;
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
  protocol::ReadLogs request{.start_ts = arguments_.selection.start_ts,
                             .end_ts = arguments_.selection.end_ts,
                             .limit = arguments_.newest,
                             .terms = arguments_.selection.terms(),
                             .follow = true};
  if (told_seq_) {
    request.limit.reset();
    request.terms.after_seq = *told_seq_;
  }
  reader_.begin(request);
  for (;;) {
    auto const reply = reader_.next();
    if (!reply) return reply.error();
    print(*reply);
    if (!output_.ok() || !reply->more) return {};
  }
}

void Follow::print(protocol::Reply const& reply) {
  if (reply.lagged) {
    print_error("seqs " + std::to_string(reply.lagged->from_seq) + " to " +
                    std::to_string(reply.lagged->to_seq) + " were removed before they came here",
                "let the daemon keep more: retain-bytes");
  }
  for (auto const& entry : reply.entries) {
    if (arguments_.wants(entry)) append_entry_text(output_.text(), entry, arguments_.style);
  }
  output_.flush();
  told_seq_ = reply.last_seq;
}

Result<void> Follow::connect_again() {
  print_error("the daemon is gone; waiting for it");
  client::Backoff backoff;
  std::random_device random;
  for (;;) {
    std::this_thread::sleep_for(backoff.next(random()));
    auto reader = LogReader::connect(options_);
    if (!reader) {
      if (ends_with_connection(reader.error())) continue;
      return reader.error();
    }
    if (reader->store_id() != reader_.store_id()) {
      print_error("this is another store; its entries follow from the first on");
      told_seq_ = 0;
    }
    reader_ = std::move(*reader);
    return {};
  }
}

int run(ClientOptions const& options, GivenOptions const& given) {
  return follow_log(options, read_arguments(given, true));
}

}  // namespace

int follow_log(ClientOptions const& options, ReadArguments const& arguments) {
  auto reader = LogReader::connect(options);
  if (!reader) return report(reader.error());
  return Follow{options, arguments, std::move(*reader)}.run();
}

Verb const tail_verb{.name = "tail", .text = help_text, .options = read_options(), .run = run};

}  // namespace stele::cli
