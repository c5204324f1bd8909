#include "daemon/session/session_state.hpp"

#include <algorithm>
#include <boost/assert.hpp>
#include <utility>
#include <variant>

#include "daemon/request/encoded_batch.hpp"
#include "protocol/limits.hpp"
#include "protocol/reply/reply.hpp"

namespace stele::daemon {
namespace {

/// The first read of a connection asks for this much, so that an idle one costs little; each read
/// that fills its buffer doubles the next, up to what a socket buffer holds.
constexpr std::size_t read_bytes_min = std::size_t{16} << 10;

/// What each connection may add to a commit, however much has gathered.
constexpr std::size_t share_bytes = std::size_t{16} << 10;
/// Bytes of replies that are made while a read goes on before them.
constexpr std::size_t ahead_bytes_max = std::size_t{64} << 10;

}  // namespace

SessionState::SessionState(RequestHandler& handler, Origin const& origin,
                           SessionLimits const& limits, Access access)
    : handler_(handler),
      peer_{.origin = origin, .access = access},
      limits_(limits),
      reader_(limits.frame_bytes_max, protocol::FrameReader::kept_bytes_default,
              &handler.memory().spare_buffers()),
      read_bytes_(read_bytes_min),
      follows_(limits.follows_max, handler.metrics().tails_open),
      patience_(limits.time, handler.clock()),
      reader_patience_(limits.time),
      memory_(handler.memory(), origin.uid) {
  patience_.note(awaited_of_client(), false);
}

protocol::FrameForm SessionState::form() const noexcept {
  return reader_.form().value_or(protocol::FrameForm::binary);
}

void SessionState::on_received(std::size_t bytes) {
  if (bytes == read_bytes_) read_bytes_ = std::min(2 * read_bytes_, read_bytes_max);
  received_ = true;
  reader_.commit(bytes);
}

void SessionState::on_input_end() noexcept {
  client_ended_ = true;
  reader_.finish();
}

void SessionState::on_refused(Seq first) { queue_.refuse_from(first, handler_.durable_commit()); }

void SessionState::on_log_failed() {
  queue_.fail(handler_.store().visible_seq(), handler_.durable_commit());
}

void SessionState::advance(TurnBudget const& budget) {
  flow_.awaits_turn = flow_.awaits_memory = false;
  turn_ = budget;
  taking_ = TurnBudget(budget.visits_max() / 2);
  was_asked_ = false;
  bool const follows_first = std::exchange(follows_first_, !follows_first_);
  bool progress = true;
  while (progress) {
    progress = follows_first && produce_follows();
    progress = produce_replies() || progress;
    progress = handle_messages() || progress;
    progress = produce_follows() || progress;
  }
  flow_.awaits_reader = unsent_bytes() >= limits_.unsent_bytes_max || flow_.awaits_memory;
  settle_memory();
  patience_.note(awaited_of_client(), was_asked_);
}

bool SessionState::is_over_commit_quota() const noexcept {
  if (handler_.is_over_commit_quota(uid())) return true;
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
  bool const turn_is_over = taking_.is_spent();
  if (turn_is_over) flow_.awaits_turn = true;
  // What is being parsed keeps others from it: nothing else holds it up.
  if (large_) return !turn_is_over;
  flow_.awaits_log_capacity = handler_.overloaded() || is_over_commit_quota();
  flow_.holds_messages = turn_is_over || flow_.awaits_log_capacity ||
                         queue_.size() >= limits_.unanswered_max || has_too_many_numbered() ||
                         has_enough_replies() || !may_queue();
  return !flow_.holds_messages;
}

/// Behind a read that goes on, requests are heard also while the client takes no more of it: one of
/// them may be its cancel.
bool SessionState::has_enough_replies() const noexcept {
  bool const read_goes_on = queue_.read_is_under_way() || !follows_.empty();
  if (read_goes_on) return queue_.text_bytes() + overtaking_bytes_ >= ahead_bytes_max;
  return unsent_bytes() + queue_.text_bytes() >= limits_.unsent_bytes_max;
}

bool SessionState::handle_messages() {
  bool progress = false;
  flow_.awaits_log_capacity = false;
  while (!input_ended() && may_handle()) {
    if (large_) {
      if (!take_large_message()) break;
      progress = true;
      continue;
    }
    using Status = protocol::FrameReader::Status;
    auto const next = reader_.next();
    if (next.status == Status::need_more) break;
    progress = true;
    taking_.pay_for_message();
    if (next.status == Status::message) {
      asked_ = was_asked_ = true;
      take_message(next.message);
    } else if (next.status == Status::end) {
      end_seen_ = true;
    } else if (next.status == Status::failed) {
      input_failed_ = true;
      ReadyReply reply;
      handler_.append_failure(reply.text, {}, next.failure);
      queue_.push(std::move(reply));
    }
  }
  return progress;
}

void SessionState::take_message(std::string_view message) {
  if (message.size() >= LargeRequests::large_bytes_min) {
    if (form() == protocol::FrameForm::binary || protocol::RequestParser::is_json(message)) {
      large_ = std::make_unique<LargeRequests::Ticket>(handler_.large_requests(), uid(), message,
                                                       parser_waiter_);
      return;
    }
    message = message.substr(0, LargeRequests::large_bytes_min);  // No word is so long.
  }
  auto request = handler_.parse(message, form());
  taking_.pay_for_parsing(message.size(), request.is_plain);
  answer(request, message.size());
}

/// Whether it came further: it may wait for the parser, and then for the disk, so that what others
/// write next does not wait behind many such requests; and for a turn of its own, so that all hear
/// of a commit before somebody has a large write taken.
bool SessionState::take_large_message() {
  if (!large_->has_parser()) return false;
  if (!taking_.is_turn()) {
    flow_.awaits_turn = true;
    return false;
  }
  auto& request = large_->request;
  if (!request) {
    auto& parser = large_->parser();
    bool const is_plain = parser.is_plain();
    taking_.pay_for_parsing(parser.read(taking_.bytes_to_parse(is_plain)), is_plain);
    request = parser.finish();
    if (!request) return true;
  }
  auto const* const write =
      request->request ? std::get_if<protocol::Write>(&*request->request) : nullptr;
  if (write != nullptr) {
    if (!prepare_large(*write)) return true;
    if (!handler_.has_room_for_large(uid(), large_->payload_bytes)) {
      flow_.awaits_log_capacity = true;
      return false;
    }
    handler_.use_next(large_->memory.take());
    handler_.use_next(std::move(large_->encoded));
  }
  answer(*request, large_->bytes());
  handler_.use_next(ChunkMemory());
  handler_.use_next(EncodedBatch());
  large_.reset();
  was_asked_ = true;
  return true;
}

/// A part of what comes before its entries get their seqs: of huge ones the text is made, others
/// get memory. Whether all of it is done.
bool SessionState::prepare_large(protocol::Write const& write) {
  auto& large = *large_;
  if (large.payload_bytes == 0) {
    large.payload_bytes = payload_bytes_max(write);
    if (large.payload_bytes >= LargeRequests::huge_bytes_min) {
      large.encoded = handler_.begin_batch(write, large.payload_bytes, peer_.origin);
    } else {
      large.memory = handler_.memory_for(write, large.payload_bytes);
    }
  }
  if (!large.encoded.is_complete()) {
    large.encoded.encode(write.entries, taking_);
    return false;
  }
  if (large.memory.is_ready()) return true;
  taking_.pay_for_pages(large.memory.prepare(taking_.pages_to_prepare()));
  return false;
}

void SessionState::answer(protocol::ParsedRequest& request, std::size_t message_bytes) {
  if (is_taken(request)) handler_.refuse_id(request);
  if (!request.request) taking_.pay_for_refusal();
  auto reply = handler_.answer(request, peer_);
  if (auto* const cancel = std::get_if<CancelReply>(&reply)) cancel->found = end_read(*cancel);
  pay_for(reply, message_bytes);
  auto const* const ready = std::get_if<ReadyReply>(&reply);
  if (ready != nullptr && ready->may_overtake && queue_.may_be_overtaken_by(request.id)) {
    overtaking_bytes_ += ready->text.size();
    append_frame(ready->text);
  } else {
    queue_.push(std::move(reply));
  }
}

void SessionState::pay_for(PendingReply const& reply, std::size_t message_bytes) {
  if (auto const* const write = std::get_if<WriteReply>(&reply)) {
    add_to_share(message_bytes);
    numbered_queued_ += write->numbered ? 1 : 0;
    taking_.pay_for_writing(write->last_seq - write->first_seq + 1, message_bytes);
  } else if (auto const* const ready = std::get_if<ReadyReply>(&reply)) {
    taking_.pay_for_text(ready->text.size());
  } else if (std::holds_alternative<CancelReply>(reply)) {
    taking_.pay(queue_.size());  // All are looked at.
  }
}

/// The frames of a follow come between those of other replies, so its id is its own. A cancel may
/// have the id that it ends.
bool SessionState::is_taken(protocol::ParsedRequest const& request) noexcept {
  if (request.id.empty()) return false;
  if (follows_.find(request.id) == nullptr && !queue_.has_follow(request.id)) return false;
  if (!request.request) return true;
  auto const* const cancel = std::get_if<protocol::Cancel>(&*request.request);
  return cancel == nullptr || cancel->target != request.id;
}

/// At once, whatever is on its way: a cancel does not wait for what it ends.
bool SessionState::end_read(CancelReply const& cancel) {
  bool const is_queued = queue_.cancel(cancel.target);
  auto const* const follow = follows_.find(cancel.target);
  if (follow == nullptr) return is_queued;
  end_follow(*follow);
  return true;
}

/// A frame of each follow that has something to send, in turn, as long as there is room.
bool SessionState::produce_follows() {
  if (follows_.empty()) return false;
  auto const& store = handler_.store();
  if (input_ended() || drained_) follows_.finish(store);
  bool progress = false;
  while (unsent_bytes() < limits_.unsent_bytes_max) {
    auto* const follow = follows_.next(store);
    if (follow == nullptr) break;
    if (turn_.is_spent()) {
      flow_.awaits_turn = true;
      break;
    }
    if (!memory_.has_unsent_room(held_bytes())) {
      flow_.awaits_memory = true;
      break;
    }
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
    if (turn_.is_spent()) {
      flow_.awaits_turn = true;
      break;
    }
    if (!has_room_for(queue_.front())) break;
    auto const produced =
        std::visit([this](auto& reply) { return produce(reply); }, queue_.front());
    if (produced == Produced::none) break;
    if (produced == Produced::all) queue_.pop_front();
    progress = true;
  }
  return progress;
}

std::optional<Seq> SessionState::awaited_seq() const noexcept {
  return queue_.awaited_seq(handler_.store().visible_seq());
}

bool SessionState::awaits_drop() const noexcept {
  return queue_.awaits_drop(handler_.durable_commit());
}

ReplyBatch& SessionState::begin_write() noexcept {
  BOOST_ASSERT(has_output() && sending_.empty());
  filling_.swap(sending_);
  numbered_sending_ = std::exchange(numbered_filling_, 0);
  return sending_;
}

void SessionState::end_write() {
  BOOST_ASSERT(sending_.empty());
  sending_.clear();
  memory_.settle_unsent(held_bytes());
  overtaking_bytes_ = 0;
  bool const had_too_many = has_too_many_numbered();
  numbered_sending_ = 0;
  if (std::exchange(flow_.awaits_reader, false) || had_too_many) flow_.awaits_turn = true;
}

bool SessionState::finished() const noexcept {
  return queue_.empty() && follows_.empty() && filling_.empty() && sending_.empty() && !large_ &&
         !flow_.awaits_turn && (input_ended() || drained_);
}

}  // namespace stele::daemon
