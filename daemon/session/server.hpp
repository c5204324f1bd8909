// Accepts connections and keeps their sessions, until a signal or the log ends it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>

#include "daemon/clock.hpp"
#include "daemon/log/committer.hpp"
#include "daemon/net/listen_socket.hpp"
#include "daemon/net/socket_poller.hpp"
#include "daemon/request/request_handler.hpp"
#include "daemon/security/admission.hpp"
#include "daemon/session/session.hpp"
#include "daemon/session/session_state.hpp"
#include "daemon/supervision/diagnostics.hpp"

namespace stele::daemon {

/// SIGTERM or SIGINT drains: no new connections, new writes refused; a moment later, when who was
/// about to send has been notified, an answer to all that has arrived and the end. A client that
/// does not read its replies is given a bounded time. A second signal ends the process at once.
class Server final : private SessionOwner {
 public:
  /// `signals` catches SIGTERM and SIGINT since before anybody could connect.
  Server(boost::asio::io_context& io, boost::asio::signal_set& signals, ListenSocket& listen_socket,
         RequestHandler& handler, Committer& committer, Config const& config);

  /// Serves from the next run of the io_context on, and stops it when all is over.
  void start();
  bool log_failed() const noexcept { return log_failed_; }
  bool draining() const noexcept { return draining_; }
  /// Called when it begins to drain, for whatever reason.
  void set_drain_handler(std::function<void()> handler) { on_drain_ = std::move(handler); }
  /// The limits and lists of connections that are made from now on.
  void apply(Config const& config);

 private:
  using AcceptedSocket = boost::asio::local::stream_protocol::socket;

  boost::asio::awaitable<void> accept_clients();
  boost::asio::awaitable<void> refuse(AcceptedSocket socket, Failure failure);
  void turn_away(AcceptedSocket socket, std::uint32_t uid, Admission::Decision why);
  void open_session(AcceptedSocket socket);
  Access access_of(Credentials const& credentials) const noexcept;
  void watch_time();
  void tell_deaf_reader(std::uint32_t uid);
  void on_session_end(Session& session) override;
  void wait_for_signal();
  void drain(std::chrono::seconds patience);
  void end_drain();
  void stop_if_done();

  boost::asio::io_context& io_;
  ListenSocket& listen_socket_;
  RequestHandler& handler_;
  Committer& committer_;
  SessionLimits limits_;
  Admission admission_;
  AccessList may_write_;
  AccessList may_read_;
  boost::asio::signal_set& signals_;
  boost::asio::steady_timer accept_pause_;
  boost::asio::steady_timer drain_pause_;
  boost::asio::steady_timer drain_deadline_;
  boost::asio::steady_timer tick_;
  SystemClock clock_{};
  SocketPoller poller_;
  Throttle accept_errors_{std::chrono::seconds(10)};
  Throttle refusals_{std::chrono::seconds(10)};
  Throttle deaf_readers_{std::chrono::seconds(10)};
  HeapTrimmer heap_trimmer_{};
  Throttle unknown_peers_{std::chrono::seconds(10)};
  std::function<void()> on_drain_{};
  struct OpenSession {
    std::shared_ptr<Session> session;
    std::uint32_t uid;
  };
  std::unordered_map<Session const*, OpenSession> sessions_{};
  std::size_t refusing_ = 0;
  bool ticking_ = false;
  bool draining_ = false;
  bool log_failed_ = false;
};

}  // namespace stele::daemon
