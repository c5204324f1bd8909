// The order in which entries are read: by (timestamp, seq). Keys only; the store knows the bytes.
#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <span>
#include <vector>

namespace stele::daemon {

/// Position of an entry in the order of reads.
struct TimeKey {
  std::uint64_t timestamp = 0;
  std::uint64_t seq = 0;

  auto operator<=>(TimeKey const&) const = default;
};

inline constexpr TimeKey time_key_min{};
inline constexpr TimeKey time_key_max{std::numeric_limits<std::uint64_t>::max(),
                                      std::numeric_limits<std::uint64_t>::max()};

/// A two-level B-tree: sorted leaves of up to 512 keys, in a map by their lower bound.
///
///   map   0 ───────► [ k k k k ]
///         bound ───► [ k k k k k k k ]     every key of a leaf is at or above its bound,
///         bound ───► [ k k ]               and below the bound of the next leaf
///
/// 16 bytes a key: full leaves if keys arrive in order. A full leaf shares its keys with a
/// neighbour, and only two full ones become three, so that whatever the order is, leaves are five
/// eighths full or more: 26 bytes a key. The first leaf, with bound 0, is always there and may be
/// empty.
class TimeIndex {
 public:
  TimeIndex();

  /// Amortised O(1) for a key above all others, else O(log n). No key may be inserted twice.
  void insert(TimeKey key);
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
  /// The same for the keys at or below `from`, from the last one down. The keys of a call rise
  /// too: go through them from the back.
  template <class Visit>
  void descend(TimeKey from, Visit&& visit) const;

 private:
  struct Leaf {
    std::vector<TimeKey> keys{};
    std::uint64_t seq_min = std::numeric_limits<std::uint64_t>::max();

    void assign(Keys from);
    void find_seq_min() noexcept;
  };
  using Leaves = std::map<TimeKey, Leaf>;

  Leaf& add_leaf(Leaves::iterator before, TimeKey bound);
  Leaves::iterator leaf_of(TimeKey key);
  void make_room(Leaves::iterator full, TimeKey key);
  void spread(Leaves::iterator first, Leaves::iterator end, std::size_t first_keys,
              std::size_t others);
  Leaves::iterator join(Leaves::iterator leaf);

  Leaves leaves_{};
  std::size_t size_ = 0;
};

template <class Visit>
void TimeIndex::ascend(TimeKey from, Visit&& visit) const {
  auto leaf = std::prev(leaves_.upper_bound(from));
  auto begin = std::lower_bound(leaf->second.keys.begin(), leaf->second.keys.end(), from);
  for (;;) {
    Keys const keys(begin, leaf->second.keys.end());
    if (!keys.empty() && !visit(keys)) return;
    if (++leaf == leaves_.end()) return;
    begin = leaf->second.keys.begin();
  }
}

template <class Visit>
void TimeIndex::descend(TimeKey from, Visit&& visit) const {
  auto leaf = std::prev(leaves_.upper_bound(from));
  auto end = std::upper_bound(leaf->second.keys.begin(), leaf->second.keys.end(), from);
  for (;;) {
    Keys const keys(leaf->second.keys.begin(), end);
    if (!keys.empty() && !visit(keys)) return;
    if (leaf == leaves_.begin()) return;
    --leaf;
    end = leaf->second.keys.end();
  }
}

}  // namespace stele::daemon
