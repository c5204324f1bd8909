// The order in which entries are read: by (timestamp, seq). Keys only; the store knows the bytes.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <limits>
#include <map>
#include <span>
#include <vector>

#include "daemon/store/packed_keys.hpp"

namespace stele::daemon {

/// A two-level B-tree: sorted leaves of up to 512 keys, in a map by their lower bound.
///
///   map   0 ───────► [ k k k k ]
///         bound ───► [ k k k k k k k ]     every key of a leaf is at or above its bound,
///         bound ───► [ k k ]               and below the bound of the next leaf
///
/// Leaves are full if keys arrive in order. A full leaf shares its keys with a neighbour, and only
/// two full ones become three, so that whatever the order is, leaves are five eighths full or more.
/// The first leaf, with bound 0, is always there and may be empty.
///
/// Keys are 16 bytes in the last leaf and in those that were written to lately, a bounded number;
/// all others are packed: two to four bytes a key where entries arrive as time passes.
class TimeIndex {
 public:
  TimeIndex();

  /// Amortised O(1) for a key above all others, else O(log n). No key may be inserted twice.
  void insert(TimeKey key);
  /// The same for many that rise: much faster if they are above all others.
  void insert(std::span<TimeKey const> keys);
  /// Removes every key with seq <= `seq`; returns how many. Leaves that hold none are not touched.
  std::size_t remove_up_to(std::uint64_t seq);

  std::size_t size() const noexcept { return size_; }
  /// Bytes that the index occupies.
  std::size_t bytes() const noexcept;
  /// Precondition: size() > 0.
  TimeKey first() const noexcept;
  TimeKey last() const noexcept;

  using Keys = std::span<TimeKey const>;
  /// Calls visit(keys) for the keys at or above `from`, rising, many at a time, while it returns
  /// true. No call is without keys.
  template <class Visit>
  void ascend(TimeKey from, Visit&& visit) const;
  /// Keys that lie together.
  struct Stretch {
    TimeKey first{};
    TimeKey last{};
    std::size_t count = 0;
    std::uint64_t seq_min = 0;  ///< At most the lowest seq of them,
    std::uint64_t seq_max = 0;  ///< and at least the highest.
  };
  /// The same, but `passes(stretch)` is asked of each stretch before it is unpacked; if it returns
  /// true its keys are not visited.
  template <class Passes, class Visit>
  void ascend(TimeKey from, Passes&& passes, Visit&& visit) const;
  /// The same for the keys at or below `from`, from the last one down. The keys of a call rise
  /// too: go through them from the back.
  template <class Visit>
  void descend(TimeKey from, Visit&& visit) const;

 private:
  static constexpr std::size_t leaf_keys_max = 512;
  /// What a full leaf gives to a neighbour at a time.
  static constexpr std::size_t moved_keys = leaf_keys_max / 16;
  using LeafBuffer = std::array<TimeKey, leaf_keys_max>;

  struct Leaf {
    std::vector<TimeKey> keys{};  ///< Those of an open leaf; a packed one has none here.
    PackedKeys packed{};
    std::uint64_t seq_min = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t seq_max = 0;

    bool is_packed() const noexcept { return packed.size() > 0; }
    std::size_t size() const noexcept { return is_packed() ? packed.size() : keys.size(); }
    /// Precondition of both: size() > 0.
    TimeKey first() const noexcept { return is_packed() ? packed.first() : keys.front(); }
    TimeKey last() const noexcept { return is_packed() ? packed.last() : keys.back(); }
    /// In `buffer` if they are packed.
    Keys view(LeafBuffer& buffer) const noexcept {
      return is_packed() ? packed.unpack(buffer) : Keys(keys);
    }
    void assign(Keys from);
  };
  using Leaves = std::map<TimeKey, Leaf>;

  Leaf& add_leaf(Leaves::iterator before, TimeKey bound);
  Leaves::iterator leaf_of(TimeKey key);
  void append_to(Leaf& leaf, Keys keys);
  void add_packed_leaf(Keys keys);
  void make_room(Leaves::iterator full, TimeKey key);
  void spread(Leaves::iterator first, Leaves::iterator end, std::size_t first_keys,
              std::size_t others);
  Leaves::iterator join(Leaves::iterator leaf);
  Leaves::iterator erase(Leaves::iterator leaf);
  void replace(Leaves::iterator leaf, Keys keys);
  void open(Leaves::iterator leaf);
  void pack(Leaf& leaf);
  void note_open(TimeKey bound);

  Leaves leaves_{};
  /// Bounds of the leaves that are open, in the order in which they became so; of some that are
  /// not there any more, too.
  std::deque<TimeKey> open_{};
  std::size_t packed_leaves_ = 0;
  std::size_t packed_bytes_ = 0;
  std::size_t size_ = 0;
};

template <class Visit>
void TimeIndex::ascend(TimeKey from, Visit&& visit) const {
  ascend(
      from, [](Stretch const&) { return false; }, visit);
}

template <class Passes, class Visit>
void TimeIndex::ascend(TimeKey from, Passes&& passes, Visit&& visit) const {
  LeafBuffer buffer;
  for (auto leaf = std::prev(leaves_.upper_bound(from)); leaf != leaves_.end(); ++leaf) {
    auto const& of_leaf = leaf->second;
    if (of_leaf.size() == 0 || of_leaf.last() < from) continue;
    bool const is_whole = from <= of_leaf.first();
    if (is_whole && passes(Stretch{of_leaf.first(), of_leaf.last(), of_leaf.size(), of_leaf.seq_min,
                                   of_leaf.seq_max})) {
      continue;
    }
    auto keys = of_leaf.view(buffer);
    if (of_leaf.first() < from) {
      keys = Keys(std::lower_bound(keys.begin(), keys.end(), from), keys.end());
    }
    if (!visit(keys)) return;
  }
}

template <class Visit>
void TimeIndex::descend(TimeKey from, Visit&& visit) const {
  auto leaf = std::prev(leaves_.upper_bound(from));
  LeafBuffer buffer;
  auto keys = leaf->second.view(buffer);
  keys = Keys(keys.begin(), std::upper_bound(keys.begin(), keys.end(), from));
  for (;;) {
    if (!keys.empty() && !visit(keys)) return;
    if (leaf == leaves_.begin()) return;
    --leaf;
    keys = leaf->second.view(buffer);
  }
}

}  // namespace stele::daemon
