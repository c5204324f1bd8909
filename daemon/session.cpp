#include "daemon/session.hpp"

#include <array>
#include <chrono>
#include <utility>

namespace stele::daemon {
namespace {

/// How long a client that broke the framing may take to read why.
constexpr std::chrono::seconds last_words_delay{1};

/// Bytes that one turn of the loop sends to one client; the call that crosses the limit is the
/// last. Some 30 us of copying.
constexpr std::size_t turn_sent_bytes_max = std::size_t{64} << 10;

bool is_later(boost::system::error_code const& error) noexcept {
  return error == boost::system::errc::operation_would_block;
}

}  // namespace

Session::Session(ClientSocket socket, SessionState state, Place const& place)
    : socket_(std::move(socket)), state_(std::move(state)), place_(place) {}

void Session::start() {
  interest_ = {.read = true};
  if (place_.poller.watch(socket_.descriptor(), *this, interest_)) close();
}

void Session::on_ready() {
  if (closed_) return;
  if (last_words_) return drop_input();
  if (state_.may_read()) receive();
  advance();
}

void Session::on_log_failed() {
  state_.on_log_failed();
  advance();
}

void Session::receive() {
  auto const received = socket_.receive(state_.read_room());
  if (!received) {
    if (!is_later(received.error())) close();
  } else if (*received == 0) {
    state_.on_input_end();
  } else {
    state_.on_received(*received);
  }
}

/// What has become possible, and then its replies: in one go, unless they are large.
void Session::advance() {
  if (closed_ || last_words_) return;
  state_.advance();
  send_replies();
  if (closed_) return;
  if (state_.finished()) return end();
  if (state_.awaits_log()) place_.committer.await(*this);
  if (state_.awaits_turn() || output_waits_ == OutputWaits::turn) place_.poller.await_turn(*this);
  watch();
}

void Session::send_replies() {
  output_waits_ = OutputWaits::no;
  std::size_t sent_bytes = 0;
  while (sending_ != nullptr || state_.has_output()) {
    if (sent_bytes >= turn_sent_bytes_max) {
      output_waits_ = OutputWaits::turn;
      return;
    }
    if (sending_ == nullptr) sending_ = &state_.begin_write();
    auto const sent = socket_.send(sending_->unsent(parts_));
    if (!sent) {
      if (!is_later(sent.error())) return close();
      output_waits_ = OutputWaits::client;
      return;
    }
    sent_bytes += *sent;
    sending_->on_sent(*sent);
    if (!sending_->empty()) continue;
    sending_ = nullptr;
    state_.end_write();
  }
}

void Session::watch() {
  SocketPoller::Interest const wanted{.read = state_.may_read(),
                                      .write = output_waits_ == OutputWaits::client};
  if (wanted == interest_) return;
  interest_ = wanted;
  place_.poller.change(socket_.descriptor(), *this, interest_);
}

void Session::end() {
  if (state_.input_failed()) {
    let_client_read();
  } else {
    close();
  }
}

/// A socket that is closed with unread bytes makes the client's next write fail, and it might
/// never read the last reply. So what it still sends is read and dropped, for a while.
void Session::let_client_read() {
  socket_.shutdown_send();
  last_words_.emplace(place_.poller.context(), last_words_delay);
  last_words_->async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error) self->close();
  });
  interest_ = {.read = true};
  place_.poller.change(socket_.descriptor(), *this, interest_);
}

void Session::drop_input() {
  std::array<char, 4096> dropped;
  auto const received = socket_.receive(dropped);
  if (received ? *received == 0 : !is_later(received.error())) close();
}

void Session::on_time(Instant now) {
  if (closed_ || last_words_ || !state_.on_time(now)) return;
  advance();
}

void Session::drain() {
  state_.on_drain();
  // What has arrived is answered before the end.
  if (!closed_ && !last_words_ && state_.may_read()) receive();
  advance();
}

void Session::close() {
  if (std::exchange(closed_, true)) return;
  socket_.close();
  if (last_words_) last_words_->cancel();
  place_.owner.on_session_end(*this);
}

}  // namespace stele::daemon
