#include "daemon/session/follow_set.hpp"

#include <algorithm>
#include <boost/assert.hpp>
#include <utility>

#include "daemon/request/reply_memory.hpp"
#include "protocol/text/error_text.hpp"

namespace stele::daemon {

using protocol::Detail;

namespace {

std::size_t held_bytes_of(Follow const& follow) noexcept {
  return sizeof(Follow) + follow.id.capacity() + (follow.read.has_filter() ? filter_bytes : 0);
}

}  // namespace

FollowSet::FollowSet(FollowSet&& other) noexcept
    : follows_(std::exchange(other.follows_, {})),
      held_bytes_(std::exchange(other.held_bytes_, 0)),
      follows_max_(other.follows_max_),
      open_(other.open_) {}

Result<void> FollowSet::add(Follow follow, Store const& store) {
  if (follows_.size() >= follows_max_) {
    return Failure(Error::overloaded,
                   "this connection follows " + std::to_string(follows_max_) +
                       " times already; cancel one, or use another connection",
                   Detail().number("tails_max", follows_max_).text());
  }
  BOOST_ASSERT(follow.id.empty() || find(follow.id) == nullptr);
  if (auto begun = follow.read.begin(store); !begun) return begun;
  follows_.push_back(std::move(follow));
  held_bytes_ += held_bytes_of(follows_.back());
  ++*open_;
  return {};
}

Follow* FollowSet::find(std::string_view id) noexcept {
  auto const found = std::ranges::find(follows_, id, &Follow::id);
  return found == follows_.end() ? nullptr : &*found;
}

void FollowSet::remove(Follow const& follow) {
  held_bytes_ -= held_bytes_of(follow);
  *open_ -= follows_.remove_if([&](Follow const& other) { return &other == &follow; });
}

void FollowSet::finish(Store const& store) noexcept {
  for (auto& follow : follows_) follow.read.finish(store);
}

Follow* FollowSet::next(Store const& store) {
  auto const found = std::ranges::find_if(
      follows_, [&](Follow const& follow) { return follow.read.has_news(store); });
  if (found == follows_.end()) return nullptr;
  // Who comes behind it has the next turn.
  follows_.splice(follows_.end(), follows_, follows_.begin(), std::next(found));
  return &follows_.back();
}

}  // namespace stele::daemon
