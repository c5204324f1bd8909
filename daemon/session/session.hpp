// The shell between one client's socket and its SessionState; it decides nothing.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>

#include "daemon/log/committer.hpp"
#include "daemon/net/client_socket.hpp"
#include "daemon/net/reply_batch.hpp"
#include "daemon/net/socket_poller.hpp"
#include "daemon/session/session_state.hpp"

namespace stele::daemon {

class Session;

class SessionOwner {
 public:
  /// The session has ended. It is in the middle of a call: destroy it later.
  virtual void on_session_end(Session& session) = 0;

 protected:
  ~SessionOwner() = default;
};

/// Ends when everything is answered and sent and the client has ended its side, when the
/// connection breaks, or after close().
class Session final : public std::enable_shared_from_this<Session>,
                      private SocketOwner,
                      private LogWaiter,
                      private ParserWaiter,
                      private MemoryWaiter {
 public:
  /// Loop, log and owner of a session; they outlive it.
  struct Context {
    SocketPoller& poller;
    Committer& committer;
    SessionOwner& owner;
  };
  Session(ClientSocket socket, SessionState state, Context const& context);

  void start();
  /// To be called now and then. Ends if the client has taken too long; true: with its replies.
  bool on_time(Instant now);
  /// Ends its follows, and answers on until end_drain(): a client that sends just now gets an
  /// answer.
  void drain();
  /// Answers what has arrived, then ends.
  void end_drain();
  /// Ends now.
  void close();

 private:
  std::size_t take_turn(bool is_ready) override;
  void on_parser() override { context_.poller.await_turn(*this); }
  void on_log_progress() override;
  void on_refused(Seq first) override { state_.on_refused(first); }
  void on_log_failed() override;
  void on_memory_freed() override { context_.poller.await_turn(*this); }

  std::size_t receive();
  std::size_t send_replies();
  std::size_t advance(TurnBudget const& budget = TurnBudget());
  void end();
  std::size_t discard_input();
  void watch();

  ClientSocket socket_;
  SessionState state_;
  Context context_;
  SocketPoller::Interest interest_{};
  /// What replies wait for that are not sent yet.
  enum class OutputWaits : std::uint8_t { no, client, turn };
  ReplyBatch* sending_ = nullptr;  ///< Sent in part.
  OutputWaits output_waits_ = OutputWaits::no;
  ReplyBatch::Parts parts_{};
  std::optional<boost::asio::steady_timer> lingering_{};  ///< Until then the client may end, too.
  bool closed_ = false;
};

}  // namespace stele::daemon
