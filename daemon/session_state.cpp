#include "daemon/session_state.hpp"

#include <algorithm>
#include <boost/assert.hpp>
#include <utility>
#include <variant>

#include "protocol/limits.hpp"
#include "protocol/reply.hpp"

namespace stele::daemon {
namespace {

/// The first read of a connection asks for this much, so that an idle one costs little; each read
/// that fills its room doubles the next, up to what a socket buffer holds.
constexpr std::size_t room_bytes_min = std::size_t{16} << 10;
constexpr std::size_t room_bytes_max = std::size_t{256} << 10;

/// Shorter runs of neighbours are copied: a part of a gather write costs more than such a copy.
constexpr std::size_t copied_run_bytes_max = std::size_t{4} << 10;

/// Bytes of messages that one turn of the loop takes from one connection: some 100 µs of work. The
/// message that crosses the limit is taken whole.
constexpr std::size_t turn_taken_bytes_max = std::size_t{32} << 10;
/// What each connection may add to a commit, however much has gathered.
constexpr std::size_t share_bytes = std::size_t{16} << 10;

Failure unfinished_failure(std::chrono::seconds patience) {
  auto const seconds = std::to_string(patience.count());
  return {Error::bad_frame, "a request was not whole within " + seconds + " s",
          "{\"request_seconds_max\":" + seconds + '}'};
}

}  // namespace

SessionLimits session_limits(Config const& config) noexcept {
  SessionLimits limits;
  limits.frame_bytes_max = config.max_frame_bytes;
  limits.unread_bytes_max = config.max_unread_bytes != 0 ? config.max_unread_bytes
                                                         : config.max_frame_bytes + room_bytes_max;
  limits.unsent_bytes_max = config.max_unsent_bytes;
  limits.unanswered_max = config.max_unanswered;
  limits.follows_max = config.max_tails;
  limits.time = {config.request_timeout, config.idle_timeout};
  return limits;
}

SessionState::SessionState(RequestHandler& handler, Origin const& origin,
                           SessionLimits const& limits, Access access)
    : handler_(handler),
      peer_{.origin = origin, .access = access},
      limits_(limits),
      reader_(limits.frame_bytes_max),
      room_bytes_(room_bytes_min),
      follows_(limits.follows_max, handler.metrics().tails_open),
      patience_(limits.time, handler.clock()) {
  patience_.note(awaited_of_client(), false);
}

protocol::FrameForm SessionState::form() const noexcept {
  return reader_.form().value_or(protocol::FrameForm::binary);
}

bool SessionState::may_read() const noexcept {
  return !input_ended() && !messages_wait_ && reader_.unread_bytes() < limits_.unread_bytes_max;
}

std::span<char> SessionState::read_room() {
  BOOST_ASSERT(may_read());
  std::size_t const bytes =
      std::min(room_bytes_, limits_.unread_bytes_max - reader_.unread_bytes());
  return reader_.prepare(bytes).first(bytes);
}

void SessionState::on_received(std::size_t bytes) {
  if (bytes == room_bytes_) room_bytes_ = std::min(2 * room_bytes_, room_bytes_max);
  reader_.commit(bytes);
}

void SessionState::on_input_end() noexcept { reader_.finish(); }

void SessionState::on_refused(Seq first) {
  for (auto& pending : queue_) {
    if (auto* const drop = std::get_if<DropReply>(&pending); drop && is_awaited(*drop)) {
      drop->failure = no_space_failure();
      drop->state = protocol::WriteState::not_written;
      continue;
    }
    auto* const write = std::get_if<WriteReply>(&pending);
    if (write == nullptr || write->failure || write->first_seq < first) continue;
    write->failure = no_space_failure();
    write->state = protocol::WriteState::not_written;
  }
}

void SessionState::on_log_failed() {
  for (auto& pending : queue_) {
    if (auto* const drop = std::get_if<DropReply>(&pending); drop && is_awaited(*drop)) {
      drop->failure = log_failed_failure();
      drop->state = protocol::WriteState::unknown;
      continue;
    }
    auto* const write = std::get_if<WriteReply>(&pending);
    if (write == nullptr || write->failure) continue;
    if (write->last_seq <= handler_.store().visible_seq()) continue;
    write->failure = log_failed_failure();
    write->state = protocol::WriteState::unknown;
  }
}

void SessionState::advance() {
  awaits_turn_ = false;
  turn_ = {};
  turn_bytes_ = 0;
  bool const follows_first = std::exchange(follows_first_, !follows_first_);
  bool progress = true;
  while (progress && !awaits_turn_) {
    progress = follows_first && produce_follows();
    progress = produce_replies() || progress;
    progress = handle_messages() || progress;
    progress = produce_follows() || progress;
  }
  output_full_ = unsent_bytes() >= limits_.unsent_bytes_max;
  patience_.note(awaited_of_client(), turn_bytes_ > 0);
}

ClientPatience::Wait SessionState::awaited_of_client() const noexcept {
  using Wait = ClientPatience::Wait;
  if (!may_read() || awaits_turn_) return Wait::nothing;
  if (!asked_) return Wait::first;
  if (reader_.unread_bytes() > 0) return Wait::rest;
  bool const is_idle = queue_.empty() && follows_.empty() && unsent_bytes() == 0;
  return is_idle ? Wait::next : Wait::nothing;
}

bool SessionState::on_time(Instant now) {
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
    queue_.push_back(std::move(reply));
  }
  return true;
}

bool SessionState::had_its_share() const noexcept {
  auto const gathering = handler_.gathering();
  return gathering.bytes >= gathered_bytes_full && share_.commit_no == gathering.commit_no &&
         share_.bytes >= share_bytes;
}

void SessionState::add_to_share(std::size_t bytes) noexcept {
  auto const commit_no = handler_.gathering().commit_no;
  if (share_.commit_no != commit_no) share_ = {commit_no, 0};
  share_.bytes += bytes;
}

bool SessionState::may_handle() noexcept {
  bool const turn_is_over = turn_bytes_ >= turn_taken_bytes_max;
  if (turn_is_over) awaits_turn_ = true;
  awaits_log_room_ = handler_.overloaded() || had_its_share();
  messages_wait_ = turn_is_over || awaits_log_room_ || queue_.size() >= limits_.unanswered_max ||
                   unsent_bytes() >= limits_.unsent_bytes_max;
  return !messages_wait_;
}

bool SessionState::handle_messages() {
  bool progress = false;
  awaits_log_room_ = false;
  while (!input_ended() && may_handle()) {
    using Status = protocol::FrameReader::Status;
    auto const next = reader_.next();
    if (next.status == Status::need_more) break;
    progress = true;
    if (next.status == Status::message) {
      asked_ = true;
      turn_bytes_ += next.message.size();
      queue_.push_back(handler_.handle(next.message, form(), peer_));
      if (auto* const cancel = std::get_if<CancelReply>(&queue_.back())) cancel_queued(*cancel);
      if (std::holds_alternative<WriteReply>(queue_.back())) add_to_share(next.message.size());
    } else if (next.status == Status::end) {
      end_seen_ = true;
    } else {
      input_failed_ = true;
      ReadyReply reply;
      handler_.append_failure(reply.text, {}, next.failure);
      queue_.push_back(std::move(reply));
    }
  }
  return progress;
}

void SessionState::cancel_queued(CancelReply& cancel) {
  for (auto& pending : queue_) {
    if (auto* const read = std::get_if<ReadReply>(&pending); read && read->id == cancel.target) {
      cancel.found = read->cancelled = true;
    }
    if (auto* const read = std::get_if<FollowReply>(&pending); read && read->id == cancel.target) {
      cancel.found = read->cancelled = true;
    }
  }
}

/// A frame of each follow that has something to tell, in turn, as long as there is room.
bool SessionState::produce_follows() {
  if (follows_.empty()) return false;
  auto const& store = handler_.store();
  if (input_ended() || draining_) follows_.finish(store);
  bool progress = false;
  while (unsent_bytes() < limits_.unsent_bytes_max) {
    auto* const follow = follows_.next(store);
    if (follow == nullptr) break;
    awaits_turn_ = turn_.is_spent();
    if (awaits_turn_) break;
    progress = true;
    auto const step = follow->read.step(store, protocol::read_frame_bytes, turn_);
    if (!step.runs.empty() || step.lost || step.caught_up) append_follow_frame(*follow, step);
    if (step.status == FollowRead::Status::ended) end_follow(*follow);
  }
  return progress;
}

bool SessionState::produce_replies() {
  bool progress = false;
  while (!queue_.empty() && unsent_bytes() < limits_.unsent_bytes_max) {
    awaits_turn_ = turn_.is_spent();
    if (awaits_turn_) break;
    auto const produced =
        std::visit([this](auto& reply) { return produce(reply); }, queue_.front());
    if (produced == Produced::none) break;
    if (produced == Produced::all) queue_.pop_front();
    progress = true;
  }
  return progress;
}

void SessionState::append_frame(std::string_view text) {
  protocol::FrameBuilder frame(filling_.text(), form());
  filling_.text() += text;
  frame.finish();
}

void SessionState::append_frame_failure(std::string_view id, Failure const& failure,
                                        std::optional<protocol::WriteState> state) {
  protocol::FrameBuilder frame(filling_.text(), form());
  handler_.append_failure(filling_.text(), id, failure, state);
  frame.finish();
}

SessionState::Produced SessionState::produce(ReadyReply& reply) {
  append_frame(reply.text);
  return Produced::all;
}

SessionState::Produced SessionState::produce(WriteReply& reply) {
  if (reply.failure) {
    append_frame_failure(reply.id, *reply.failure, reply.state);
    return Produced::all;
  }
  if (reply.last_seq > handler_.store().visible_seq()) return Produced::none;
  if (!reply.dup) handler_.metrics().entries_written += reply.last_seq - reply.first_seq + 1;
  protocol::WrittenSeqs const written{reply.first_seq, reply.last_seq, reply.dup};
  protocol::FrameBuilder frame(filling_.text(), form());
  if (reply.many) {
    protocol::append_write_many_logs_reply(filling_.text(), reply.id, written);
  } else {
    protocol::append_write_log_reply(filling_.text(), reply.id, written);
  }
  frame.finish();
  return Produced::all;
}

SessionState::Produced SessionState::produce(ReadReply& reply) {
  auto const& store = handler_.store();
  bool const is_first = !std::exchange(reply.begun, true);
  if (auto const ready = is_first ? reply.read.begin(store) : reply.read.resume(store); !ready) {
    append_frame_failure(reply.id, ready.error());
    return Produced::all;
  }
  if (!reply.cancelled) return produce_entries(reply);
  protocol::FrameBuilder frame(filling_.text(), form());
  protocol::append_entries_start(filling_.text(), reply.id);
  protocol::append_entries_end(filling_.text(), reply.read.cursor());
  frame.finish();
  return Produced::all;
}

SessionState::Produced SessionState::produce(FollowReply& reply) {
  auto const added = follows_.add({reply.id, std::move(*reply.read)}, handler_.store());
  if (!added) {
    append_frame_failure(reply.id, added.error());
  } else if (reply.cancelled) {
    end_follow(*follows_.find(reply.id));
  }
  return Produced::all;
}

SessionState::Produced SessionState::produce(CancelReply& reply) {
  if (auto const* const follow = follows_.find(reply.target)) {
    end_follow(*follow);
    reply.found = true;
  }
  protocol::FrameBuilder frame(filling_.text(), form());
  protocol::append_ok_start(filling_.text(), reply.id);
  filling_.text() += reply.found ? R"(,"cancelled":true})" : R"(,"cancelled":false})";
  frame.finish();
  return Produced::all;
}

SessionState::Produced SessionState::produce(CountReply& reply) {
  auto const& store = handler_.store();
  if (!std::exchange(reply.begun, true)) reply.count.begin(store);
  auto const status = reply.count.step(store, turn_);
  if (status == RangeCount::Status::more) return Produced::part;
  if (status == RangeCount::Status::too_many_buckets) {
    append_frame_failure(reply.id, too_many_buckets_failure());
    return Produced::all;
  }
  protocol::FrameBuilder frame(filling_.text(), form());
  protocol::append_count_reply(filling_.text(), reply.id, reply.count.count(),
                               reply.count.buckets());
  frame.finish();
  return Produced::all;
}

SessionState::Produced SessionState::produce(StatsReply& reply) {
  protocol::FrameBuilder frame(filling_.text(), form());
  handler_.append_stats_reply(filling_.text(), reply);
  frame.finish();
  return Produced::all;
}

SessionState::Produced SessionState::produce(AuditReply& reply) {
  protocol::FrameBuilder frame(filling_.text(), form());
  handler_.append_audit_reply(filling_.text(), reply);
  frame.finish();
  return Produced::all;
}

SessionState::Produced SessionState::produce(DropReply& reply) {
  if (reply.failure) {
    append_frame_failure(reply.id, *reply.failure, reply.state);
    return Produced::all;
  }
  if (reply.commit_no > handler_.durable_commit()) return Produced::none;
  protocol::FrameBuilder frame(filling_.text(), form());
  protocol::append_report_dropped_reply(filling_.text(), reply.id, reply.before_seq);
  frame.finish();
  return Produced::all;
}

bool SessionState::is_awaited(DropReply const& drop) const noexcept {
  return !drop.failure && drop.commit_no > handler_.durable_commit();
}

bool SessionState::awaits_drop() const noexcept {
  return std::ranges::any_of(queue_, [this](PendingReply const& pending) {
    auto const* const drop = std::get_if<DropReply>(&pending);
    return drop != nullptr && is_awaited(*drop);
  });
}

/// Makes the next frame of a read, if anything was found for it.
SessionState::Produced SessionState::produce_entries(ReadReply& reply) {
  auto const step = reply.read.step(handler_.store(), protocol::read_frame_bytes, turn_);
  bool const more = step.status == RangeRead::Status::more;
  if (more && step.runs.empty()) return Produced::part;

  std::string& text = filling_.text();
  protocol::FrameBuilder frame(text, form());
  protocol::append_entries_start(text, reply.id);
  append_runs(frame, step.runs);
  handler_.metrics().entries_read += step.entries;
  if (more) {
    protocol::append_entries_more(text);
  } else if (step.status == RangeRead::Status::limited) {
    protocol::append_entries_end(text, reply.read.cursor());
  } else {
    protocol::append_entries_end(text, {});
  }
  frame.finish();
  return more ? Produced::part : Produced::all;
}

void SessionState::append_follow_frame(Follow const& follow, FollowRead::Step const& step) {
  std::string& text = filling_.text();
  protocol::FrameBuilder frame(text, form());
  protocol::append_entries_start(text, follow.id);
  append_runs(frame, step.runs);
  handler_.metrics().entries_tailed += step.entries;
  auto const seq = follow.read.seq();
  if (step.lost) {
    ++handler_.metrics().tails_lagged;
    protocol::append_follow_lagged(text, seq, *step.lost);
  } else if (step.caught_up) {
    protocol::append_follow_caught_up(text, seq);
  } else {
    protocol::append_follow_more(text, seq);
  }
  frame.finish();
}

void SessionState::end_follow(Follow const& follow) {
  protocol::FrameBuilder frame(filling_.text(), form());
  protocol::append_entries_start(filling_.text(), follow.id);
  protocol::append_follow_end(filling_.text(), follow.read.seq());
  frame.finish();
  follows_.remove(follow);
}

void SessionState::append_runs(protocol::FrameBuilder& frame, std::span<EntryRun const> runs) {
  std::string& text = filling_.text();
  bool first = true;
  for (auto const& run : runs) {
    if (!first) text += ',';
    first = false;
    if (run.text.size() <= copied_run_bytes_max) {
      turn_.pay_for_copy(run.text.size());
      text += run.text;
    } else {
      filling_.add_slice(*run.chunk, run.text);
      frame.add_external_bytes(run.text.size());
    }
  }
}

std::optional<Seq> SessionState::awaited_seq() const noexcept {
  for (auto const& pending : queue_) {
    auto const* const write = std::get_if<WriteReply>(&pending);
    if (write != nullptr && !write->failure && write->last_seq > handler_.store().visible_seq()) {
      return write->last_seq;
    }
  }
  return std::nullopt;
}

ReplyBatch& SessionState::begin_write() noexcept {
  BOOST_ASSERT(has_output() && sending_.empty());
  std::swap(filling_, sending_);
  return sending_;
}

void SessionState::end_write() {
  BOOST_ASSERT(sending_.empty());
  sending_.clear();
  if (std::exchange(output_full_, false)) awaits_turn_ = true;
}

bool SessionState::finished() const noexcept {
  return queue_.empty() && follows_.empty() && filling_.empty() && sending_.empty() &&
         !awaits_turn_ && (input_ended() || draining_);
}

}  // namespace stele::daemon
