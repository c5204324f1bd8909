#include "daemon/store/time_index.hpp"

#include <boost/assert.hpp>

namespace stele::daemon {
namespace {

constexpr std::size_t leaf_keys_max = 512;
/// What a full leaf gives to a neighbour at a time.
constexpr std::size_t moved_keys = leaf_keys_max / 16;

/// What a node of the map costs besides the keys: three pointers and a colour, then the pair.
constexpr std::size_t leaf_overhead_bytes =
    4 * sizeof(void*) + sizeof(TimeKey) + sizeof(std::vector<TimeKey>) + sizeof(std::uint64_t);

}  // namespace

void TimeIndex::Leaf::assign(Keys from) {
  keys.assign(from.begin(), from.end());
  find_seq_min();
}

void TimeIndex::Leaf::find_seq_min() noexcept {
  seq_min = std::numeric_limits<std::uint64_t>::max();
  for (TimeKey const key : keys) seq_min = std::min(seq_min, key.seq);
}

TimeIndex::TimeIndex() { add_leaf(leaves_.end(), time_key_min); }

TimeIndex::Leaf& TimeIndex::add_leaf(Leaves::iterator before, TimeKey bound) {
  Leaf& leaf = leaves_.emplace_hint(before, bound, Leaf{})->second;
  leaf.keys.reserve(leaf_keys_max);
  return leaf;
}

/// Lays the keys of neighbouring leaves out again: this many in the first leaf, the others evenly
/// in `others` more.
void TimeIndex::spread(Leaves::iterator first, Leaves::iterator end, std::size_t first_keys,
                       std::size_t others) {
  std::vector<TimeKey> keys;
  for (auto leaf = first; leaf != end; ++leaf) {
    keys.insert(keys.end(), leaf->second.keys.begin(), leaf->second.keys.end());
  }
  leaves_.erase(std::next(first), end);
  first->second.assign(Keys(keys).first(first_keys));
  for (Keys rest = Keys(keys).subspan(first_keys); others > 0; --others) {
    auto const share = rest.first(rest.size() / others);
    add_leaf(end, share.front()).assign(share);
    rest = rest.subspan(share.size());
  }
}

/// Makes room for `key`, which belongs into `full`; afterwards another leaf may take it. A leaf
/// with room gets a few keys and no more: the one that gives them may not be written to again.
void TimeIndex::make_room(Leaves::iterator full, TimeKey key) {
  auto const next = std::next(full);
  bool const is_first = full == leaves_.begin();
  bool const is_last = next == leaves_.end();
  // In-order arrival: leave this leaf full.
  if (is_last && full->second.keys.back() < key) {
    add_leaf(next, key);
    return;
  }
  if (is_first && is_last) return spread(full, next, leaf_keys_max / 2, 1);
  auto const prev = is_first ? full : std::prev(full);
  auto const keys_of = [](Leaves::iterator leaf) { return leaf->second.keys.size(); };
  if (!is_last && keys_of(next) + moved_keys <= leaf_keys_max) {
    return spread(full, std::next(next), leaf_keys_max - moved_keys, 1);
  }
  if (!is_first && keys_of(prev) + moved_keys <= leaf_keys_max) {
    return spread(prev, next, keys_of(prev) + moved_keys, 1);
  }
  auto const first = is_last ? prev : full;
  auto const end = is_last ? next : std::next(next);
  spread(first, end, (keys_of(first) + keys_of(std::next(first))) / 3, 2);
}

TimeIndex::Leaves::iterator TimeIndex::leaf_of(TimeKey key) {
  return std::prev(key < leaves_.rbegin()->first ? leaves_.upper_bound(key) : leaves_.end());
}

void TimeIndex::insert(TimeKey key) {
  auto found = leaf_of(key);
  if (found->second.keys.size() == leaf_keys_max) {
    make_room(found, key);
    found = leaf_of(key);
  }
  auto& [keys, seq_min] = found->second;
  if (keys.empty() || keys.back() < key) {
    keys.push_back(key);
  } else {
    auto const place = std::lower_bound(keys.begin(), keys.end(), key);
    BOOST_ASSERT(*place != key);
    keys.insert(place, key);
  }
  seq_min = std::min(seq_min, key.seq);
  ++size_;
}

std::size_t TimeIndex::remove_up_to(std::uint64_t seq) {
  std::size_t const size_before = size_;
  for (auto leaf = leaves_.begin(); leaf != leaves_.end();) {
    if (leaf->second.seq_min > seq) {
      ++leaf;
      continue;
    }
    auto& keys = leaf->second.keys;
    size_ -= std::erase_if(keys, [seq](TimeKey key) { return key.seq <= seq; });
    leaf->second.find_seq_min();
    leaf = leaf == leaves_.begin() ? std::next(leaf) : join(leaf);
  }
  return size_before - size_;
}

/// Moves the keys of a leaf to the one before it, if they fit; returns the leaf behind it.
TimeIndex::Leaves::iterator TimeIndex::join(Leaves::iterator leaf) {
  auto& from = leaf->second;
  auto& into = std::prev(leaf)->second;
  if (into.keys.size() + from.keys.size() > leaf_keys_max) return std::next(leaf);
  into.keys.insert(into.keys.end(), from.keys.begin(), from.keys.end());
  into.seq_min = std::min(into.seq_min, from.seq_min);
  return leaves_.erase(leaf);
}

std::size_t TimeIndex::bytes() const noexcept {
  return leaves_.size() * (leaf_keys_max * sizeof(TimeKey) + leaf_overhead_bytes);
}

TimeKey TimeIndex::first() const noexcept {
  BOOST_ASSERT(size_ > 0);
  TimeKey found;
  ascend(time_key_min, [&found](Keys keys) {
    found = keys.front();
    return false;
  });
  return found;
}

TimeKey TimeIndex::last() const noexcept {
  BOOST_ASSERT(size_ > 0);
  TimeKey found;
  descend(time_key_max, [&found](Keys keys) {
    found = keys.back();
    return false;
  });
  return found;
}

}  // namespace stele::daemon
