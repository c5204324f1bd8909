// The coroutines between one client's socket and its SessionState; they decide nothing.
#pragma once

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <memory>

#include "daemon/committer.hpp"
#include "daemon/reply_batch.hpp"
#include "daemon/session_state.hpp"
#include "daemon/wake_signal.hpp"

namespace stele::daemon {

using ClientSocket = boost::asio::local::stream_protocol::socket;

/// run() is the session's life; the owner keeps the object until it has ended.
class Session final : public LogWaiter, public std::enable_shared_from_this<Session> {
 public:
  Session(ClientSocket socket, SessionState state, Committer& committer);

  /// Ends when everything is answered and sent and the client has ended its side, when the
  /// connection breaks, or after close().
  boost::asio::awaitable<void> run();

  /// Answers what has arrived, then ends.
  void drain();
  /// Ends now.
  void close();

  void on_log_progress() override;
  void on_refused(Seq first) override;
  void on_log_failed() override;

 private:
  boost::asio::awaitable<void> read_requests();
  boost::asio::awaitable<void> write_replies();
  boost::asio::awaitable<void> write_batch(ReplyBatch& batch);
  boost::asio::awaitable<void> let_client_read();
  void advance();

  ClientSocket socket_;
  SessionState state_;
  Committer& committer_;
  WakeSignal input_wake_;
  WakeSignal output_wake_;
  ReplyBatch::Parts parts_{};
  std::array<boost::asio::const_buffer, ReplyBatch::parts_max> buffers_{};
  bool closed_ = false;
};

}  // namespace stele::daemon
