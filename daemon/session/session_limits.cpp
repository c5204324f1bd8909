// The side of SessionState that holds the client to its bounds: of memory and of time.
#include <algorithm>
#include <boost/assert.hpp>
#include <utility>

#include "daemon/request/reply_memory.hpp"
#include "daemon/session/session_state.hpp"

namespace stele::daemon {
namespace {

/// Replies of one connection that wait, and what they hold; plain ones are far below this.
constexpr std::size_t queued_bytes_max = std::size_t{2} << 20;

Failure unfinished_failure(std::chrono::seconds patience) {
  auto const seconds = std::to_string(patience.count());
  return {Error::bad_frame, "a request was not whole within " + seconds + " s",
          "{\"request_seconds_max\":" + seconds + '}'};
}

}  // namespace

SessionLimits session_limits(Config const& config) noexcept {
  SessionLimits limits;
  limits.frame_bytes_max = config.max_frame_bytes;
  limits.unread_bytes_max = daemon::unread_bytes_max(config);
  limits.unsent_bytes_max = config.max_unsent_bytes;
  limits.unanswered_max = config.max_unanswered;
  limits.follows_max = config.max_tails;
  limits.time = {config.request_timeout, config.idle_timeout, config.reader_timeout};
  return limits;
}

bool SessionState::may_read() const noexcept { return wants_input() && receivable_bytes() > 0; }

bool SessionState::wants_input() const noexcept {
  return !input_ended() && !large_ && (!flow_.holds_messages || reader_.front_is_partial()) &&
         reader_.unread_bytes() < limits_.unread_bytes_max;
}

std::size_t SessionState::receivable_bytes() const noexcept {
  if (reader_.unread_bytes() >= limits_.unread_bytes_max) return 0;
  auto const bytes = std::min(read_bytes_, limits_.unread_bytes_max - reader_.unread_bytes());
  return memory_.receivable(reader_, bytes);
}

std::span<char> SessionState::read_buffer() {
  BOOST_ASSERT(may_read());
  std::size_t const bytes = receivable_bytes();
  memory_.reserve(reader_, bytes);
  return reader_.prepare(bytes).first(bytes);
}

/// A request that is not whole is received further, whatever else the connection waits for, unless
/// there is no memory for it.
ClientTimeout::Wait SessionState::awaited_of_client() const noexcept {
  using Wait = ClientTimeout::Wait;
  if (!may_read()) return Wait::nothing;
  if (reader_.front_is_partial()) return asked_ ? Wait::rest : Wait::first;
  if (flow_.awaits_turn) return Wait::nothing;
  if (!asked_) return Wait::first;
  bool const is_idle = queue_.empty() && follows_.empty() && unsent_bytes() == 0;
  return is_idle ? Wait::next : Wait::nothing;
}

bool SessionState::on_time(Instant now) {
  if (!std::exchange(received_, false) && reader_.unread_bytes() == 0 && !large_) {
    reader_.release();
  }
  settle_memory();
  // Sending the last reply is no event that advances: the client may be awaited since.
  patience_.note(awaited_of_client(), false);
  if (!patience_.is_over(now)) return false;
  ++handler_.metrics().connections_timed_out;
  if (reader_.unread_bytes() == 0) {
    end_seen_ = true;
  } else {
    input_failed_ = true;
    ReadyReply reply;
    handler_.append_failure(reply.text, {}, unfinished_failure(patience_.time_max()));
    queue_.push(std::move(reply));
  }
  return true;
}

bool SessionState::is_deaf(Instant now) noexcept {
  auto const sent_bytes = filling_.sent_bytes_total() + sending_.sent_bytes_total();
  return reader_patience_.is_over(unsent_bytes(), sent_bytes, now);
}

/// What has been asked for by others is given back first, and what this session lacks is noted.
void SessionState::settle_memory() {
  // Nobody will read what has come of a request that broke off.
  if (input_failed_ && !large_) reader_.release();
  if (!large_) memory_.settle_unread(reader_);
  memory_.settle_unsent(held_bytes());
  if (wants_input() && receivable_bytes() == 0) flow_.awaits_memory = true;
}

bool SessionState::has_room_for(PendingReply const& reply) noexcept {
  bool const has_room = is_large(reply) ? memory_.has_unsent_room(held_bytes())
                                        : memory_.has_small_unsent_room(held_bytes());
  if (!has_room) flow_.awaits_memory = true;
  return has_room;
}

/// A few requests are always heard: one of them may be the cancel of what holds the memory.
bool SessionState::may_queue() noexcept {
  if (queue_.held_bytes() >= queued_bytes_max) return false;
  bool const has_room = queue_.held_bytes() < SessionMemory::free_unsent_bytes ||
                        memory_.has_unsent_room(held_bytes());
  if (!has_room) flow_.awaits_memory = true;
  return has_room;
}

}  // namespace stele::daemon
