#include "daemon/store/time_index.hpp"

#include <boost/assert.hpp>
#include <utility>

namespace stele::daemon {
namespace {

/// Entries that come late go into leaves that are still open, as long as no more than this many
/// others were begun since.
constexpr std::size_t open_leaves_max = 32;
/// What a node of the map costs besides the pair: three pointers and a colour; and what an
/// allocation does.
constexpr std::size_t node_overhead_bytes = 4 * sizeof(void*);
constexpr std::size_t allocation_overhead_bytes = 16;

}  // namespace

/// Precondition: it is open.
void TimeIndex::Leaf::assign(Keys from) {
  keys.assign(from.begin(), from.end());
  seq_min = std::numeric_limits<std::uint64_t>::max();
  seq_max = 0;
  for (TimeKey const key : keys) {
    seq_min = std::min(seq_min, key.seq);
    seq_max = std::max(seq_max, key.seq);
  }
}

TimeIndex::TimeIndex() { add_leaf(leaves_.end(), time_key_min); }

TimeIndex::Leaf& TimeIndex::add_leaf(Leaves::iterator before, TimeKey bound) {
  Leaf& leaf = leaves_.emplace_hint(before, bound, Leaf{})->second;
  leaf.keys.reserve(leaf_keys_max);
  note_open(bound);
  return leaf;
}

void TimeIndex::open(Leaves::iterator leaf) {
  if (!leaf->second.is_packed()) return;
  LeafBuffer buffer;
  auto const keys = leaf->second.view(buffer);
  leaf->second.keys.reserve(leaf_keys_max);
  leaf->second.keys.assign(keys.begin(), keys.end());
  --packed_leaves_;
  packed_bytes_ -= leaf->second.packed.bytes();
  leaf->second.packed = {};
  note_open(leaf->first);
}

void TimeIndex::pack(Leaf& leaf) {
  if (leaf.is_packed() || leaf.keys.empty()) return;
  leaf.packed = PackedKeys(leaf.keys);
  leaf.keys = {};
  ++packed_leaves_;
  packed_bytes_ += leaf.packed.bytes();
}

/// Packs the one that became so longest ago, if they are too many.
void TimeIndex::note_open(TimeKey bound) {
  open_.push_back(bound);
  if (open_.size() <= open_leaves_max) return;
  auto const oldest = leaves_.find(open_.front());
  open_.pop_front();
  if (oldest == leaves_.end()) return;
  if (std::next(oldest) == leaves_.end()) {
    open_.push_back(oldest->first);
  } else if (oldest->first != bound) {
    pack(oldest->second);
  }
}

/// Lays the keys of neighbouring leaves out again: this many in the first leaf, the others evenly
/// in `others` more.
void TimeIndex::spread(Leaves::iterator first, Leaves::iterator end, std::size_t first_keys,
                       std::size_t others) {
  std::vector<TimeKey> keys;
  for (auto leaf = first; leaf != end; ++leaf) {
    LeafBuffer buffer;
    auto const of_leaf = leaf->second.view(buffer);
    keys.insert(keys.end(), of_leaf.begin(), of_leaf.end());
  }
  while (std::next(first) != end) erase(std::next(first));
  open(first);
  first->second.assign(Keys(keys).first(first_keys));
  for (Keys rest = Keys(keys).subspan(first_keys); others > 0; --others) {
    auto const share = rest.first(rest.size() / others);
    add_leaf(end, share.front()).assign(share);
    rest = rest.subspan(share.size());
  }
}

TimeIndex::Leaves::iterator TimeIndex::erase(Leaves::iterator leaf) {
  replace(leaf, {});
  return leaves_.erase(leaf);
}

/// Gives the leaf other keys; it stays packed if it is and has some.
void TimeIndex::replace(Leaves::iterator leaf, Keys keys) {
  if (!leaf->second.is_packed()) return leaf->second.assign(keys);
  --packed_leaves_;
  packed_bytes_ -= leaf->second.packed.bytes();
  leaf->second.packed = {};
  leaf->second.assign(keys);
  pack(leaf->second);
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
  auto const keys_of = [](Leaves::iterator leaf) { return leaf->second.size(); };
  if (!is_last && keys_of(next) + moved_keys < leaf_keys_max) {
    return spread(full, std::next(next), leaf_keys_max - moved_keys, 1);
  }
  if (!is_first && keys_of(prev) + moved_keys < leaf_keys_max) {
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
  open(found);
  if (found->second.keys.size() == leaf_keys_max) {
    make_room(found, key);
    found = leaf_of(key);
    open(found);
  }
  auto& leaf = found->second;
  if (leaf.keys.empty() || leaf.keys.back() < key) {
    leaf.keys.push_back(key);
  } else {
    auto const place = std::lower_bound(leaf.keys.begin(), leaf.keys.end(), key);
    BOOST_ASSERT(*place != key);
    leaf.keys.insert(place, key);
  }
  leaf.seq_min = std::min(leaf.seq_min, key.seq);
  leaf.seq_max = std::max(leaf.seq_max, key.seq);
  ++size_;
}

void TimeIndex::insert(std::span<TimeKey const> keys) {
  if (keys.empty()) return;
  if (size_ > 0 && keys.front() < last()) {
    for (TimeKey const key : keys) insert(key);
    return;
  }
  auto const newest = std::prev(leaves_.end());
  open(newest);
  auto const room = std::min(keys.size(), leaf_keys_max - newest->second.keys.size());
  append_to(newest->second, keys.first(room));
  for (keys = keys.subspan(room); keys.size() >= leaf_keys_max;
       keys = keys.subspan(leaf_keys_max)) {
    add_packed_leaf(keys.first(leaf_keys_max));
  }
  if (!keys.empty()) append_to(add_leaf(leaves_.end(), keys.front()), keys);
}

/// Precondition: it is open and has room, and they are above all of its keys.
void TimeIndex::append_to(Leaf& leaf, Keys keys) {
  leaf.keys.insert(leaf.keys.end(), keys.begin(), keys.end());
  for (TimeKey const key : keys) {
    leaf.seq_min = std::min(leaf.seq_min, key.seq);
    leaf.seq_max = std::max(leaf.seq_max, key.seq);
  }
  size_ += keys.size();
}

/// Behind all others.
void TimeIndex::add_packed_leaf(Keys keys) {
  auto& leaf = leaves_.emplace_hint(leaves_.end(), keys.front(), Leaf{})->second;
  leaf.packed = PackedKeys(keys);
  for (TimeKey const key : keys) {
    leaf.seq_min = std::min(leaf.seq_min, key.seq);
    leaf.seq_max = std::max(leaf.seq_max, key.seq);
  }
  ++packed_leaves_;
  packed_bytes_ += leaf.packed.bytes();
  size_ += keys.size();
}

std::size_t TimeIndex::remove_up_to(std::uint64_t seq) {
  std::size_t const size_before = size_;
  for (auto leaf = leaves_.begin(); leaf != leaves_.end();) {
    if (leaf->second.seq_min > seq) {
      ++leaf;
      continue;
    }
    size_ -= leaf->second.size();
    std::vector<TimeKey> left;
    if (leaf->second.seq_max > seq) {
      LeafBuffer buffer;
      std::ranges::copy_if(leaf->second.view(buffer), std::back_inserter(left),
                           [seq](TimeKey key) { return key.seq > seq; });
    }
    bool const was_packed = leaf->second.is_packed();
    replace(leaf, left);
    if (was_packed && left.empty()) note_open(leaf->first);
    size_ += left.size();
    leaf = leaf == leaves_.begin() ? std::next(leaf) : join(leaf);
  }
  return size_before - size_;
}

/// Moves the keys of a leaf to the one before it, if they fit; returns the leaf behind it.
TimeIndex::Leaves::iterator TimeIndex::join(Leaves::iterator leaf) {
  auto const into = std::prev(leaf);
  if (into->second.size() + leaf->second.size() > leaf_keys_max) return std::next(leaf);
  if (leaf->second.size() > 0) {
    LeafBuffer buffer;
    auto const before = into->second.view(buffer);
    std::vector<TimeKey> keys(before.begin(), before.end());
    auto const behind = leaf->second.view(buffer);
    keys.insert(keys.end(), behind.begin(), behind.end());
    replace(into, keys);
  }
  return erase(leaf);
}

std::size_t TimeIndex::bytes() const noexcept {
  return (leaves_.size() - packed_leaves_) * leaf_keys_max * sizeof(TimeKey) +
         leaves_.size() * (sizeof(Leaves::value_type) + node_overhead_bytes) +
         packed_leaves_ * allocation_overhead_bytes + packed_bytes_;
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
