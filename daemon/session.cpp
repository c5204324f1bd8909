#include "daemon/session.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <span>
#include <utility>

namespace stele::daemon {
namespace {

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;

constexpr auto use_result = asio::as_tuple(asio::use_awaitable);

/// How long a client that broke the framing may take to read why.
constexpr std::chrono::seconds last_words_delay{1};

}  // namespace

Session::Session(ClientSocket socket, SessionState state, Committer& committer)
    : socket_(std::move(socket)),
      state_(std::move(state)),
      committer_(committer),
      input_wake_(socket_.get_executor()),
      output_wake_(socket_.get_executor()) {}

asio::awaitable<void> Session::run() { return read_requests() && write_replies(); }

asio::awaitable<void> Session::read_requests() {
  while (!closed_ && !state_.input_ended()) {
    if (!state_.may_read()) {
      co_await input_wake_.wait();
      continue;
    }
    auto const room = state_.read_room();
    auto const result =
        co_await socket_.async_read_some(asio::buffer(room.data(), room.size()), use_result);
    auto const& [error, bytes] = result;
    if (error == asio::error::eof) {
      state_.on_input_end();
    } else if (error) {
      close();
      break;
    } else {
      state_.on_received(bytes);
    }
    advance();
  }
}

asio::awaitable<void> Session::write_replies() {
  while (!closed_ && !state_.finished()) {
    if (state_.has_output()) {
      co_await write_batch(state_.begin_write());
      if (closed_) break;
      state_.end_write();
      advance();
    } else if (state_.awaits_turn()) {
      co_await asio::post(socket_.get_executor(), asio::use_awaitable);
      advance();
    } else {
      co_await output_wake_.wait();
    }
  }
  if (!closed_ && state_.input_failed()) co_await let_client_read();
  close();
}

/// Not asio::async_write, which hands the kernel 64 KiB and 16 parts at a time.
asio::awaitable<void> Session::write_batch(ReplyBatch& batch) {
  while (!batch.empty()) {
    auto const unsent = batch.unsent(parts_);
    std::transform(unsent.begin(), unsent.end(), buffers_.begin(),
                   [](std::string_view part) { return asio::buffer(part.data(), part.size()); });
    std::span<asio::const_buffer const> const buffers(buffers_.data(), unsent.size());
    auto const result = co_await socket_.async_write_some(buffers, use_result);
    auto const& [error, bytes] = result;
    if (error) {
      close();
      co_return;
    }
    batch.on_sent(bytes);
  }
}

/// A socket that is closed with unread bytes makes the client's next write fail, and it might
/// never read the last reply. So what it still sends is read and dropped, for a while.
asio::awaitable<void> Session::let_client_read() {
  boost::system::error_code ignored;
  socket_.shutdown(ClientSocket::shutdown_send, ignored);
  asio::steady_timer deadline(socket_.get_executor(), last_words_delay);
  deadline.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error) self->close();
  });
  std::array<char, 4096> dropped;
  while (!closed_) {
    auto const result = co_await socket_.async_read_some(asio::buffer(dropped), use_result);
    if (std::get<0>(result)) break;
  }
}

void Session::advance() {
  state_.advance();
  if (state_.awaits_log()) committer_.await(*this);
  if (state_.has_output() || state_.awaits_turn() || state_.finished()) output_wake_.notify();
  if (state_.may_read()) input_wake_.notify();
}

void Session::drain() {
  state_.on_drain();
  // Bytes that have arrived are about to be read; what they ask is answered before the end.
  boost::system::error_code error;
  if (state_.may_read() && socket_.available(error) > 0 && !error) return;
  advance();
}

void Session::close() {
  if (std::exchange(closed_, true)) return;
  boost::system::error_code ignored;
  socket_.close(ignored);
  input_wake_.notify();
  output_wake_.notify();
}

void Session::on_log_progress() {
  if (!closed_) advance();
}

void Session::on_refused(Seq first) { state_.on_refused(first); }

void Session::on_log_failed() {
  state_.on_log_failed();
  if (!closed_) advance();
}

}  // namespace stele::daemon
