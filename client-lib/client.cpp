// The shell around ClientState: it moves bytes between the state and the socket, and waits.
#include "stele/client.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdlib>
#include <iterator>
#include <utility>

#include "client-lib/client_state.hpp"
#include "client-lib/unix_stream.hpp"
#include "protocol/limits.hpp"

namespace stele {
namespace {

Failure not_connected(Failure const& why) {
  if (why.code == ClientError::connection_lost) return why;
  return {ClientError::connection_lost, "the connection was closed earlier: " + why.message};
}

std::uint64_t number_or(boost::json::object const& object, char const* name,
                        std::uint64_t otherwise) {
  auto const* value = object.if_contains(name);
  if (value == nullptr) return otherwise;
  boost::system::error_code ec;
  auto const number = value->to_number<std::uint64_t>(ec);
  return ec.failed() ? otherwise : number;
}

std::string text_or_empty(boost::json::object const& object, char const* name) {
  auto const* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return {};
  return std::string{value->get_string().data(), value->get_string().size()};
}

Result<ServerHello> parse_hello(std::string_view text) {
  auto parsed = protocol::parse_reply_value(text);
  if (!parsed || !parsed->is_object()) {
    return Failure{ClientError::protocol_violation, "the daemon's reply to hello cannot be read"};
  }
  auto const& reply = parsed->get_object();
  auto const protocol = number_or(reply, "protocol", 0);
  if (protocol != protocol::protocol_version) {
    return Failure{ClientError::protocol_violation,
                   "the daemon speaks protocol " + std::to_string(protocol) +
                       ", this client speaks " + std::to_string(protocol::protocol_version)};
  }
  ServerHello hello{.store_id = text_or_empty(reply, "store_id"),
                    .server_version = text_or_empty(reply, "version"),
                    .protocol = protocol::protocol_version,
                    .entry_bytes_max = protocol::entry_bytes_default,
                    .frame_bytes_max = protocol::frame_bytes_default};
  auto const* limits = reply.if_contains("limits");
  if (limits != nullptr && limits->is_object()) {
    auto const& object = limits->get_object();
    hello.entry_bytes_max = number_or(object, "entry_bytes_max", hello.entry_bytes_max);
    hello.frame_bytes_max = number_or(object, "frame_bytes_max", hello.frame_bytes_max);
  }
  return hello;
}

// `{"id":7,"ok":true,"a":1}` -> `{"a":1}`. Textual, so that every number keeps its digits.
std::string without_envelope(std::string_view text, std::uint64_t id) {
  auto const envelope = "{\"id\":" + std::to_string(id) + ",\"ok\":true,";
  if (!text.starts_with(envelope)) return std::string{text};
  return '{' + std::string{text.substr(envelope.size())};
}

}  // namespace

std::string default_socket_path() {
  auto const* path = std::getenv("STELE_SOCKET");
  return path != nullptr && *path != '\0' ? path : "/run/stele/stele.sock";
}

class Client::Impl {
 public:
  Impl(client::UnixStream stream, std::chrono::milliseconds request_timeout)
      : stream_(std::move(stream)), request_timeout_(request_timeout) {}

  /// Whether a request can be made at all.
  Result<void> check_open();
  /// The next answer to the only request that somebody waits for; a failure reply as a Failure.
  Result<client::ClientState::Answer> receive();
  Result<protocol::Reply> receive_reply();
  void begin_read(ReadOptions const& options);

  client::ClientState state{};
  ServerHello hello{};

 private:
  Result<void> move_bytes();
  Result<bool> receive_now();

  client::UnixStream stream_;
  std::chrono::milliseconds request_timeout_;
  std::optional<Failure> send_failure_{};
};

Result<void> Client::Impl::check_open() {
  if (!state.is_closed()) return {};
  return not_connected(state.next()->reply.failure);
}

Result<client::ClientState::Answer> Client::Impl::receive() {
  for (;;) {
    if (auto answer = state.next()) {
      if (!answer->reply.ok) return std::move(answer->reply.failure);
      return std::move(*answer);
    }
    auto moved = move_bytes();
    if (!moved) state.close(moved.error());
  }
}

Result<protocol::Reply> Client::Impl::receive_reply() {
  auto answer = receive();
  if (!answer) return answer.error();
  return std::move(answer->reply);
}

// Sends and receives what is possible; waits first if nothing can have arrived. When sending fails
// there can still be a reply that says why; only the end of that stream ends the connection.
Result<void> Client::Impl::move_bytes() {
  bool const sends = !send_failure_ && !state.unsent().empty();
  if (sends) {
    auto sent = stream_.send_some(state.unsent());
    if (sent) {
      state.sent(*sent);
    } else {
      send_failure_ = sent.error();
    }
  } else {
    auto received = receive_now();
    if (!received) return received.error();
    if (*received) return {};
  }
  auto ready = stream_.wait(!send_failure_ && !state.unsent().empty(),
                            client::deadline_after(request_timeout_));
  if (!ready) return ready;
  auto received = receive_now();
  if (!received) return received.error();
  return {};
}

// Whether bytes had arrived.
Result<bool> Client::Impl::receive_now() {
  auto received = stream_.receive_some(state.receive_buffer());
  if (!received) return received.error();
  if (!received->has_value()) return false;
  if (**received == 0) {
    if (send_failure_) return *send_failure_;
    return Failure{ClientError::connection_lost, "the daemon closed the connection"};
  }
  state.received(**received);
  return true;
}

Client::Client(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::connect(ClientOptions options) {
  auto const path = options.socket_path.empty() ? default_socket_path() : options.socket_path;
  auto stream = client::UnixStream::connect(path, options.connect_timeout);
  if (!stream) return stream.error();
  auto impl = std::make_unique<Impl>(std::move(*stream), options.request_timeout);
  impl->state.hello(options.name);
  auto answer = impl->receive();
  if (!answer) return answer.error();
  auto hello = parse_hello(answer->text);
  if (!hello) return hello.error();
  impl->hello = std::move(*hello);
  impl->state.set_limits({.entry_bytes_max = impl->hello.entry_bytes_max,
                          .frame_bytes_max = impl->hello.frame_bytes_max});
  return Client{std::move(impl)};
}

Result<std::uint64_t> Client::write_log(LogEntry const& entry) {
  if (auto open = impl_->check_open(); !open) return open.error();
  if (auto queued = impl_->state.write_log(entry); !queued) return queued.error();
  auto reply = impl_->receive_reply();
  if (!reply) return reply.error();
  return reply->first_seq;
}

Result<SeqRange> Client::write_many_logs(std::span<LogEntry const> entries) {
  if (auto open = impl_->check_open(); !open) return open.error();
  if (auto queued = impl_->state.write_many_logs(entries); !queued) return queued.error();
  auto reply = impl_->receive_reply();
  if (!reply) return reply.error();
  return SeqRange{.first_seq = reply->first_seq, .last_seq = reply->last_seq};
}

void Client::Impl::begin_read(ReadOptions const& options) {
  state.read_logs(
      {.start_ts = options.start_ts,
       .end_ts = options.end_ts,
       .order = options.order == Order::asc ? protocol::Order::asc : protocol::Order::desc,
       .limit = options.limit,
       .cursor = options.cursor});
}

Result<std::vector<StoredEntry>> Client::read_logs(std::uint64_t start_ts, std::uint64_t end_ts) {
  if (auto open = impl_->check_open(); !open) return open.error();
  impl_->begin_read({.start_ts = start_ts, .end_ts = end_ts});
  std::vector<StoredEntry> entries;
  for (;;) {
    auto reply = impl_->receive_reply();
    if (!reply) return reply.error();
    if (entries.empty()) {
      entries = std::move(reply->entries);
    } else {
      entries.insert(entries.end(), std::make_move_iterator(reply->entries.begin()),
                     std::make_move_iterator(reply->entries.end()));
    }
    if (!reply->more) return entries;
  }
}

Result<ReadEnd> Client::read_logs(ReadOptions const& options, EntryVisitor const& visitor) {
  if (auto open = impl_->check_open(); !open) return open.error();
  impl_->begin_read(options);
  ReadEnd end;
  for (;;) {
    auto reply = impl_->receive_reply();
    if (!reply) return reply.error();
    for (auto& entry : reply->entries) {
      ++end.entry_count;
      if (visitor(entry)) continue;
      if (reply->more) impl_->state.discard_rest();
      end.stopped = true;
      return end;
    }
    if (reply->more) continue;
    end.cursor = std::move(reply->cursor);
    return end;
  }
}

Result<void> Client::ping() {
  if (auto open = impl_->check_open(); !open) return open;
  impl_->state.ping();
  auto reply = impl_->receive_reply();
  if (!reply) return reply.error();
  return {};
}

Result<std::string> Client::stats_json() {
  if (auto open = impl_->check_open(); !open) return open.error();
  impl_->state.stats();
  auto answer = impl_->receive();
  if (!answer) return answer.error();
  return without_envelope(answer->text, answer->reply.id);
}

Result<std::string> Client::audit_json(std::uint64_t start_ts) {
  if (auto open = impl_->check_open(); !open) return open.error();
  impl_->state.audit({.start_ts = start_ts});
  auto answer = impl_->receive();
  if (!answer) return answer.error();
  return without_envelope(answer->text, answer->reply.id);
}

Result<void> Client::report_dropped(std::uint64_t count, WriterId const& writer) {
  if (count == 0) return {};
  if (auto open = impl_->check_open(); !open) return open;
  impl_->state.report_dropped({.count = count, .writer = writer});
  auto reply = impl_->receive_reply();
  if (!reply) return reply.error();
  return {};
}

ServerHello const& Client::hello() const noexcept { return impl_->hello; }

}  // namespace stele
