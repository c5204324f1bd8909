#include "daemon/time_index.hpp"

#include <boost/assert.hpp>

namespace stele::daemon {
namespace {

constexpr std::size_t leaf_keys_max = 512;

/// What a node of the map costs besides the keys: three pointers and a colour, then the pair.
constexpr std::size_t leaf_overhead_bytes =
    4 * sizeof(void*) + sizeof(TimeKey) + sizeof(std::vector<TimeKey>) + sizeof(std::uint64_t);

}  // namespace

TimeIndex::TimeIndex() { add_leaf(leaves_.end(), time_key_min); }

TimeIndex::Leaf& TimeIndex::add_leaf(Leaves::iterator before, TimeKey bound) {
  Leaf& leaf = leaves_.emplace_hint(before, bound, Leaf{})->second;
  leaf.keys.reserve(leaf_keys_max);
  return leaf;
}

/// Makes room for `key`, which belongs into `full`; returns the leaf that takes it.
TimeIndex::Leaf& TimeIndex::split(Leaves::iterator full, TimeKey key) {
  auto& keys = full->second.keys;
  auto const next = std::next(full);
  // In-order arrival: leave this leaf full.
  if (next == leaves_.end() && keys.back() < key) return add_leaf(next, key);

  auto const middle = keys.begin() + leaf_keys_max / 2;
  Leaf& upper = add_leaf(next, *middle);
  upper.keys.assign(middle, keys.end());
  keys.erase(middle, keys.end());
  for (Leaf* leaf : {&full->second, &upper}) {
    auto const least = std::min_element(leaf->keys.begin(), leaf->keys.end(),
                                        [](auto a, auto b) { return a.seq < b.seq; });
    leaf->seq_min = least->seq;
  }
  return key < upper.keys.front() ? full->second : upper;
}

void TimeIndex::insert(TimeKey key) {
  auto const found =
      std::prev(key < leaves_.rbegin()->first ? leaves_.upper_bound(key) : leaves_.end());
  Leaf* leaf = &found->second;
  if (leaf->keys.size() == leaf_keys_max) leaf = &split(found, key);
  if (leaf->keys.empty() || leaf->keys.back() < key) {
    leaf->keys.push_back(key);
  } else {
    auto const place = std::lower_bound(leaf->keys.begin(), leaf->keys.end(), key);
    BOOST_ASSERT(*place != key);
    leaf->keys.insert(place, key);
  }
  leaf->seq_min = std::min(leaf->seq_min, key.seq);
  ++size_;
}

std::size_t TimeIndex::remove_up_to(std::uint64_t seq) {
  std::size_t const size_before = size_;
  for (auto leaf = leaves_.begin(); leaf != leaves_.end();) {
    auto& [keys, seq_min] = leaf->second;
    if (seq_min > seq) {
      ++leaf;
      continue;
    }
    size_ -= std::erase_if(keys, [seq](TimeKey key) { return key.seq <= seq; });
    seq_min = std::numeric_limits<std::uint64_t>::max();
    for (TimeKey const key : keys) seq_min = std::min(seq_min, key.seq);
    bool const keeps_its_place = !keys.empty() || leaf == leaves_.begin();
    leaf = keeps_its_place ? std::next(leaf) : leaves_.erase(leaf);
  }
  return size_before - size_;
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
