// The synchronous shell: it makes a request and waits for the answer.
#include "stele/client.hpp"

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <iterator>
#include <random>
#include <utility>

#include "client-lib/connection/connection.hpp"
#include "client-lib/connection/hello_reply.hpp"
#include "client-lib/process/fork_generation.hpp"
#include "client-lib/wire_forms.hpp"

namespace stele {
namespace {

Failure not_connected(Failure const& why) {
  if (why.code == ClientError::connection_lost) return why;
  return {ClientError::connection_lost, "the connection was closed earlier: " + why.message};
}

Failure moved_from() { return {ClientError::connection_lost, "the client was moved from"}; }

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

/// What is done for one Client, and outlives it if its own visitor destroys it.
class Client::Impl {
 public:
  Impl(client::UnixStream stream, std::chrono::milliseconds request_timeout)
      : connection_(std::move(stream)), request_timeout_(request_timeout) {}

  /// Before each call: whether it can be made at all, and how long it may take.
  static Result<void> begin(std::shared_ptr<Impl> const& impl, Deadline const& deadline);
  /// The next answer to the request that was made last; a failure reply as a Failure.
  Result<client::ClientState::Answer> receive();
  /// The same of a follow. Only its own deadline counts, and ends it and not the connection.
  Result<client::ClientState::Answer> receive_follow(std::uint64_t id);
  Result<protocol::Reply> receive_reply();

  Result<SeqRange> write_many(std::span<LogEntry const> entries, std::uint64_t write_no);
  Result<ReadEnd> read(EntryVisitor const& visitor);
  Result<FollowEnd> follow(std::uint64_t id, FollowVisitor const& visitor);
  Result<std::string> receive_document();

  Result<void> check_usable() const;
  Result<void> submit(std::span<LogEntry const> entries, WriteHandler handler,
                      std::uint64_t write_no);
  /// `impl` is the caller's: a handler may destroy the client.
  static Result<void> process(std::shared_ptr<Impl> impl);
  std::deque<WriteHandler> const& submitted() const noexcept { return submitted_; }
  client::Connection const& connection() const noexcept { return connection_; }

  client::ClientState& state() noexcept { return connection_.state; }
  ServerHello hello{};

 private:
  class Visit;

  Result<client::ClientState::Answer> receive_until(std::uint64_t id, Deadline const& deadline,
                                                    bool ends_connection);
  Deadline next_deadline() const;
  void send_now();

  client::HomeProcess home_{};
  client::Connection connection_;
  std::chrono::milliseconds request_timeout_;
  Deadline deadline_{};
  std::deque<WriteHandler> submitted_{};  ///< Of writes under way.
  bool in_visitor_ = false;
};

/// While a visitor of a read or a follow may run. However it is left, the connection is in step
/// behind it: what is still to come of a read that was not seen through is cancelled and dropped.
class Client::Impl::Visit {
 public:
  enum class Kind : std::uint8_t { read, follow };

  Visit(Impl& impl, Kind kind, std::uint64_t id) noexcept : impl_(impl), kind_(kind), id_(id) {
    impl_.in_visitor_ = true;
  }
  Visit(Visit const&) = delete;
  Visit& operator=(Visit const&) = delete;
  ~Visit() {
    impl_.in_visitor_ = false;
    // A visitor may have forked; the connection is the parent's to go on with.
    if (!has_more_ || !impl_.home_.is_here()) return;
    if (kind_ == Kind::read) {
      impl_.state().end_read(id_);
    } else {
      impl_.state().end_follow(id_);
    }
    impl_.send_now();
  }

  /// Whether the daemon has more to send, as its last answer said.
  void set_more(bool more) noexcept { has_more_ = more; }

 private:
  Impl& impl_;
  Kind kind_;
  std::uint64_t id_;
  bool has_more_ = false;
};

Result<void> Client::Impl::check_usable() const {
  if (!home_.is_here()) return client::made_before_fork();
  if (!in_visitor_) return {};
  return Failure{Error::bad_request, "a visitor must not use the client that calls it"};
}

Result<void> Client::Impl::begin(std::shared_ptr<Impl> const& impl, Deadline const& deadline) {
  if (!impl) return moved_from();
  if (auto usable = impl->check_usable(); !usable) return usable;
  if (!impl->submitted_.empty()) {
    return Failure{Error::bad_request, "submitted writes are under way: process() them first"};
  }
  if (impl->state().is_closed()) return not_connected(impl->state().next()->reply.failure);
  if (deadline.has_passed()) return client::passed_before_call();
  impl->deadline_ = deadline;
  return {};
}

Deadline Client::Impl::next_deadline() const { return earlier(deadline_, request_timeout_); }

Result<client::ClientState::Answer> Client::Impl::receive() {
  return receive_until(state().last_id(), {}, true);
}

Result<client::ClientState::Answer> Client::Impl::receive_follow(std::uint64_t id) {
  return receive_until(id, deadline_, false);
}

/// Without a deadline of its own, the next one of the call counts.
Result<client::ClientState::Answer> Client::Impl::receive_until(std::uint64_t id,
                                                                Deadline const& deadline,
                                                                bool ends_connection) {
  for (;;) {
    if (!home_.is_here()) return client::made_before_fork();
    if (auto answer = state().next()) {
      if (!answer->reply.ok) return std::move(answer->reply.failure);
      if (answer->reply.id == id) return std::move(*answer);
      state().close({ClientError::protocol_violation, "the answer is one to another request"});
      continue;
    }
    auto const until = ends_connection ? next_deadline() : deadline;
    auto moved =
        deadline_.has_passed() ? client::no_answer_in_time() : connection_.move_bytes(until);
    if (moved) continue;
    if (!ends_connection && moved.error().code == ClientError::timed_out) {
      state().end_follow(id);
      send_now();
      return moved.error();
    }
    state().close(moved.error());
  }
}

/// What can be sent without waiting.
void Client::Impl::send_now() {
  constexpr auto at_once = Deadline{Deadline::Clock::time_point{}};
  auto moved = connection_.move_bytes(at_once);
  if (!moved && moved.error().code != ClientError::timed_out) state().close(moved.error());
}

Result<protocol::Reply> Client::Impl::receive_reply() {
  auto answer = receive();
  if (!answer) return answer.error();
  return std::move(answer->reply);
}

Result<std::string> Client::Impl::receive_document() {
  auto answer = receive();
  if (!answer) return answer.error();
  return client::without_envelope(answer->text, answer->reply.id);
}

Client::Client(std::shared_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::connect(ClientOptions options) {
  auto const path = options.socket_path.empty() ? default_socket_path() : options.socket_path;
  if (auto valid = client::check_name(options.name); !valid) return valid.error();
  Deadline const deadline = options.connect_timeout;
  auto stream = client::UnixStream::connect(path, deadline);
  if (!stream) return stream.error();
  auto impl = std::make_shared<Impl>(std::move(*stream), options.request_timeout);
  if (auto open = Impl::begin(impl, deadline); !open) return open.error();
  auto greeted =
      impl->state().hello(options.name, client::named(options.writer), options.since_seq);
  if (!greeted) return greeted.error();
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
  if (auto open = Impl::begin(impl_, deadline); !open) return open.error();
  if (auto queued = impl_->state().write_log(entry); !queued) return queued.error();
  auto reply = impl_->receive_reply();
  if (!reply) return reply.error();
  return reply->first_seq;
}

Result<std::uint64_t> Client::write_log(Level level, std::string_view message,
                                        Metadata const& metadata, Deadline const& deadline) {
  return write_log(
      LogEntry{.level = level, .message = std::string{message}, .metadata = metadata.text()},
      deadline);
}

Result<SeqRange> Client::Impl::write_many(std::span<LogEntry const> entries,
                                          std::uint64_t write_no) {
  if (auto queued = state().write_many_logs(entries, write_no); !queued) return queued.error();
  auto reply = receive_reply();
  if (!reply) return reply.error();
  return SeqRange{.first_seq = reply->first_seq, .last_seq = reply->last_seq};
}

Result<SeqRange> Client::write_many_logs(std::span<LogEntry const> entries,
                                         Deadline const& deadline) {
  if (auto open = Impl::begin(impl_, deadline); !open) return open.error();
  return impl_->write_many(entries, 0);
}

Result<SeqRange> Client::write_once(std::span<LogEntry const> entries, std::uint64_t write_no,
                                    Deadline const& deadline) {
  if (auto valid = client::check_write_no(write_no); !valid) return valid.error();
  if (auto open = Impl::begin(impl_, deadline); !open) return open.error();
  return impl_->write_many(entries, write_no);
}

Result<void> Client::Impl::submit(std::span<LogEntry const> entries, WriteHandler handler,
                                  std::uint64_t write_no) {
  if (auto usable = check_usable(); !usable) return usable;
  if (state().is_closed()) {
    return Failure{ClientError::connection_lost, "the connection was closed earlier"};
  }
  submitted_.push_back(std::move(handler));
  auto queued = state().write_many_logs(entries, write_no);
  if (!queued) submitted_.pop_back();
  return queued;
}

Result<void> Client::Impl::process(std::shared_ptr<Impl> impl) {
  constexpr auto at_once = Deadline{Deadline::Clock::time_point{}};
  for (;;) {
    while (auto answer = impl->state().next()) {
      auto& reply = answer->reply;
      if (impl->submitted_.empty()) return not_connected(reply.failure);
      Result<SeqRange> written = SeqRange{.first_seq = reply.first_seq, .last_seq = reply.last_seq};
      if (!reply.ok) written = std::move(reply.failure);
      auto const handler = std::move(impl->submitted_.front());
      impl->submitted_.pop_front();
      handler(written);
      if (impl.use_count() == 1) return {};  // It destroyed the client.
    }
    auto moved = impl->connection_.move_bytes(at_once);
    if (moved) continue;
    if (moved.error().code == ClientError::timed_out) return {};  // There is nothing more to do.
    impl->state().close(moved.error());
  }
}

Result<void> Client::submit(std::span<LogEntry const> entries, WriteHandler handler,
                            std::uint64_t write_no) {
  if (!impl_) return moved_from();
  if (!handler) return Failure{Error::bad_request, "there is no handler"};
  return impl_->submit(entries, std::move(handler), write_no);
}

Result<void> Client::process() {
  if (!impl_) return moved_from();
  if (auto usable = impl_->check_usable(); !usable) return usable;
  return Impl::process(impl_);
}

int Client::descriptor() const noexcept { return impl_ ? impl_->connection().descriptor() : -1; }

bool Client::has_to_send() const noexcept { return impl_ && impl_->connection().has_to_send(); }

std::size_t Client::writes_under_way() const noexcept {
  return impl_ ? impl_->submitted().size() : 0;
}

Result<std::vector<StoredEntry>> Client::read_logs(std::uint64_t start_ts, std::uint64_t end_ts,
                                                   Deadline const& deadline) {
  if (auto open = Impl::begin(impl_, deadline); !open) return open.error();
  auto queued = impl_->state().read_logs({.start_ts = start_ts, .end_ts = end_ts});
  if (!queued) return queued.error();
  std::vector<std::vector<StoredEntry>> frames;
  for (;;) {
    auto reply = impl_->receive_reply();
    if (!reply) return reply.error();
    frames.push_back(std::move(reply->entries));
    if (!reply->more) return joined(std::move(frames));
  }
}

Result<ReadEnd> Client::Impl::read(EntryVisitor const& visitor) {
  Visit visit{*this, Visit::Kind::read, state().last_id()};
  ReadEnd end;
  for (;;) {
    auto reply = receive_reply();
    visit.set_more(reply.has_value() && reply->more);
    if (!reply) return reply.error();
    for (auto& entry : reply->entries) {
      ++end.entry_count;
      if (visitor(entry)) continue;
      end.stopped = true;
      return end;
    }
    if (reply->more) continue;
    end.cursor = std::move(reply->cursor);
    return end;
  }
}

Result<ReadEnd> Client::read_logs(ReadOptions const& options, EntryVisitor const& visitor,
                                  Deadline const& deadline) {
  if (!visitor) return client::no_visitor();
  if (auto open = Impl::begin(impl_, deadline); !open) return open.error();
  auto queued = impl_->state().read_logs(client::read_request(options));
  if (!queued) return queued.error();
  auto const impl = impl_;  // The visitor may destroy the client.
  return impl->read(visitor);
}

Result<FollowEnd> Client::Impl::follow(std::uint64_t id, FollowVisitor const& visitor) {
  Visit visit{*this, Visit::Kind::follow, id};
  FollowEnd end;
  for (;;) {
    auto answer = receive_follow(id);
    bool const more = answer.has_value() && answer->reply.more;
    visit.set_more(more);
    if (!answer) return answer.error();
    auto part = client::follow_part(std::move(answer->reply));
    end.last_seq = part.last_seq;
    end.stopped = !visitor(part);
    if (end.stopped || !more) return end;
  }
}

Result<FollowEnd> Client::follow_logs(FollowOptions const& options, FollowVisitor const& visitor,
                                      Deadline const& deadline) {
  if (!visitor) return client::no_visitor();
  if (auto open = Impl::begin(impl_, deadline); !open) return open.error();
  auto const id = impl_->state().follow_logs(client::follow_request(options));
  if (!id) return id.error();
  auto const impl = impl_;  // The visitor may destroy the client.
  return impl->follow(*id, visitor);
}

Result<LogCount> Client::count_logs(CountOptions const& options, Deadline const& deadline) {
  if (auto open = Impl::begin(impl_, deadline); !open) return open.error();
  auto queued = impl_->state().count_logs(client::count_request(options));
  if (!queued) return queued.error();
  auto answer = impl_->receive();
  if (!answer) return answer.error();
  return client::parse_count(answer->text);
}

Result<void> Client::ping(Deadline const& deadline) {
  if (auto open = Impl::begin(impl_, deadline); !open) return open;
  impl_->state().ping();
  auto reply = impl_->receive_reply();
  if (!reply) return reply.error();
  return {};
}

Result<std::string> Client::stats_json(Deadline const& deadline) {
  if (auto open = Impl::begin(impl_, deadline); !open) return open.error();
  impl_->state().stats();
  return impl_->receive_document();
}

Result<std::string> Client::audit_json(std::uint64_t start_ts, Deadline const& deadline) {
  if (auto open = Impl::begin(impl_, deadline); !open) return open.error();
  impl_->state().audit({.start_ts = start_ts});
  return impl_->receive_document();
}

Result<void> Client::report_dropped(std::uint64_t count, WriterId const& writer,
                                    Deadline const& deadline) {
  if (count == 0) return {};
  if (auto open = Impl::begin(impl_, deadline); !open) return open;
  impl_->state().report_dropped({.count = count, .writer = writer});
  auto reply = impl_->receive_reply();
  if (!reply) return reply.error();
  return {};
}

Result<void> Client::acknowledge(SeqRange const& damaged, Deadline const& deadline) {
  if (auto open = Impl::begin(impl_, deadline); !open) return open;
  impl_->state().acknowledge({.first_seq = damaged.first_seq, .last_seq = damaged.last_seq});
  auto reply = impl_->receive_reply();
  if (!reply) return reply.error();
  return {};
}

Result<void> Client::confirm(std::string_view consumer, std::uint64_t seq,
                             Deadline const& deadline) {
  if (auto open = Impl::begin(impl_, deadline); !open) return open;
  auto queued = impl_->state().confirm({.consumer = consumer, .seq = seq});
  if (!queued) return queued;
  auto reply = impl_->receive_reply();
  if (!reply) return reply.error();
  return {};
}

ServerHello const& Client::hello() const noexcept {
  static ServerHello const nobody{};
  return impl_ ? impl_->hello : nobody;
}

}  // namespace stele
