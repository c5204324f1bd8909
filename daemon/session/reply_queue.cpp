#include "daemon/session/reply_queue.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "daemon/request/reply_memory.hpp"

namespace stele::daemon {
namespace {

using protocol::WriteState;

bool is_of_log(PendingReply const& reply) noexcept {
  return std::holds_alternative<WriteReply>(reply) || std::holds_alternative<DropReply>(reply);
}

bool is_awaited(WriteReply const& write, Seq visible_seq) noexcept {
  return !write.failure && write.last_seq > visible_seq;
}

bool is_awaited(DropReply const& drop, std::uint64_t durable_commit) noexcept {
  return !drop.failure && drop.commit_no > durable_commit;
}

std::size_t text_bytes_of(PendingReply const& reply) noexcept {
  auto const* const ready = std::get_if<ReadyReply>(&reply);
  return ready == nullptr ? 0 : ready->text.size();
}

template <class Reply>
void settle(Reply& reply, Failure failure, WriteState state) {
  reply.failure = std::move(failure);
  reply.state = state;
}

}  // namespace

void ReplyQueue::push(PendingReply reply) {
  text_bytes_ += text_bytes_of(reply);
  log_replies_ += is_of_log(reply) ? 1 : 0;
  follows_ += std::holds_alternative<FollowReply>(reply) ? 1 : 0;
  held_.push_back(daemon::held_bytes(reply));
  held_bytes_ += held_.back();
  replies_.push_back(std::move(reply));
}

void ReplyQueue::pop_front() noexcept {
  auto const& reply = replies_.front();
  text_bytes_ -= text_bytes_of(reply);
  log_replies_ -= is_of_log(reply) ? 1 : 0;
  follows_ -= std::holds_alternative<FollowReply>(reply) ? 1 : 0;
  held_bytes_ -= held_.front();
  held_.pop_front();
  replies_.pop_front();
}

/// The first may be at work: a count fills its buckets.
std::size_t ReplyQueue::held_bytes() const noexcept {
  if (replies_.empty()) return 0;
  auto const* const count = std::get_if<CountReply>(&replies_.front());
  return held_bytes_ + (count == nullptr ? 0 : count->count.bucket_bytes());
}

void ReplyQueue::refuse_from(Seq first, std::uint64_t durable_commit) {
  for (auto& reply : replies_) {
    if (auto* const drop = std::get_if<DropReply>(&reply)) {
      if (!is_awaited(*drop, durable_commit)) continue;
      settle(*drop, no_space_failure(), WriteState::not_written);
    } else if (auto* const write = std::get_if<WriteReply>(&reply)) {
      if (write->failure || write->first_seq < first) continue;
      settle(*write, no_space_failure(), WriteState::not_written);
    }
  }
}

void ReplyQueue::fail(Seq visible_seq, std::uint64_t durable_commit) {
  for (auto& reply : replies_) {
    if (auto* const drop = std::get_if<DropReply>(&reply)) {
      if (!is_awaited(*drop, durable_commit)) continue;
      settle(*drop, log_failed_failure(), WriteState::unknown);
    } else if (auto* const write = std::get_if<WriteReply>(&reply)) {
      if (!is_awaited(*write, visible_seq)) continue;
      settle(*write, log_failed_failure(), WriteState::unknown);
    }
  }
}

std::optional<Seq> ReplyQueue::awaited_seq(Seq visible_seq) const noexcept {
  if (log_replies_ == 0) return std::nullopt;
  for (auto const& reply : replies_) {
    auto const* const write = std::get_if<WriteReply>(&reply);
    if (write != nullptr && is_awaited(*write, visible_seq)) return write->last_seq;
  }
  return std::nullopt;
}

bool ReplyQueue::awaits_drop(std::uint64_t durable_commit) const noexcept {
  if (log_replies_ == 0) return false;
  return std::ranges::any_of(replies_, [&](PendingReply const& reply) {
    auto const* const drop = std::get_if<DropReply>(&reply);
    return drop != nullptr && is_awaited(*drop, durable_commit);
  });
}

bool ReplyQueue::cancel(std::string_view target) noexcept {
  bool found = false;
  for (auto& reply : replies_) {
    if (auto* const read = std::get_if<ReadReply>(&reply); read && read->id == target) {
      found = read->cancelled = true;
    }
    if (auto* const follow = std::get_if<FollowReply>(&reply); follow && follow->id == target) {
      found = follow->cancelled = true;
    }
  }
  return found;
}

bool ReplyQueue::has_follow(std::string_view id) const noexcept {
  if (follows_ == 0) return false;
  return std::ranges::any_of(replies_, [&](PendingReply const& reply) {
    auto const* const follow = std::get_if<FollowReply>(&reply);
    return follow != nullptr && !follow->cancelled && follow->id == id;
  });
}

bool ReplyQueue::read_is_under_way() const noexcept {
  if (replies_.empty()) return false;
  auto const* const read = std::get_if<ReadReply>(&replies_.front());
  return read != nullptr && read->begun;
}

bool ReplyQueue::may_be_overtaken_by(std::string_view id) const noexcept {
  if (id.empty() || !read_is_under_way()) return false;
  return std::ranges::all_of(replies_, [&](PendingReply const& reply) {
    auto const* const read = std::get_if<ReadReply>(&reply);
    return read != nullptr && !read->id.empty() && read->id != id;
  });
}

}  // namespace stele::daemon
