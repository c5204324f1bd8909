// `stele read --from`: entries of many machines out of streams, merged by time.
#include <algorithm>
#include <boost/json/parse.hpp>
#include <chrono>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "client-lib/cli/exit_code.hpp"
#include "client-lib/cli/interrupt.hpp"
#include "client-lib/cli/pager.hpp"
#include "client-lib/cli/read_arguments.hpp"
#include "client-lib/cli/report.hpp"
#include "client-lib/cli/ship_program.hpp"
#include "client-lib/cli/streams.hpp"
#include "client-lib/ship/nats_connection.hpp"
#include "client-lib/ship/ship_arguments.hpp"
#include "client-lib/wire_forms.hpp"
#include "protocol/canonical_entry.hpp"
#include "protocol/entry_filter.hpp"
#include "protocol/json_text.hpp"

namespace stele::cli {
namespace {

using ship::Outcome;
using ship::Trouble;

constexpr std::int64_t message_patience_ms = 10'000;
constexpr std::string_view gap_start = R"({"gap":)";

struct RemoteEntry {
  StoredEntry entry{};
  std::string host{};
  std::string store{};
};

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

class RemoteRead {
 public:
  explicit RemoteRead(ReadArguments const& arguments)
      : arguments_(arguments), filter_(client::terms_of(arguments.selection.filter)) {}

  Outcome<void> read_stream(natsConnection* connection, std::string const& stream);
  int print();

 private:
  void take_message(natsMsg* message);
  void take_line(std::string_view line, std::string const& store);
  bool is_wanted(StoredEntry const& entry, std::string_view line) const;
  void print(RemoteEntry const& found);

  ReadArguments const& arguments_;
  protocol::EntryFilter filter_;
  std::vector<RemoteEntry> found_{};
  Pager pager_{};
  Output output_{};
};

bool RemoteRead::is_wanted(StoredEntry const& entry, std::string_view line) const {
  auto const& selection = arguments_.selection;
  bool const in_time = selection.start_ts <= entry.timestamp && entry.timestamp <= selection.end_ts;
  bool const in_log = entry.seq > selection.filter.after_seq.value_or(0);
  return in_time && in_log && filter_.matches(line) && selection.wants(entry);
}

void RemoteRead::take_line(std::string_view line, std::string const& store) {
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
  if (is_wanted(*entry, canonical)) found_.push_back({*std::move(entry), host_in(line), store});
}

void RemoteRead::take_message(natsMsg* message) {
  auto const id = ship::parse_message_id(ship::header_of(message, "Nats-Msg-Id"));
  auto const store = id ? id->store : std::string();
  std::string_view body(natsMsg_GetData(message),
                        static_cast<std::size_t>(natsMsg_GetDataLength(message)));
  while (!body.empty()) {
    auto const end = std::min(body.find('\n'), body.size());
    if (end > 0) take_line(body.substr(0, end), store);
    body.remove_prefix(std::min(end + 1, body.size()));
  }
}

Outcome<void> RemoteRead::read_stream(natsConnection* connection, std::string const& stream) {
  auto const failed = [&](natsStatus status) {
    return Trouble{"stream " + stream + ": " + ship::nats_text(status)};
  };
  jsCtx* made = nullptr;
  if (auto const status = natsConnection_JetStream(&made, connection, nullptr); status != NATS_OK) {
    return failed(status);
  }
  ship::JsContext const js(made);
  jsStreamInfo* looked = nullptr;
  auto status = js_GetStreamInfo(&looked, made, stream.c_str(), nullptr, nullptr);
  ship::JsStream const info(looked);
  if (status != NATS_OK) return failed(status);
  if (info->State.Msgs == 0) return {};
  jsSubOptions options;
  jsSubOptions_Init(&options);
  options.Stream = stream.c_str();
  options.Ordered = true;
  natsSubscription* opened = nullptr;
  status = js_SubscribeSync(&opened, made, ">", nullptr, &options, nullptr);
  std::unique_ptr<natsSubscription, ship::Destroy<natsSubscription, natsSubscription_Destroy>> const
      subscription(opened);
  while (status == NATS_OK && !interrupted()) {
    natsMsg* next = nullptr;
    status = natsSubscription_NextMsg(&next, opened, message_patience_ms);
    if (status != NATS_OK) break;
    ship::NatsMessage const message(next);
    take_message(next);
    jsMsgMetaData* described = nullptr;
    status = natsMsg_GetMetaData(&described, next);
    if (status != NATS_OK) break;
    bool const last = described->Sequence.Stream >= info->State.LastSeq;
    jsMsgMetaData_Destroy(described);
    if (last) return {};
  }
  return status == NATS_OK ? Outcome<void>() : failed(status);
}

void RemoteRead::print(RemoteEntry const& found) {
  auto& out = output_.text();
  auto const form = arguments_.style.form;
  std::string text;
  append_entry_text(text, found.entry, arguments_.style);
  if (form == EntryForm::json && text.starts_with('{')) {
    std::string where = R"("host":)";
    protocol::append_json_string(where, found.host);
    where += R"(,"store":)";
    protocol::append_json_string(where, found.store);
    text.insert(1, where + ',');
  } else if (form == EntryForm::brief || form == EntryForm::verbose) {
    out += found.host + ' ';
  }
  out += text;
  output_.flush_if_large();
}

int RemoteRead::print() {
  auto const key = [](RemoteEntry const& one) {
    return std::tie(one.entry.timestamp, one.store, one.entry.seq);
  };
  std::ranges::sort(found_, {}, key);
  auto begin = found_.begin();
  auto end = found_.end();
  auto const count = [&](std::uint64_t most) {
    return static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(most, found_.size()));
  };
  if (arguments_.newest) begin = end - count(*arguments_.newest);
  if (arguments_.first) end = begin + count(*arguments_.first);
  if (arguments_.newest_first) std::reverse(begin, end);
  if (arguments_.pager && begin != end) pager_.start(arguments_.pager_at_end);
  for (auto at = begin; at != end && output_.ok() && !interrupted(); ++at) print(*at);
  auto const exit_code = output_.finish();
  pager_.finish();
  if (begin != end) return exit_code;
  if (!arguments_.quiet && arguments_.style.visible) print_error("no entries in this range");
  return arguments_.fail_empty ? exit_empty : exit_code;
}

}  // namespace

int run_remote_read(GivenOptions const& given) {
  auto const arguments = read_arguments(given);
  if (arguments.follow || !arguments.cursor.empty() || arguments.show_cursor) {
    throw UsageError("a stream is read from its beginning: no --follow, no cursors");
  }
  auto const options = ship::nats_options_of(given, given.text("--from"));
  auto const connection = ship::connect_to_nats(options);
  if (!connection) {
    print_error(connection.error().message);
    return exit_unreachable;
  }
  RemoteRead read(arguments);
  for (auto const& stream : given.all("--stream")) {
    if (auto const done = read.read_stream(connection->get(), stream); !done) {
      print_error(done.error().message);
      return exit_failed;
    }
  }
  return read.print();
}

}  // namespace stele::cli
