#include "daemon/session/server.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <exception>
#include <string>
#include <utility>

#include "protocol/frame/frame.hpp"
#include "protocol/limits.hpp"

namespace stele::daemon {
namespace {

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;

constexpr auto use_result = asio::as_tuple(asio::use_awaitable);

/// While no descriptor is free the listening socket stays readable; without a pause the loop spins.
constexpr std::chrono::milliseconds accept_pause_delay{100};

/// How long to wait for the first byte of a connection that is refused: it shows in which form.
constexpr std::chrono::seconds refusal_delay{1};
/// Connections that are refused with words at a time; further ones are just closed.
constexpr std::size_t refusing_max = 32;

/// How often sessions are asked whether their clients have taken too long.
constexpr std::chrono::seconds tick_period{1};

/// From the begin of a stop to the end of its connections: who sends meanwhile is answered.
constexpr std::chrono::milliseconds drain_pause_delay{50};
constexpr std::chrono::seconds drain_patience{5};
constexpr std::chrono::seconds failure_patience{1};

Admission::Limits admission_limits(Config const& config) noexcept {
  return {.connections_max = config.max_connections,
          .user_connections_max = config.max_user_connections};
}

/// What escapes a session is a defect: it ends the process, and the log says what was durable.
void rethrow(std::exception_ptr const& error) {
  if (error) std::rethrow_exception(error);
}

}  // namespace

Server::Server(asio::io_context& io, asio::signal_set& signals, ListenSocket& listen_socket,
               RequestHandler& handler, Committer& committer, Config const& config)
    : io_(io),
      listen_socket_(listen_socket),
      handler_(handler),
      committer_(committer),
      limits_(session_limits(config)),
      admission_(admission_limits(config), ::geteuid()),
      may_write_(config.may_write),
      may_read_(config.may_read),
      signals_(signals),
      accept_pause_(io),
      drain_pause_(io),
      drain_deadline_(io),
      tick_(io),
      poller_(io) {}

void Server::start() {
  wait_for_signal();
  committer_.set_failure_handler([this] {
    log_failed_ = true;
    drain(failure_patience);
  });
  asio::co_spawn(io_, accept_clients(), rethrow);
}

void Server::apply(Config const& config) {
  limits_ = session_limits(config);
  handler_.memory().apply(config);
  admission_.set_limits(admission_limits(config));
  may_write_ = config.may_write;
  may_read_ = config.may_read;
}

void Server::wait_for_signal() {
  signals_.async_wait([this](boost::system::error_code error, int signal) {
    if (error) return;
    spdlog::info("signal {}: finishing what is in flight", signal);
    signals_.clear();  // Back to the default action: a second signal ends the process.
    drain(drain_patience);
  });
}

asio::awaitable<void> Server::accept_clients() {
  auto& acceptor = listen_socket_.acceptor();
  while (acceptor.is_open()) {
    AcceptedSocket socket(io_);
    auto const result = co_await acceptor.async_accept(socket, use_result);
    auto const error = std::get<0>(result);
    if (draining_) break;
    if (error == asio::error::operation_aborted || error == asio::error::connection_aborted) {
      continue;
    }
    if (error) {
      if (auto const held_back = accept_errors_.pass(clock_.now())) {
        spdlog::error("cannot accept connections: {} ({} times more since the last line)",
                      error.message(), *held_back);
      }
      accept_pause_.expires_after(accept_pause_delay);
      co_await accept_pause_.async_wait(use_result);
      continue;
    }
    open_session(std::move(socket));
  }
}

void Server::open_session(AcceptedSocket socket) {
  Metrics& metrics = handler_.metrics();
  auto const credentials = peer_credentials(socket.native_handle());
  if (!credentials) {
    if (auto const held_back = unknown_peers_.pass(clock_.now())) {
      spdlog::error("a connection of nobody knows whom was closed ({} more since the last line)",
                    *held_back);
    }
    return;
  }
  auto const& origin = credentials->origin;
  auto const decision = admission_.check(origin.uid);
  if (decision != Admission::Decision::admitted) {
    return turn_away(std::move(socket), origin.uid, decision);
  }
  admission_.opened(origin.uid);
  ++metrics.connections_accepted;
  ClientSocket client(socket.release());
  Session::Context const context{poller_, committer_, *this};
  auto const session = std::make_shared<Session>(
      std::move(client), SessionState(handler_, origin, limits_, access_of(*credentials)), context);
  sessions_.emplace(session.get(), OpenSession{session, origin.uid});
  metrics.connections_open = admission_.open();
  spdlog::debug("connection from pid {} uid {}", origin.pid, origin.uid);
  session->start();
  watch_time();
}

Access Server::access_of(Credentials const& credentials) const noexcept {
  auto const uid = credentials.origin.uid;
  return {.write = may_write_.admits(uid, credentials.groups),
          .read = may_read_.admits(uid, credentials.groups)};
}

/// Ticks while there are sessions.
void Server::watch_time() {
  if (ticking_ || sessions_.empty()) return;
  ticking_ = true;
  tick_.expires_after(tick_period);
  tick_.async_wait([this](boost::system::error_code error) {
    ticking_ = false;
    if (error || draining_) return;
    auto const now = clock_.now();
    for (auto const& [key, open] : sessions_) {
      if (open.session->on_time(now)) tell_deaf_reader(open.uid);
    }
    auto& memory = handler_.memory();
    handler_.free_unwanted_memory();
    heap_trimmer_.note(memory.unread().bytes() + memory.unsent().bytes());
    watch_time();
  });
}

void Server::tell_deaf_reader(std::uint32_t uid) {
  ++handler_.metrics().readers_timed_out;
  if (auto const held_back = deaf_readers_.pass(clock_.now())) {
    spdlog::warn(
        "a connection of uid {} was closed: it took nothing of its replies for {} s ({} more since "
        "the last line)",
        uid, limits_.time.reader_max.count(), *held_back);
  }
}

void Server::on_session_end(Session& session) {
  asio::post(io_, [this, key = &session] {
    auto const found = sessions_.find(key);
    admission_.closed(found->second.uid);
    sessions_.erase(found);
    handler_.metrics().connections_open = admission_.open();
    if (sessions_.empty()) handler_.free_spare_memory();
    if (draining_) stop_if_done();
  });
}

void Server::turn_away(AcceptedSocket socket, std::uint32_t uid, Admission::Decision why) {
  ++handler_.metrics().connections_refused;
  bool const is_users = why == Admission::Decision::user_has_enough;
  auto const& limits = admission_.limits();
  if (auto const held_back = refusals_.pass(clock_.now())) {
    spdlog::warn("{} connections are open{}: one of uid {} refused ({} more since the last line)",
                 admission_.open(), is_users ? ", of this user as many as one may have" : "", uid,
                 *held_back);
  }
  if (refusing_ >= refusing_max) return;
  std::string const limit = is_users ? "user_connections_max" : "connections_max";
  auto const max = is_users ? limits.user_connections_max : limits.connections_max;
  Failure failure(Error::too_many_connections,
                  is_users ? "this user has as many as one may have"
                           : "the limit of open connections is reached",
                  "{\"" + limit + "\":" + std::to_string(max) + '}');
  asio::co_spawn(io_, refuse(std::move(socket), std::move(failure)), rethrow);
}

asio::awaitable<void> Server::refuse(AcceptedSocket socket, Failure failure) {
  ++refusing_;
  asio::steady_timer deadline(io_, refusal_delay);
  co_await (socket.async_wait(AcceptedSocket::wait_read, use_result) ||
            deadline.async_wait(use_result));

  boost::system::error_code ignored;
  socket.non_blocking(true, ignored);
  std::array<char, 4096> received{};
  std::size_t const bytes = socket.receive(asio::buffer(received), 0, ignored);
  // A client that has said nothing yet is taken for a program.
  bool const is_line =
      bytes > 0 && static_cast<unsigned char>(received[0]) > protocol::binary_first_byte_max;
  std::string text;
  protocol::FrameBuilder frame(text,
                               is_line ? protocol::FrameForm::line : protocol::FrameForm::binary);
  handler_.append_failure(text, {}, failure);
  frame.finish();
  // An empty socket buffer takes so little at once.
  socket.send(asio::buffer(text), 0, ignored);
  --refusing_;
}

void Server::drain(std::chrono::seconds patience) {
  draining_ = true;
  boost::system::error_code ignored;
  listen_socket_.acceptor().close(ignored);
  accept_pause_.cancel();
  tick_.cancel();
  handler_.start_draining();
  if (on_drain_) on_drain_();
  drain_deadline_.expires_after(patience);
  drain_deadline_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    spdlog::warn("closing {} connections whose clients do not read their replies",
                 sessions_.size());
    for (auto const& [key, open] : sessions_) open.session->close();
  });
  drain_pause_.expires_after(drain_pause_delay);
  drain_pause_.async_wait([this](boost::system::error_code error) {
    if (!error) end_drain();
  });
  for (auto const& [key, open] : sessions_) open.session->drain();
  stop_if_done();
}

void Server::end_drain() {
  for (auto const& [key, open] : sessions_) open.session->end_drain();
}

/// A write that the log has taken is finished, however long the disk takes.
void Server::stop_if_done() {
  if (!sessions_.empty()) return;
  drain_pause_.cancel();
  drain_deadline_.cancel();
  if (log_failed_) {
    io_.stop();
  } else {
    committer_.notify_when_idle([this] { io_.stop(); });
  }
}

}  // namespace stele::daemon
