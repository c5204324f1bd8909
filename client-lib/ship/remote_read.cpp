// `stele read --from`: entries of many machines out of streams, merged by time.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <chrono>
#include <deque>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "client-lib/cli/read/read_arguments.hpp"
#include "client-lib/cli/ship/ship_program.hpp"
#include "client-lib/cli/terminal/interruption.hpp"
#include "client-lib/cli/terminal/pager.hpp"
#include "client-lib/cli/terminal/report.hpp"
#include "client-lib/cli/terminal/streams.hpp"
#include "client-lib/ship/line_sorter.hpp"
#include "client-lib/ship/nats/nats_connection.hpp"
#include "client-lib/ship/nats/stream_reader.hpp"
#include "client-lib/ship/ship_arguments.hpp"
#include "client-lib/wire_forms.hpp"
#include "protocol/entry/canonical_entry.hpp"
#include "protocol/entry/entry_filter.hpp"
#include "protocol/text/json_text.hpp"

namespace stele::cli {
namespace {

using ship::Outcome;
using ship::ShipError;
using ship::ShippedLine;
using ship::StreamMessage;
using ship::StreamReader;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::string_view gap_start = R"({"gap":)";
constexpr milliseconds fetch_wait{500};
constexpr std::uint64_t timeout_s_default = 10;
constexpr std::uint64_t timeout_s_max = 3600;
/// An entry is in its stream after its own time, unless the clock of its machine was ahead of that
/// of the server: by more than this, and a stream is not read far enough back.
constexpr std::uint64_t clock_difference_us = 600'000'000;
/// The same for `-n`, which need not read ten minutes for ten lines.
constexpr std::uint64_t newest_difference_us = 10'000'000;
/// From the end of a stream backwards, at first.
constexpr std::uint64_t block_messages = 512;
/// The time of the newest N is worth remembering.
constexpr std::uint64_t newest_known_max = 1'000'000;

std::uint64_t minus(std::uint64_t from, std::uint64_t less) noexcept {
  return from - std::min(from, less);
}

/// What the shipper added behind the entry.
std::string host_in(std::string_view line) {
  auto const at = line.rfind(R"(,"host":)");
  if (at == line.npos) return "?";
  boost::system::error_code error;
  auto const object = boost::json::parse('{' + std::string(line.substr(at + 1)), error);
  if (error.failed() || !object.is_object()) return "?";
  auto const* host = object.get_object().if_contains("host");
  if (host == nullptr || !host->is_string()) return "?";
  return {host->get_string().data(), host->get_string().size()};
}

ship::SortOptions sort_options_of(ReadArguments const& arguments) {
  ship::SortOptions options{.newest_first = arguments.newest_first,
                            .directory = ship::temporary_directory()};
  bool const from_front = arguments.newest_first == arguments.newest.has_value();
  auto const most = arguments.newest ? arguments.newest : arguments.first;
  (from_front ? options.first : options.last) = most;
  return options;
}

class RemoteRead {
 public:
  RemoteRead(ReadArguments const& arguments, milliseconds patience)
      : arguments_(arguments),
        patience_(patience),
        filter_(client::filter_of(arguments.selection.filter)),
        sorter_(sort_options_of(arguments)) {}

  Outcome<void> open(natsConnection* connection, std::vector<std::string> const& streams);
  Outcome<void> read_history();
  Outcome<void> print_history();
  /// Until it is interrupted, or nobody reads the output.
  Outcome<void> follow();
  int finish();

 private:
  struct Stream {
    StreamReader reader;
    ship::StreamExtent extent{};
  };

  Outcome<void> read_all(Stream& stream);
  Outcome<void> read_newest();
  Outcome<void> read_backwards(Stream& stream);
  /// From where the reader stands; what is at `end` or behind it is not taken. When the first
  /// message of it was stored goes to first_stored_us_.
  Outcome<void> read_part(StreamReader& reader, std::uint64_t end);
  void take_message(StreamMessage const& message, bool live);
  void take_line(std::string_view line, std::string const& store, bool live);
  bool is_wanted(StoredEntry const& entry, std::string_view line) const;
  void remember_newest(std::uint64_t timestamp);
  /// What was stored before this is older than all that is wanted.
  std::uint64_t oldest_wanted_us() const noexcept;
  void print(ShippedLine const& found);
  void print(ShippedLine const& found, StoredEntry const& entry);

  ReadArguments const& arguments_;
  milliseconds patience_;
  protocol::EntryMatcher filter_;
  ship::LineSorter sorter_;
  ship::JsContext context_{};
  std::deque<Stream> streams_{};
  Outcome<void> sorted_{};
  std::priority_queue<std::uint64_t, std::vector<std::uint64_t>, std::greater<>> newest_{};
  std::uint64_t taken_ = 0;  ///< Lines that were wanted.
  std::uint64_t first_stored_us_ = 0;
  bool printed_ = false;
  Pager pager_{};
  Output output_{};
};

Outcome<void> RemoteRead::open(natsConnection* connection,
                               std::vector<std::string> const& streams) {
  jsCtx* made = nullptr;
  if (auto const status = natsConnection_JetStream(&made, connection, nullptr); status != NATS_OK) {
    return ShipError{ship::nats_text(status), true};
  }
  context_.reset(made);
  for (auto const& name : streams) {
    auto& stream = streams_.emplace_back(StreamReader(connection, made, name));
    auto const extent = stream.reader.extent();
    if (!extent) return extent.error();
    stream.extent = *extent;
  }
  return {};
}

bool RemoteRead::is_wanted(StoredEntry const& entry, std::string_view line) const {
  auto const& selection = arguments_.selection;
  bool const in_time = selection.start_ts <= entry.timestamp && entry.timestamp <= selection.end_ts;
  bool const in_log = entry.seq > selection.filter.after_seq.value_or(0);
  return in_time && in_log && filter_.matches(line) && selection.wants(entry);
}

void RemoteRead::remember_newest(std::uint64_t timestamp) {
  if (!arguments_.newest || *arguments_.newest > newest_known_max) return;
  newest_.push(timestamp);
  if (newest_.size() > *arguments_.newest) newest_.pop();
}

std::uint64_t RemoteRead::oldest_wanted_us() const noexcept {
  auto const oldest = minus(arguments_.selection.start_ts, clock_difference_us);
  bool const is_full = !newest_.empty() && newest_.size() == arguments_.newest;
  return is_full ? std::max(oldest, minus(newest_.top(), newest_difference_us)) : oldest;
}

void RemoteRead::take_line(std::string_view line, std::string const& store, bool live) {
  if (line.starts_with(gap_start)) {
    if (!arguments_.quiet) print_error("was not shipped: " + std::string(line));
    return;
  }
  auto entry = protocol::parse_stored_entry(line);
  if (!entry) {
    print_error("a line that is no entry: " + entry.error().message);
    return;
  }
  // What was added for people is not part of the form that the filter judges.
  auto const added = line.rfind(",\"time\":\"");
  auto const canonical =
      added == line.npos ? std::string(line) : std::string(line.substr(0, added)) + '}';
  if (!is_wanted(*entry, canonical)) return;
  ++taken_;
  ShippedLine found{
      .timestamp = entry->timestamp, .seq = entry->seq, .store = store, .line = std::string(line)};
  if (live) return print(found, *entry);
  remember_newest(entry->timestamp);
  if (sorted_) sorted_ = sorter_.add(std::move(found));
}

void RemoteRead::take_message(StreamMessage const& message, bool live) {
  auto const id = ship::parse_message_id(ship::header_of(message.message, "Nats-Msg-Id"));
  auto const store = id ? id->store : std::string();
  std::string_view body(natsMsg_GetData(message.message),
                        static_cast<std::size_t>(natsMsg_GetDataLength(message.message)));
  while (!body.empty()) {
    auto const end = std::min(body.find('\n'), body.size());
    if (end > 0) take_line(body.substr(0, end), store, live);
    body.remove_prefix(std::min(end + 1, body.size()));
  }
}

Outcome<void> RemoteRead::read_part(StreamReader& reader, std::uint64_t end) {
  first_stored_us_ = 0;
  auto const visit = [&](StreamMessage const& message) {
    if (first_stored_us_ == 0) first_stored_us_ = message.stored_us;
    if (message.seq < end) take_message(message, false);
  };
  std::string trouble = "nothing comes from it";
  for (auto came = steady_clock::now(); !interrupted();) {
    auto const fetched = reader.fetch(fetch_wait, visit);
    if (!sorted_) return sorted_;
    if (fetched && *fetched > 0) came = steady_clock::now();
    if (reader.next_seq() >= end || reader.at_end()) return {};
    if (!fetched) trouble = fetched.error().message;
    if (!fetched && fetched.error().is_final) return fetched.error();
    if (steady_clock::now() - came >= patience_) {
      return ShipError{"stream " + reader.name() + ": given up after " +
                       std::to_string(patience_.count() / 1000) + " s: " + trouble};
    }
  }
  return {};
}

Outcome<void> RemoteRead::read_all(Stream& stream) {
  auto const since = oldest_wanted_us();
  if (since > 0) {
    stream.reader.seek_time(since);
  } else {
    stream.reader.seek(stream.extent.first_seq);
  }
  return read_part(stream.reader, stream.extent.last_seq + 1);
}

// Only the end of a stream, by blocks of which each is twice as long as the one behind it, until
// nothing in front of them can be wanted.
Outcome<void> RemoteRead::read_backwards(Stream& stream) {
  auto block = block_messages;
  for (auto end = stream.extent.last_seq + 1; end > stream.extent.first_seq && !interrupted();
       block *= 2) {
    auto const begin = std::max(minus(end, block), stream.extent.first_seq);
    stream.reader.seek(begin);
    if (auto const read = read_part(stream.reader, end); !read) return read;
    if (first_stored_us_ != 0 && first_stored_us_ < oldest_wanted_us()) break;
    end = begin;
  }
  return {};
}

Outcome<void> RemoteRead::read_history() {
  bool const from_end = arguments_.newest && *arguments_.newest <= newest_known_max;
  for (auto& stream : streams_) {
    if (stream.extent.messages == 0 || arguments_.newest == 0U) continue;
    auto const read = from_end ? read_backwards(stream) : read_all(stream);
    if (!read) return read;
  }
  return {};
}

void RemoteRead::print(ShippedLine const& found) {
  auto const entry = protocol::parse_stored_entry(found.line);
  if (entry) print(found, *entry);
}

void RemoteRead::print(ShippedLine const& found, StoredEntry const& entry) {
  if (arguments_.pager && !std::exchange(printed_, true)) pager_.start(arguments_.pager_at_end);
  auto& out = output_.text();
  auto const form = arguments_.style.form;
  std::string text;
  append_entry_text(text, entry, arguments_.style);
  if (form == EntryForm::json && text.starts_with('{')) {
    std::string where = R"("host":)";
    protocol::append_json_string(where, host_in(found.line));
    where += R"(,"store":)";
    protocol::append_json_string(where, found.store);
    text.insert(1, where + ',');
  } else if (form == EntryForm::brief || form == EntryForm::verbose) {
    out += host_in(found.line) + ' ';
  }
  out += text;
  output_.flush_if_large();
}

Outcome<void> RemoteRead::print_history() {
  return sorter_.visit([this](ShippedLine const& line) {
    print(line);
    return output_.ok() && !interrupted();
  });
}

bool has_reader() noexcept {
  pollfd watched{STDOUT_FILENO, 0, 0};
  return ::poll(&watched, 1, 0) <= 0 || (watched.revents & POLLERR) == 0;
}

Outcome<void> RemoteRead::follow() {
  for (auto& stream : streams_) stream.reader.seek(stream.extent.last_seq + 1);
  auto const wait = fetch_wait / static_cast<int>(std::max<std::size_t>(streams_.size(), 1));
  auto const visit = [this](StreamMessage const& message) { take_message(message, true); };
  output_.flush();
  for (std::string reported; output_.ok() && has_reader() && !interrupted();) {
    for (auto& stream : streams_) {
      auto const fetched = stream.reader.fetch(wait, visit);
      output_.flush();
      if (fetched && *fetched > 0) reported.clear();
      if (fetched) continue;
      if (fetched.error().is_final) return fetched.error();
      // Servers that are away fail in the same words again and again.
      if (std::exchange(reported, fetched.error().message) != fetched.error().message) {
        print_error(fetched.error().message, "going on when it is back");
      }
      ::poll(nullptr, 0, static_cast<int>(wait.count()));
    }
  }
  return {};
}

int RemoteRead::finish() {
  auto const exit_code = output_.finish();
  pager_.finish();
  if (interrupted()) return interrupted_exit_code();
  if (taken_ > 0 || exit_code != exit_ok) return exit_code;
  if (!arguments_.quiet && arguments_.style.visible) print_error("no entries in this range");
  return arguments_.fail_empty ? exit_empty : exit_code;
}

milliseconds patience_of(GivenOptions const& given) {
  auto const seconds = given.number("--timeout").value_or(timeout_s_default);
  if (seconds < 1 || seconds > timeout_s_max) {
    throw UsageError("--timeout is from 1 to " + std::to_string(timeout_s_max) + " seconds");
  }
  return milliseconds(seconds * 1000);
}

}  // namespace

int run_remote_read(GivenOptions const& given) {
  auto const arguments = read_arguments(given);
  if (!arguments.cursor.empty() || arguments.show_cursor) {
    throw UsageError("a stream has no cursors of this kind", "--since, --follow");
  }
  auto const patience = patience_of(given);
  auto const options = ship::nats_options_of(given, given.text("--from"));
  watch_for_interrupt();
  auto const connection = ship::connect_to_nats(options, patience);
  if (!connection) {
    print_error(connection.error().message);
    return exit_unreachable;
  }
  RemoteRead read(arguments, patience);
  auto done = read.open(connection->get(), given.all("--stream"));
  if (done) done = read.read_history();
  if (done && !interrupted()) done = read.print_history();
  if (done && arguments.follow) done = read.follow();
  auto const exit_code = read.finish();
  if (done) return exit_code;
  print_error(done.error().message);
  return exit_failed;
}

}  // namespace stele::cli
