// The synchronous shell: it makes a request and waits for the answer.
#include "stele/client.hpp"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <random>
#include <utility>

#include "client-lib/connection.hpp"
#include "client-lib/hello_reply.hpp"
#include "client-lib/wire_forms.hpp"

namespace stele {
namespace {

Failure not_connected(Failure const& why) {
  if (why.code == ClientError::connection_lost) return why;
  return {ClientError::connection_lost, "the connection was closed earlier: " + why.message};
}

/// The entries of all frames as one; each is moved once.
std::vector<StoredEntry> joined(std::vector<std::vector<StoredEntry>> frames) {
  if (frames.size() == 1) return std::move(frames.front());
  std::size_t count = 0;
  for (auto const& frame : frames) count += frame.size();
  std::vector<StoredEntry> entries;
  entries.reserve(count);
  for (auto& frame : frames) std::ranges::move(frame, std::back_inserter(entries));
  return entries;
}

}  // namespace

std::string default_socket_path() {
  auto const* path = std::getenv("STELE_SOCKET");
  return path != nullptr && *path != '\0' ? path : "/run/stele/stele.sock";
}

WriterId random_writer() {
  std::random_device random;
  WriterId id{};
  for (auto& byte : id) byte = static_cast<std::uint8_t>(random());
  return id;
}

class Client::Impl {
 public:
  Impl(client::UnixStream stream, std::chrono::milliseconds request_timeout)
      : connection_(std::move(stream)), request_timeout_(request_timeout) {}

  /// Before each call: whether it can be made at all, and how long it may take.
  Result<void> begin(Deadline const& deadline);
  /// The next answer to the only request that somebody waits for; a failure reply as a Failure.
  /// Of a follow (its id): only its own deadline counts, and ends it and not the connection.
  Result<client::ClientState::Answer> receive(std::uint64_t follow_id = 0);
  Result<protocol::Reply> receive_reply();

  Result<SeqRange> write_many(std::span<LogEntry const> entries, std::uint64_t write_no,
                              Deadline const& deadline);

  client::ClientState& state() noexcept { return connection_.state; }
  ServerHello hello{};

 private:
  Deadline next_deadline() const;

  client::Connection connection_;
  std::chrono::milliseconds request_timeout_;
  Deadline deadline_{};
};

Result<void> Client::Impl::begin(Deadline const& deadline) {
  deadline_ = deadline;
  if (!state().is_closed()) return {};
  return not_connected(state().next()->reply.failure);
}

Deadline Client::Impl::next_deadline() const {
  if (request_timeout_.count() <= 0) return deadline_;
  return earlier(deadline_, request_timeout_);
}

Result<client::ClientState::Answer> Client::Impl::receive(std::uint64_t follow_id) {
  for (;;) {
    if (auto answer = state().next()) {
      if (!answer->reply.ok) return std::move(answer->reply.failure);
      return std::move(*answer);
    }
    auto const until = follow_id != 0 ? deadline_ : next_deadline();
    auto moved =
        deadline_.has_passed() ? client::no_answer_in_time() : connection_.move_bytes(until);
    if (moved) continue;
    if (follow_id != 0 && moved.error().code == ClientError::timed_out) {
      state().end_follow(follow_id);
      return moved.error();
    }
    state().close(moved.error());
  }
}

Result<protocol::Reply> Client::Impl::receive_reply() {
  auto answer = receive();
  if (!answer) return answer.error();
  return std::move(answer->reply);
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
  impl->state().hello(options.name, client::named(options.writer), options.since_seq);
  auto answer = impl->receive();
  if (!answer) return answer.error();
  auto hello = client::parse_hello(answer->text);
  if (!hello) return hello.error();
  impl->hello = std::move(hello->server);
  impl->state().set_limits({.entry_bytes_max = impl->hello.entry_bytes_max,
                            .frame_bytes_max = impl->hello.frame_bytes_max});
  return Client{std::move(impl)};
}

Result<std::uint64_t> Client::write_log(LogEntry const& entry, Deadline const& deadline) {
  if (auto open = impl_->begin(deadline); !open) return open.error();
  if (auto queued = impl_->state().write_log(entry); !queued) return queued.error();
  auto reply = impl_->receive_reply();
  if (!reply) return reply.error();
  return reply->first_seq;
}

Result<SeqRange> Client::Impl::write_many(std::span<LogEntry const> entries, std::uint64_t write_no,
                                          Deadline const& deadline) {
  if (auto open = begin(deadline); !open) return open.error();
  if (auto queued = state().write_many_logs(entries, write_no); !queued) return queued.error();
  auto reply = receive_reply();
  if (!reply) return reply.error();
  return SeqRange{.first_seq = reply->first_seq, .last_seq = reply->last_seq};
}

Result<SeqRange> Client::write_many_logs(std::span<LogEntry const> entries,
                                         Deadline const& deadline) {
  return impl_->write_many(entries, 0, deadline);
}

Result<SeqRange> Client::write_once(std::span<LogEntry const> entries, std::uint64_t write_no,
                                    Deadline const& deadline) {
  if (write_no == 0) return Failure{Error::bad_request, "write_no: numbers rise from 1"};
  return impl_->write_many(entries, write_no, deadline);
}

Result<std::vector<StoredEntry>> Client::read_logs(std::uint64_t start_ts, std::uint64_t end_ts,
                                                   Deadline const& deadline) {
  if (auto open = impl_->begin(deadline); !open) return open.error();
  impl_->state().read_logs({.start_ts = start_ts, .end_ts = end_ts});
  std::vector<std::vector<StoredEntry>> frames;
  for (;;) {
    auto reply = impl_->receive_reply();
    if (!reply) return reply.error();
    frames.push_back(std::move(reply->entries));
    if (!reply->more) return joined(std::move(frames));
  }
}

Result<ReadEnd> Client::read_logs(ReadOptions const& options, EntryVisitor const& visitor,
                                  Deadline const& deadline) {
  if (auto open = impl_->begin(deadline); !open) return open.error();
  impl_->state().read_logs(client::read_request(options));
  ReadEnd end;
  for (;;) {
    auto reply = impl_->receive_reply();
    if (!reply) return reply.error();
    for (auto& entry : reply->entries) {
      ++end.entry_count;
      if (visitor(entry)) continue;
      if (reply->more) impl_->state().discard_rest();
      end.stopped = true;
      return end;
    }
    if (reply->more) continue;
    end.cursor = std::move(reply->cursor);
    return end;
  }
}

Result<FollowEnd> Client::follow_logs(FollowOptions const& options, FollowVisitor const& visitor,
                                      Deadline const& deadline) {
  if (auto open = impl_->begin(deadline); !open) return open.error();
  auto const id = impl_->state().follow_logs(client::follow_request(options));
  FollowEnd end;
  for (;;) {
    auto answer = impl_->receive(id);
    if (!answer) return answer.error();
    bool const more = answer->reply.more;
    auto part = client::follow_part(std::move(answer->reply));
    end.last_seq = part.last_seq;
    end.stopped = !visitor(part);
    if (end.stopped && more) impl_->state().end_follow(id);
    if (end.stopped || !more) return end;
  }
}

Result<LogCount> Client::count_logs(CountOptions const& options, Deadline const& deadline) {
  if (auto open = impl_->begin(deadline); !open) return open.error();
  impl_->state().count_logs(client::count_request(options));
  auto answer = impl_->receive();
  if (!answer) return answer.error();
  return client::parse_count(answer->text);
}

Result<void> Client::ping(Deadline const& deadline) {
  if (auto open = impl_->begin(deadline); !open) return open;
  impl_->state().ping();
  auto reply = impl_->receive_reply();
  if (!reply) return reply.error();
  return {};
}

Result<std::string> Client::stats_json(Deadline const& deadline) {
  if (auto open = impl_->begin(deadline); !open) return open.error();
  impl_->state().stats();
  auto answer = impl_->receive();
  if (!answer) return answer.error();
  return client::without_envelope(answer->text, answer->reply.id);
}

Result<std::string> Client::audit_json(std::uint64_t start_ts, Deadline const& deadline) {
  if (auto open = impl_->begin(deadline); !open) return open.error();
  impl_->state().audit({.start_ts = start_ts});
  auto answer = impl_->receive();
  if (!answer) return answer.error();
  return client::without_envelope(answer->text, answer->reply.id);
}

Result<void> Client::report_dropped(std::uint64_t count, WriterId const& writer,
                                    Deadline const& deadline) {
  if (count == 0) return {};
  if (auto open = impl_->begin(deadline); !open) return open;
  impl_->state().report_dropped({.count = count, .writer = writer});
  auto reply = impl_->receive_reply();
  if (!reply) return reply.error();
  return {};
}

Result<void> Client::confirm(std::string_view consumer, std::uint64_t seq,
                             Deadline const& deadline) {
  if (auto open = impl_->begin(deadline); !open) return open;
  impl_->state().confirm({.consumer = consumer, .seq = seq});
  auto reply = impl_->receive_reply();
  if (!reply) return reply.error();
  return {};
}

ServerHello const& Client::hello() const noexcept { return impl_->hello; }

}  // namespace stele
