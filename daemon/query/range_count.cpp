#include "daemon/query/range_count.hpp"

#include <algorithm>

#include "daemon/query/range_read.hpp"
#include "protocol/limits.hpp"

namespace stele::daemon {

/// A step in the making, and what it may still do.
struct RangeCount::Work {
  Store::Finder finder;
  bool all_in_snapshot;
  TurnBudget& budget;
  Status status = Status::done;
};

RangeCount::RangeCount(protocol::CountLogs const& request)
    : next_{request.start_ts, 0},
      start_ts_(request.start_ts),
      end_ts_(request.end_ts),
      bucket_us_(request.bucket_us.value_or(0)),
      after_seq_(request.filter.after_seq.value_or(0)),
      filter_(protocol::EntryMatcher::make(request.filter)) {}

Result<void> RangeCount::begin(Store const& store) {
  as_of_seq_ = store.visible_seq();
  return check_after_seq(after_seq_, store);
}

RangeCount::Status RangeCount::step(Store const& store, TurnBudget& budget) {
  budget.pay_for_step();
  if (start_ts_ > end_ts_) return Status::done;
  Work work{Store::Finder(store, &budget), as_of_seq_ >= store.visible_seq(), budget};
  auto const passes = [&](TimeKey first, TimeKey last, std::size_t count) {
    return take_whole(work, first, last, count);
  };
  store.index().ascend(next_, passes, [&](TimeIndex::Keys keys) { return take(work, keys); });
  return work.status;
}

/// Whether nothing has to be said of these keys one by one; they are counted then.
bool RangeCount::take_whole(Work& work, TimeKey first, TimeKey last, std::size_t count) {
  if (!counts_all(work) || last.timestamp > end_ts_ || work.budget.is_spent()) return false;
  bool const is_one_bucket =
      bucket_us_ == 0 || first.timestamp / bucket_us_ == last.timestamp / bucket_us_;
  if (!is_one_bucket || !add(first.timestamp, count)) return false;
  work.budget.pay(1);
  return true;
}

bool RangeCount::counts_all(Work const& work) const noexcept {
  return !filter_ && after_seq_ == 0 && work.all_in_snapshot;
}

/// Returns whether the keys after these are to be looked at as well.
bool RangeCount::take(Work& work, TimeIndex::Keys keys) {
  auto const end = std::upper_bound(keys.begin(), keys.end(), TimeKey{end_ts_, time_key_max.seq});
  bool const is_last = end != keys.end();
  keys = {keys.begin(), end};
  while (!keys.empty()) {
    if (work.budget.is_spent()) {
      next_ = keys.front();
      work.status = Status::more;
      return false;
    }
    std::uint64_t wanted = 0;
    auto const passed = judge(work, stretch_of_first(keys), wanted);
    if (!add(keys.front().timestamp, wanted)) {
      work.status = Status::too_many_buckets;
      return false;
    }
    keys = keys.subspan(passed);
  }
  return !is_last;
}

/// Those at the front that count into one bucket.
TimeIndex::Keys RangeCount::stretch_of_first(TimeIndex::Keys keys) const noexcept {
  if (bucket_us_ == 0) return keys;
  auto const first = keys.front().timestamp;
  auto const last = first + std::min(bucket_us_ - 1 - first % bucket_us_, time_key_max.seq - first);
  if (keys.back().timestamp <= last) return keys;
  return {keys.begin(),
          std::upper_bound(keys.begin(), keys.end(), TimeKey{last, time_key_max.seq})};
}

/// Looks at as many as the budget allows, at least at one; returns how many, and in `wanted` how
/// many of them count.
std::size_t RangeCount::judge(Work& work, TimeIndex::Keys keys, std::uint64_t& wanted) const {
  if (counts_all(work)) {
    work.budget.pay(1);
    wanted = keys.size();
    return keys.size();
  }
  std::size_t passed = 0;
  while (passed < keys.size() && !work.budget.is_spent()) {
    Seq const seq = keys[passed++].seq;
    work.budget.pay(1);
    if (seq <= after_seq_ || seq > as_of_seq_) continue;
    if (filter_) {
      auto const text = work.finder.find(seq).text;
      work.budget.pay_for_judging(text.size());
      if (!filter_->matches(text)) continue;
    }
    ++wanted;
  }
  return passed;
}

bool RangeCount::add(std::uint64_t timestamp, std::uint64_t count) {
  if (bucket_us_ != 0 && count > 0) {
    auto const start = timestamp - timestamp % bucket_us_;
    if (buckets_.empty() || buckets_.back().first != start) {
      if (buckets_.size() == protocol::count_buckets_max) return false;
      buckets_.emplace_back(start, 0);
    }
    buckets_.back().second += count;
  }
  count_ += count;
  return true;
}

}  // namespace stele::daemon
