#include "daemon/session/session.hpp"

#include <array>
#include <chrono>
#include <utility>

namespace stele::daemon {
namespace {

/// How long a client may take to read its last replies and end its side; less at a stop.
constexpr std::chrono::milliseconds linger_delay{1000};
constexpr std::chrono::milliseconds linger_delay_at_stop{200};

/// Bytes that one turn of the loop sends to one client; the call that crosses the limit is the
/// last. Some 30 us of copying.
constexpr std::size_t turn_sent_bytes_max = std::size_t{64} << 10;

/// What a session does when it hears of the log, besides what its next turn does: tens of replies.
constexpr std::size_t log_progress_visits = 2'000;

bool is_later(boost::system::error_code const& error) noexcept {
  return error == boost::system::errc::operation_would_block;
}

}  // namespace

Session::Session(ClientSocket socket, SessionState state, Context const& context)
    : SocketOwner(context.poller, state.uid()),
      socket_(std::move(socket)),
      state_(std::move(state)),
      context_(context) {
  state_.set_parser_waiter(*this);
}

void Session::start() {
  interest_ = {.read = true};
  if (context_.poller.watch(socket_.descriptor(), *this, interest_)) close();
}

std::size_t Session::take_turn(bool is_ready) {
  if (closed_) return 0;
  if (lingering_) return discard_input();
  std::size_t visits = 0;
  if (is_ready && state_.may_read()) visits = TurnBudget::visits_of_call(receive());
  return visits + advance();
}

/// All who wait for the log are notified at once: what is not done soon is done in its turn.
void Session::on_log_progress() {
  context_.poller.pay(*this, advance(TurnBudget(log_progress_visits)));
}

void Session::on_log_failed() {
  state_.on_log_failed();
  advance();
}

/// How many bytes came.
std::size_t Session::receive() {
  auto const received = socket_.receive(state_.read_buffer());
  if (!received) {
    if (!is_later(received.error())) close();
    return 0;
  }
  if (*received == 0) {
    state_.on_input_end();
  } else {
    state_.on_received(*received);
  }
  return *received;
}

/// What has become possible, and then its replies: in one go, unless they are large. Returns what
/// it cost.
std::size_t Session::advance(TurnBudget const& budget) {
  if (closed_ || lingering_) return 0;
  state_.advance(budget);
  std::size_t const visits = state_.visits_paid() + send_replies();
  if (closed_) return visits;
  if (state_.finished()) {
    // What has arrived is answered before the end that is not the client's.
    bool const goes_on = state_.may_read() && receive() > 0;
    if (closed_) return visits;
    if (!goes_on) {
      end();
      return visits;
    }
    context_.poller.await_turn(*this);
  }
  if (state_.awaits_log()) context_.committer.await(*this);
  if (state_.awaits_memory()) state_.await_memory(*this);
  if (state_.awaits_turn() || output_waits_ == OutputWaits::turn) context_.poller.await_turn(*this);
  watch();
  return visits;
}

std::size_t Session::send_replies() {
  output_waits_ = OutputWaits::no;
  std::size_t sent_bytes = 0;
  std::size_t visits = 0;
  while (sending_ != nullptr || state_.has_output()) {
    if (sent_bytes >= turn_sent_bytes_max) {
      output_waits_ = OutputWaits::turn;
      return visits;
    }
    if (sending_ == nullptr) sending_ = &state_.begin_write();
    auto const sent = socket_.send(sending_->unsent(parts_));
    visits += TurnBudget::visits_of_call(sent ? *sent : 0);
    if (!sent) {
      if (is_later(sent.error())) {
        output_waits_ = OutputWaits::client;
      } else {
        close();
      }
      return visits;
    }
    sent_bytes += *sent;
    sending_->on_sent(*sent);
    if (!sending_->empty()) continue;
    sending_ = nullptr;
    state_.end_write();
  }
  return visits;
}

void Session::watch() {
  SocketPoller::Interest const wanted{.read = state_.may_read(),
                                      .write = output_waits_ == OutputWaits::client};
  if (wanted == interest_) return;
  interest_ = wanted;
  context_.poller.change(socket_.descriptor(), *this, interest_);
}

/// A socket that is closed with unread bytes, or while its client sends, makes the client's next
/// call fail, and it might never read its last replies. So the end is sent first, and what it
/// still sends is read and dropped, for a while.
void Session::end() {
  if (state_.client_ended()) return close();
  socket_.shutdown_send();
  lingering_.emplace(context_.poller.context(),
                     state_.draining() ? linger_delay_at_stop : linger_delay);
  lingering_->async_wait([session = weak_from_this()](boost::system::error_code error) {
    auto const self = session.lock();
    if (!error && self) self->close();
  });
  interest_ = {.read = true};
  context_.poller.change(socket_.descriptor(), *this, interest_);
}

std::size_t Session::discard_input() {
  std::array<char, 4096> dropped;
  auto const received = socket_.receive(dropped);
  if (received ? *received == 0 : !is_later(received.error())) close();
  return TurnBudget::visits_of_call(dropped.size());
}

bool Session::on_time(Instant now) {
  if (closed_ || lingering_) return false;
  if (state_.is_deaf(now)) {
    close();
    return true;
  }
  if (state_.on_time(now) || state_.awaits_memory()) advance();
  return false;
}

void Session::drain() {
  state_.on_drain();
  advance();
}

void Session::end_drain() {
  state_.on_drain_end();
  advance();
}

void Session::close() {
  if (std::exchange(closed_, true)) return;
  socket_.close();
  if (lingering_) lingering_->cancel();
  context_.owner.on_session_end(*this);
}

}  // namespace stele::daemon
