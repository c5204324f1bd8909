#include "daemon/query/follow_read.hpp"

#include <algorithm>
#include <utility>

#include "daemon/query/range_read.hpp"
#include "protocol/entry/canonical_entry.hpp"

namespace stele::daemon {

/// A step in the making, and what it may still do.
struct FollowRead::Work {
  Store::Finder finder;
  Step& step;
  std::size_t bytes_left;
  TurnBudget& budget;
};

FollowRead::FollowRead(protocol::ReadLogs const& request)
    : start_ts_(request.start_ts),
      end_ts_(request.end_ts),
      has_range_(request.start_ts > 0 || request.end_ts < time_key_max.timestamp),
      after_seq_(request.filter.after_seq),
      limit_(request.limit),
      filter_(protocol::EntryMatcher::make(request.filter)) {}

Result<void> FollowRead::begin(Store const& store) {
  Seq const visible = store.visible_seq();
  if (auto checked = check_after_seq(after_seq_.value_or(0), store); !checked) return checked;
  next_ = after_seq_.value_or(0) + 1;
  if (limit_) {
    back_entries_ = *limit_;
    back_ = visible;
    start_ = visible + 1;
    if (back_entries_ == 0) next_ = visible + 1;
  }
  // Only who names the seq up to which it has everything learns that what followed is gone.
  if (!after_seq_ || limit_) next_ = std::max(next_, store.removed_seq() + 1);
  return {};
}

void FollowRead::finish(Store const& store) noexcept {
  if (!end_) end_ = store.visible_seq();
}

bool FollowRead::has_news(Store const& store) const noexcept {
  return !caught_up_ || end_ || next_ <= store.visible_seq();
}

FollowRead::Step FollowRead::step(Store const& store, std::size_t bytes_max, TurnBudget& turn) {
  Step result;
  Work work{Store::Finder(store, &turn), result, bytes_max, turn};
  turn.pay_for_step();
  if (back_entries_ > 0 && !count_back(work, store)) return result;
  if (next_ <= store.removed_seq()) {
    result.lost = Lost{next_, store.removed_seq()};
    next_ = store.removed_seq() + 1;
    return result;
  }
  Seq const last = std::min(store.visible_seq(), end_.value_or(store.visible_seq()));
  take_up_to(work, last);
  if (next_ <= last) return result;
  if (!std::exchange(caught_up_, true)) {
    result.caught_up = true;
  } else {
    result.status = end_ ? Status::ended : Status::waits;
  }
  return result;
}

/// Looks for the place from which this many entries match as are wanted; false: there is more to
/// do.
bool FollowRead::count_back(Work& work, Store const& store) {
  Seq const bound = std::max(next_, store.removed_seq() + 1);
  while (!work.budget.is_spent()) {
    Seq const seq = work.finder.last_up_to(back_);
    work.budget.pay(1);
    bool const is_match = seq >= bound && matches(work, work.finder.find(seq).text);
    if (is_match) {
      start_ = seq;
      --back_entries_;
    }
    if (seq < bound || back_entries_ == 0) {
      back_entries_ = 0;
      next_ = start_;
      return true;
    }
    back_ = seq - 1;
  }
  return false;
}

void FollowRead::take_up_to(Work& work, Seq last) {
  while (next_ <= last && work.bytes_left > 0 && !work.budget.is_spent()) {
    auto const found = work.finder.find_from(next_, last, takes_all() ? work.bytes_left : 1);
    work.budget.pay(1);
    if (found.run.entries == 0) {
      next_ = last + 1;
      return;
    }
    next_ = found.first_seq + found.run.entries;
    if (!matches(work, found.run.text)) continue;
    append_run(work.step.runs, found.run);
    work.step.entries += found.run.entries;
    work.bytes_left -= std::min(work.bytes_left, found.run.text.size() + 1);
  }
}

bool FollowRead::matches(Work& work, std::string_view entry) const {
  if (takes_all()) return true;
  work.budget.pay_for_judging(entry.size());
  if (has_range_) {
    auto const key = protocol::read_entry_key(entry);
    if (!key || key->timestamp < start_ts_ || key->timestamp > end_ts_) return false;
  }
  return !filter_ || filter_->matches(entry);
}

}  // namespace stele::daemon
