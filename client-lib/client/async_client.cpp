// The asynchronous shell: calls wait in a queue for the answers of a ClientState, while the
// descriptor of its connection is watched by the caller's event loop.
#include "stele/async_client.hpp"

#include <algorithm>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <map>
#include <optional>

#include "client-lib/client/async_call.hpp"
#include "client-lib/client/client_service.hpp"
#include "client-lib/connection/connection.hpp"
#include "client-lib/connection/hello_reply.hpp"
#include "client-lib/process/fork_generation.hpp"
#include "client-lib/wire_forms.hpp"

namespace stele {
namespace {

namespace asio = boost::asio;
using client::Absorb;
using client::absorb_entries;
using client::absorb_nothing;
using client::absorb_range;
using client::absorb_text;
using client::ClientState;
using client::ValueOf;
using Call = client::AsyncCall;
template <class T>
using CallFor = client::AsyncCallFor<T>;

// Between two looks whether the listener has room again.
constexpr std::chrono::milliseconds connect_retry{5};

// Turns of one wake-up, so that a long read leaves others of the loop their turn.
constexpr int turns_max = 16;

Failure visitor_has_thrown() { return {ClientError::cancelled, "the visitor has thrown"}; }

Failure not_connected() { return {ClientError::connection_lost, "the client is not connected"}; }

}  // namespace

class AsyncCalls::Impl final : public client::ContextClient,
                               public std::enable_shared_from_this<Impl> {
 public:
  explicit Impl(asio::any_io_executor executor)
      : executor_(std::move(executor)),
        descriptor_(executor_),
        retry_(executor_),
        service_(asio::use_service<client::ClientService>(
            asio::query(executor_, asio::execution::context))) {
    service_.add(*this);
  }
  Impl(Impl const&) = delete;
  Impl& operator=(Impl const&) = delete;
  ~Impl() { service_.remove(*this); }

  asio::any_io_executor const& executor() const noexcept { return executor_; }
  /// In a child after fork() the connection, and the epoll set that knows it, are the parent's.
  bool is_here() const noexcept { return home_.is_here(); }

  void connect(ClientOptions options, Deadline const& deadline, Handler<ServerHello> handler);

  /// `request` queues the request; its failure ends the call.
  template <class T, class Request>
  void call(Handler<T> handler, Deadline const& deadline, bool is_write, Absorb<ValueOf<T>> absorb,
            Request const& request);

  void follow(FollowOptions const& options, FollowVisitor visitor, Deadline const& deadline,
              Handler<FollowEnd> handler);

  void close(Failure why);
  void abandon_handlers() noexcept override;

 private:
  template <class T>
  std::shared_ptr<CallFor<T>> make_call(Handler<T> handler, Deadline const& deadline,
                                        Absorb<ValueOf<T>> absorb);
  void abandon(Call& call, ClientError why);
  void end_follow(std::uint64_t id);
  void exchange_soon();
  void exchange_when_free();
  void try_to_connect(ClientOptions const& options, std::shared_ptr<Call> const& call);
  Result<void> greeted(std::string_view text, ServerHello& hello);
  void exchange();
  void take_answers();
  std::shared_ptr<Call> call_of(protocol::Reply const& reply);
  bool has_calls() const noexcept { return !calls_.empty() || !follows_.empty(); }
  void watch();
  void end_waits() noexcept;
  template <class Wait>
  void watch_for(Wait wait, bool& watched);

  client::HomeProcess home_{};
  asio::any_io_executor executor_;
  std::optional<client::Connection> connection_{};
  asio::posix::stream_descriptor descriptor_;  ///< Borrowed from the connection.
  asio::steady_timer retry_;
  client::ClientService& service_;
  std::deque<std::shared_ptr<Call>> calls_{};  ///< Of the requests in flight, in their order.
  std::map<std::uint64_t, std::shared_ptr<Call>> follows_{};  ///< By the ids of their answers.
  std::uint64_t generation_ = 0;  ///< Of the connection, for what comes late.
  std::uint64_t waits_ = 0;       ///< Of the waits, for those that come late.
  bool in_visitor_ = false;
  bool watches_reads_ = false;
  bool watches_writes_ = false;
};

template <class T>
std::shared_ptr<CallFor<T>> AsyncCalls::Impl::make_call(Handler<T> handler,
                                                        Deadline const& deadline,
                                                        Absorb<ValueOf<T>> absorb) {
  auto call = std::make_shared<CallFor<T>>(std::move(handler), executor_, std::move(absorb));
  std::weak_ptr<Impl> const self = this->weak_from_this();
  std::weak_ptr<Call> const weak = call;
  auto const give_up = [self, weak](ClientError why) {
    auto const impl = self.lock();
    auto const given_up = weak.lock();
    if (impl && given_up) impl->abandon(*given_up, why);
  };
  if (auto slot = call->slot(); slot.is_connected()) {
    slot.assign([give_up](asio::cancellation_type) { give_up(ClientError::cancelled); });
  }
  if (deadline.is_set()) {
    call->deadline.emplace(executor_, deadline.when());
    call->deadline->async_wait([give_up](boost::system::error_code const& error) {
      if (!error) give_up(ClientError::timed_out);
    });
  }
  return call;
}

template <class T, class Request>
void AsyncCalls::Impl::call(Handler<T> handler, Deadline const& deadline, bool is_write,
                            Absorb<ValueOf<T>> absorb, Request const& request) {
  auto const call = make_call<T>(std::move(handler), deadline, std::move(absorb));
  if (!is_here()) return call->fail(client::made_before_fork());
  if (deadline.has_passed()) return call->fail(client::passed_before_call());
  call->is_write = is_write;
  if (!connection_) return call->fail(not_connected());
  Result<void> queued = request(connection_->state);
  if (!queued) return call->fail(queued.error());
  calls_.push_back(call);
  exchange_when_free();
}

void AsyncCalls::Impl::abandon(Call& call, ClientError why) {
  Failure failure{why, make_error_code(why).message()};
  if (call.is_write) {
    failure.code = ClientError::outcome_unknown;
    failure.message += "; the write may be stored or not";
  }
  call.fail(std::move(failure));
  if (call.follow_id != 0) end_follow(call.follow_id);
  // A client that did not connect in time is not connected later, either.
  if (call.is_connect) close({ClientError::connection_lost, "the client did not connect"});
}

/// Handlers go with what they own, which may be the client; nothing is completed.
void AsyncCalls::Impl::abandon_handlers() noexcept {
  auto const calls = std::exchange(calls_, {});
  auto const follows = std::exchange(follows_, {});
}

void AsyncCalls::Impl::follow(FollowOptions const& options, FollowVisitor visitor,
                              Deadline const& deadline, Handler<FollowEnd> handler) {
  bool const has_visitor = static_cast<bool>(visitor);
  auto const absorb = [visitor = std::move(visitor)](ClientState::Answer& answer, FollowEnd& end) {
    bool const more = answer.reply.more;
    auto part = client::follow_part(std::move(answer.reply));
    end.last_seq = part.last_seq;
    end.stopped = !visitor(part);
    answer.reply.more = more && !end.stopped;
    return Result<void>{};
  };
  auto const call = make_call<FollowEnd>(std::move(handler), deadline, absorb);
  if (!has_visitor) return call->fail(client::no_visitor());
  if (!is_here()) return call->fail(client::made_before_fork());
  if (deadline.has_passed()) return call->fail(client::passed_before_call());
  if (!connection_) return call->fail(not_connected());
  auto const id = connection_->state.follow_logs(client::follow_request(options));
  if (!id) return call->fail(id.error());
  call->follow_id = *id;
  follows_.emplace(call->follow_id, call);
  exchange_when_free();
}

void AsyncCalls::Impl::end_follow(std::uint64_t id) {
  if (follows_.erase(id) == 0) return;
  connection_->state.end_follow(id);
  exchange_soon();
}

void AsyncCalls::Impl::exchange_soon() {
  asio::post(executor_, [self = shared_from_this(), generation = generation_] {
    if (generation == self->generation_ && self->connection_) self->exchange();
  });
}

/// A visitor may use the client: what that leads to waits until the visitor has returned. And no
/// visitor runs, or throws, within a call that somebody makes.
void AsyncCalls::Impl::exchange_when_free() {
  in_visitor_ || !follows_.empty() ? exchange_soon() : exchange();
}

void AsyncCalls::Impl::connect(ClientOptions options, Deadline const& deadline,
                               Handler<ServerHello> handler) {
  close({ClientError::connection_lost, "the client connects again"});
  auto const until = earlier(deadline, options.connect_timeout);
  auto const absorb = [this](ClientState::Answer& answer, ServerHello& hello) {
    return greeted(answer.text, hello);
  };
  auto const call = make_call<ServerHello>(std::move(handler), until, absorb);
  if (!is_here()) return call->fail(client::made_before_fork());
  if (auto valid = client::check_name(options.name); !valid) return call->fail(valid.error());
  if (until.has_passed()) return call->fail(client::passed_before_call());
  call->is_connect = true;
  if (options.socket_path.empty()) options.socket_path = default_socket_path();
  try_to_connect(options, call);
}

void AsyncCalls::Impl::try_to_connect(ClientOptions const& options,
                                      std::shared_ptr<Call> const& call) {
  if (call->is_finished()) return;
  auto stream = client::UnixStream::try_connect(options.socket_path);
  if (!stream) return call->fail(stream.error());
  if (!stream->has_value()) {
    retry_.expires_after(connect_retry);
    retry_.async_wait([self = shared_from_this(), options, call](auto const& error) {
      if (error) return call->fail({ClientError::cancelled, "the client was closed"});
      self->try_to_connect(options, call);
    });
    return;
  }
  connection_.emplace(std::move(**stream));
  descriptor_.assign(connection_->descriptor());
  auto queued =
      connection_->state.hello(options.name, client::named(options.writer), options.since_seq);
  if (!queued) return call->fail(queued.error());
  calls_.push_back(call);
  exchange();
}

Result<void> AsyncCalls::Impl::greeted(std::string_view text, ServerHello& hello) {
  auto reply = client::parse_hello(text);
  if (!reply) {
    connection_->state.close(reply.error());
    return reply.error();
  }
  hello = std::move(reply->server);
  connection_->state.set_limits(
      {.entry_bytes_max = hello.entry_bytes_max, .frame_bytes_max = hello.frame_bytes_max});
  return {};
}

void AsyncCalls::Impl::close(Failure why) {
  if (!is_here()) return;
  if (in_visitor_) {
    asio::post(executor_, [self = shared_from_this(), generation = generation_,
                           why = std::move(why)]() mutable {
      if (generation == self->generation_) self->close(std::move(why));
    });
    return;
  }
  retry_.cancel();
  ++generation_;
  if (!connection_) return;
  end_waits();
  descriptor_.release();  // The connection closes it.
  connection_->state.close(std::move(why));
  take_answers();
  connection_.reset();
}

void AsyncCalls::Impl::exchange() {
  constexpr auto at_once = Deadline{Deadline::Clock::time_point{}};
  if (!is_here()) return;
  for (int turn = 0; turn < turns_max; ++turn) {
    auto moved = connection_->move_bytes(at_once);
    if (!moved && moved.error().code == ClientError::timed_out) break;
    if (!moved) connection_->state.close(moved.error());
    take_answers();
    if (connection_->state.is_closed()) {
      return close({ClientError::connection_lost, "the connection to the daemon is lost"});
    }
  }
  watch();
}

void AsyncCalls::Impl::take_answers() {
  auto& state = connection_->state;
  while (has_calls()) {
    auto answer = state.next();
    if (!answer) return;
    auto const call = call_of(answer->reply);
    if (!call) continue;  // Why the connection ends; the calls are completed one by one.
    in_visitor_ = call->follow_id != 0;
    try {
      call->take(*answer);
    } catch (...) {
      // A visitor threw: its follow has ended, and the rest goes on as if it had returned false.
      in_visitor_ = false;
      call->fail(visitor_has_thrown());
      end_follow(call->follow_id);
      exchange_soon();
      throw;
    }
    in_visitor_ = false;
    if (call->is_finished() && follows_.erase(call->follow_id) > 0) {
      state.end_follow(call->follow_id);
    }
  }
}

/// Whose answer that is, if anybody's; with its last one it is no longer among the calls.
std::shared_ptr<Call> AsyncCalls::Impl::call_of(protocol::Reply const& reply) {
  auto const follow = follows_.find(reply.id);
  if (follow == follows_.end()) {
    if (calls_.empty()) return nullptr;
    auto call = calls_.front();
    if (!reply.more) calls_.pop_front();
    return call;
  }
  auto call = follow->second;
  if (!reply.more) follows_.erase(follow);
  return call;
}

/// A wait that nobody needs any more would keep the caller's loop from its end: another call may
/// have taken what it was for.
void AsyncCalls::Impl::watch() {
  bool const reads_in_vain = watches_reads_ && !has_calls();
  bool const writes_in_vain = watches_writes_ && !connection_->has_to_send();
  if (reads_in_vain || writes_in_vain) end_waits();
  if (has_calls()) watch_for(asio::posix::stream_descriptor::wait_read, watches_reads_);
  if (connection_->has_to_send()) {
    watch_for(asio::posix::stream_descriptor::wait_write, watches_writes_);
  }
}

void AsyncCalls::Impl::end_waits() noexcept {
  boost::system::error_code ignored;
  descriptor_.cancel(ignored);
  ++waits_;
  watches_reads_ = false;
  watches_writes_ = false;
}

template <class Wait>
void AsyncCalls::Impl::watch_for(Wait wait, bool& watched) {
  if (watched) return;
  watched = true;
  descriptor_.async_wait(wait,
                         [self = shared_from_this(), &watched, waits = waits_](auto const& error) {
                           if (error || waits != self->waits_) return;
                           watched = false;
                           self->exchange();
                         });
}

AsyncClient::AsyncClient(asio::any_io_executor executor)
    : AsyncCalls(std::make_shared<Impl>(std::move(executor)), {}) {}

/// What is left behind is a client that is not connected.
AsyncClient::AsyncClient(AsyncClient&& other) noexcept
    : AsyncCalls(std::exchange(other.impl_, std::make_shared<Impl>(other.get_executor())), {}) {}

AsyncClient& AsyncClient::operator=(AsyncClient&& other) noexcept {
  if (this != &other) {
    end();
    impl_ = std::exchange(other.impl_, std::make_shared<Impl>(other.get_executor()));
  }
  return *this;
}

AsyncClient::~AsyncClient() { end(); }

void AsyncClient::end() {
  if (impl_->is_here()) return close();
  client::leave_to_parent(std::move(impl_));
}

void AsyncClient::close() { impl_->close({ClientError::connection_lost, "the client was closed"}); }

asio::any_io_executor AsyncCalls::get_executor() const noexcept { return impl_->executor(); }

void AsyncCalls::connect(ClientOptions options, Handler<ServerHello> handler) {
  impl_->connect(std::move(options), deadline_, std::move(handler));
}

void AsyncCalls::write_log(LogEntry entry, Handler<std::uint64_t> handler) {
  auto const absorb = [](ClientState::Answer& answer, std::uint64_t& seq) -> Result<void> {
    seq = answer.reply.first_seq;
    return {};
  };
  impl_->call<std::uint64_t>(std::move(handler), deadline_, true, absorb,
                             [&](ClientState& state) { return state.write_log(entry); });
}

void AsyncCalls::write_many_logs(std::vector<LogEntry> entries, Handler<SeqRange> handler) {
  impl_->call<SeqRange>(std::move(handler), deadline_, true, absorb_range,
                        [&](ClientState& state) { return state.write_many_logs(entries); });
}

void AsyncCalls::write_once(std::vector<LogEntry> entries, std::uint64_t write_no,
                            Handler<SeqRange> handler) {
  impl_->call<SeqRange>(std::move(handler), deadline_, true, absorb_range,
                        [&](ClientState& state) -> Result<void> {
                          if (auto valid = client::check_write_no(write_no); !valid) return valid;
                          return state.write_many_logs(entries, write_no);
                        });
}

void AsyncCalls::read_logs(ReadOptions options, Handler<ReadPage> handler) {
  impl_->call<ReadPage>(
      std::move(handler), deadline_, false, absorb_entries,
      [&](ClientState& state) { return state.read_logs(client::read_request(options)); });
}

void AsyncCalls::follow_logs(FollowOptions options, FollowVisitor visitor,
                             Handler<FollowEnd> handler) {
  impl_->follow(options, std::move(visitor), deadline_, std::move(handler));
}

void AsyncCalls::count_logs(CountOptions options, Handler<LogCount> handler) {
  auto const absorb = [](ClientState::Answer& answer, LogCount& count) -> Result<void> {
    auto parsed = client::parse_count(answer.text);
    if (!parsed) return parsed.error();
    count = std::move(*parsed);
    return {};
  };
  impl_->call<LogCount>(std::move(handler), deadline_, false, absorb, [&](ClientState& state) {
    return state.count_logs(client::count_request(options));
  });
}

void AsyncCalls::ping(Handler<void> handler) {
  impl_->call<void>(std::move(handler), deadline_, false, absorb_nothing,
                    [](ClientState& state) -> Result<void> {
                      state.ping();
                      return {};
                    });
}

void AsyncCalls::stats_json(Handler<std::string> handler) {
  impl_->call<std::string>(std::move(handler), deadline_, false, absorb_text,
                           [](ClientState& state) -> Result<void> {
                             state.stats();
                             return {};
                           });
}

void AsyncCalls::audit_json(std::uint64_t start_ts, Handler<std::string> handler) {
  impl_->call<std::string>(std::move(handler), deadline_, false, absorb_text,
                           [&](ClientState& state) -> Result<void> {
                             state.audit({.start_ts = start_ts});
                             return {};
                           });
}

void AsyncCalls::report_dropped(std::uint64_t count, Handler<void> handler) {
  impl_->call<void>(std::move(handler), deadline_, true, absorb_nothing,
                    [&](ClientState& state) -> Result<void> {
                      state.report_dropped({.count = count});
                      return {};
                    });
}

void AsyncCalls::confirm(std::string consumer, std::uint64_t seq, Handler<void> handler) {
  impl_->call<void>(std::move(handler), deadline_, false, absorb_nothing, [&](ClientState& state) {
    return state.confirm({.consumer = consumer, .seq = seq});
  });
}

}  // namespace stele
