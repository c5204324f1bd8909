#include "daemon/query/range_count.hpp"

#include <algorithm>
#include <numeric>

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
  auto checked = check_after_seq(after_seq_, store);
  if (checked && filter_ && filter_->is_by_level() && bucket_us_ == 0) count_by_notes(store);
  return checked;
}

/// Of packed blocks that lie in the range with all of their entries, what their notes say.
void RangeCount::count_by_notes(Store const& store) {
  auto const lowest = static_cast<std::ptrdiff_t>(filter_->min_level());
  auto const first_kept = std::max(store.removed_seq(), after_seq_) + 1;
  for (auto const& packed : store.packed_chunks()) {
    auto const& summary = packed.summary();
    if (!summary || packed.first_seq() < first_kept || summary->oldest < start_ts_ ||
        summary->newest > end_ts_) {
      continue;
    }
    count_ = std::accumulate(summary->of_level.begin() + lowest, summary->of_level.end(), count_);
    auto const last_seq = packed.next_seq() - 1;
    if (!counted_.empty() && counted_.back().last + 1 == packed.first_seq()) {
      counted_.back().last = last_seq;
    } else {
      counted_.push_back({packed.first_seq(), last_seq});
    }
  }
}

/// Whether all of these seqs are of such blocks.
bool RangeCount::is_counted(Seq first, Seq last) const noexcept {
  auto const range = std::ranges::lower_bound(counted_, last, {}, &SeqRange::last);
  return range != counted_.end() && range->first <= first;
}

RangeCount::Status RangeCount::step(Store const& store, TurnBudget& budget) {
  budget.pay_for_step();
  if (start_ts_ > end_ts_) return Status::done;
  Work work{Store::Finder(store, &budget), as_of_seq_ >= store.visible_seq(), budget};
  auto const passes = [&](TimeIndex::Stretch const& stretch) { return take_whole(work, stretch); };
  store.index().ascend(next_, passes, [&](TimeIndex::Keys keys) { return take(work, keys); });
  return work.status;
}

/// Whether nothing has to be said of these keys one by one; they are counted then.
bool RangeCount::take_whole(Work& work, TimeIndex::Stretch const& stretch) {
  auto const first = stretch.first.timestamp;
  auto const last = stretch.last.timestamp;
  if (last > end_ts_ || work.budget.is_spent()) return false;
  if (is_counted(stretch.seq_min, stretch.seq_max)) {
    work.budget.pay(1);
    return true;
  }
  if (!counts_all(work)) return false;
  bool const is_one_bucket = bucket_us_ == 0 || first / bucket_us_ == last / bucket_us_;
  if (!is_one_bucket || !add(first, stretch.count)) return false;
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
std::size_t RangeCount::judge(Work& work, TimeIndex::Keys keys, std::uint64_t& wanted) {
  if (counts_all(work)) {
    work.budget.pay(1);
    wanted = keys.size();
    return keys.size();
  }
  std::size_t passed = 0;
  while (passed < keys.size() && !work.budget.is_spent()) {
    Seq const seq = keys[passed++].seq;
    work.budget.pay(1);
    if (seq <= after_seq_ || seq > as_of_seq_ || is_counted(seq, seq)) continue;
    if (filter_) {
      if (!blocks_.may_match(seq, *filter_, work.finder, work.budget)) continue;
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
