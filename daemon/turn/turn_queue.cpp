#include "daemon/turn/turn_queue.hpp"

#include <algorithm>
#include <boost/assert.hpp>

namespace stele::daemon {
namespace {

/// What a connection is taken to have had before: who connects again each time gains little.
constexpr std::uint64_t had_at_first = 5'000;

}  // namespace

TurnQueue::Member::Member(TurnQueue& queue, std::uint32_t uid) : user_(queue.user_of(uid)) {
  ++user_.members;
  had_ = user_.level + had_at_first;
}

TurnQueue::Member::~Member() {
  unlink();
  if (user_.waiting.empty()) user_.unlink();
  --user_.members;
}

/// Those who are gone are remembered until all others have had as much.
TurnQueue::User& TurnQueue::user_of(std::uint32_t uid) {
  std::erase_if(of_uid_, [this](auto const& pair) {
    return pair.second.members == 0 && pair.second.had_ <= level_;
  });
  auto const [found, is_new] = of_uid_.try_emplace(uid);
  if (is_new) found->second.had_ = level_;
  return found->second;
}

void TurnQueue::push(Member& member) noexcept {
  if (member.is_linked()) return;
  auto& user = member.user_;
  member.had_ = caught_up(member.had_, user.level);
  user.waiting.insert(member);
  if (user.is_linked()) return;
  user.had_ = caught_up(user.had_, level_);
  users_.insert(user);
}

TurnQueue::Member& TurnQueue::pop() noexcept {
  BOOST_ASSERT(!empty());
  auto& user = *users_.begin();
  auto& member = *user.waiting.begin();
  user.waiting.erase(user.waiting.begin());
  if (user.waiting.empty()) users_.erase(users_.begin());
  return member;
}

void TurnQueue::pay(Member& member, std::size_t visits) noexcept {
  auto& user = member.user_;
  bool const is_queued = member.is_linked();
  bool const is_users_queued = user.is_linked();
  if (is_queued) user.waiting.erase(user.waiting.iterator_to(member));
  if (is_users_queued) users_.erase(users_.iterator_to(user));

  // What it had before is the level that is being served.
  member.had_ = caught_up(member.had_, user.level);
  user.level = std::max(user.level, member.had_);
  user.had_ = caught_up(user.had_, level_);
  level_ = std::max(level_, user.had_);
  member.had_ += visits;
  user.had_ += visits;

  if (is_queued) user.waiting.insert(member);
  if (is_users_queued) users_.insert(user);
}

}  // namespace stele::daemon
