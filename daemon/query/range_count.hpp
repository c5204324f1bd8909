// A count of the entries of a time range, step by step; in all, or by stretches of time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "daemon/query/block_filter.hpp"
#include "daemon/store/store.hpp"
#include "daemon/turn/turn_budget.hpp"
#include "protocol/entry/entry_filter.hpp"
#include "protocol/reply/reply.hpp"
#include "protocol/request/request.hpp"

namespace stele::daemon {

/// Counts what a RangeRead that began at the same time would find, without what retention removes
/// before the count has come there.
class RangeCount {
 public:
  RangeCount() = default;
  explicit RangeCount(protocol::CountLogs const& request);

  /// Takes the snapshot. Fails with bad_request if `after_seq` is behind the end of the log.
  Result<void> begin(Store const& store);

  enum class Status {
    more,  ///< Step again.
    done,
    too_many_buckets,  ///< More than count_buckets_max.
  };
  /// Counts on until the budget is spent. Whole leaves of the index count as one visit where
  /// nothing has to be said of their entries one by one.
  Status step(Store const& store, TurnBudget& budget);

  using Bucket = protocol::CountBucket;
  bool has_filter() const noexcept { return filter_ != nullptr; }
  std::size_t bucket_bytes() const noexcept { return buckets_.capacity() * sizeof(Bucket); }
  std::uint64_t count() const noexcept { return count_; }
  /// By rising time, without the empty ones; nothing if none were asked for.
  std::optional<std::span<Bucket const>> buckets() const noexcept {
    if (bucket_us_ == 0) return std::nullopt;
    return buckets_;
  }

 private:
  struct Work;
  void count_by_notes(Store const& store);
  bool is_counted(Seq first, Seq last) const noexcept;
  bool take_whole(Work& work, TimeIndex::Stretch const& stretch);
  bool take(Work& work, TimeIndex::Keys keys);
  bool counts_all(Work const& work) const noexcept;
  TimeIndex::Keys stretch_of_first(TimeIndex::Keys keys) const noexcept;
  std::size_t judge(Work& work, TimeIndex::Keys keys, std::uint64_t& wanted);
  bool add(std::uint64_t timestamp, std::uint64_t count);

  TimeKey next_{};
  std::uint64_t start_ts_ = 0;
  std::uint64_t end_ts_ = 0;
  std::uint64_t bucket_us_ = 0;  ///< 0: no buckets.
  Seq after_seq_ = 0;
  Seq as_of_seq_ = 0;
  std::shared_ptr<protocol::EntryMatcher const> filter_{};  ///< None: all entries match.
  BlockFilter blocks_{};
  struct SeqRange {
    Seq first = 0;
    Seq last = 0;
  };
  /// Of blocks whose notes were counted; rising, and not next to each other.
  std::vector<SeqRange> counted_{};
  std::uint64_t count_ = 0;
  std::vector<Bucket> buckets_{};
};

}  // namespace stele::daemon
