#include "daemon/query/range_read.hpp"

#include <algorithm>
#include <boost/assert.hpp>
#include <charconv>
#include <limits>
#include <utility>

#include "protocol/text/error_text.hpp"
#include "protocol/text/json_text.hpp"

namespace stele::daemon {

using protocol::Detail;

namespace {

Failure bad_cursor(std::string message) {
  return {Error::bad_request, std::move(message), Detail().string("path", "cursor").text()};
}

/// How many of the first `count_max` keys are of entries that follow one another in the log too.
std::size_t count_neighbours(TimeIndex::Keys keys, std::size_t count_max) noexcept {
  std::size_t count = 1;
  while (count < count_max && keys[count].seq == keys.front().seq + count) ++count;
  return count;
}

bool take_number(std::string_view& text, std::uint64_t& value) noexcept {
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.empty() || text.front() != '.') return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::string to_text(ReadCursor const& cursor) {
  std::string text;
  for (std::uint64_t const number : {cursor.next.timestamp, cursor.next.seq, cursor.as_of_seq}) {
    protocol::append_json_number(text, number);
    text += '.';
  }
  text += cursor.order == protocol::Order::asc ? 'a' : 'd';
  return text;
}

std::optional<ReadCursor> parse_read_cursor(std::string_view text) noexcept {
  ReadCursor cursor;
  if (!take_number(text, cursor.next.timestamp) || !take_number(text, cursor.next.seq) ||
      !take_number(text, cursor.as_of_seq)) {
    return std::nullopt;
  }
  if (text != "a" && text != "d") return std::nullopt;
  cursor.order = text == "a" ? protocol::Order::asc : protocol::Order::desc;
  return cursor;
}

Result<void> check_after_seq(Seq after_seq, Store const& store) {
  Seq const visible = store.visible_seq();
  if (after_seq <= visible) return {};
  return Failure(Error::bad_request,
                 "after_seq is " + std::to_string(after_seq) + ", but the log ends with seq " +
                     std::to_string(visible) + ": it is another store, or was restored",
                 Detail().string("path", "after_seq").number("durable_seq", visible).text());
}

Result<RangeRead> RangeRead::make(protocol::ReadLogs const& request) {
  RangeRead read;
  read.start_ts_ = request.start_ts;
  read.end_ts_ = request.end_ts;
  read.entries_left_ = request.limit.value_or(std::numeric_limits<std::uint64_t>::max());
  read.after_seq_ = request.filter.after_seq.value_or(0);
  read.filter_ = protocol::EntryMatcher::make(request.filter);
  read.position_.order = request.order;
  if (request.cursor.empty()) return read;

  auto const cursor = parse_read_cursor(request.cursor);
  if (!cursor) {
    return bad_cursor("cursor is not one that read_logs gave: send it unchanged");
  }
  if (cursor->order != request.order) {
    return bad_cursor(cursor->order == protocol::Order::asc
                          ? "cursor belongs to a read in order \"asc\": ask for that order again"
                          : "cursor belongs to a read in order \"desc\": ask for that order again");
  }
  read.position_ = *cursor;
  read.resumes_ = true;
  return read;
}

Result<void> RangeRead::begin(Store const& store) {
  if (auto checked = check_after_seq(after_seq_, store); !checked) return checked;
  if (!resumes_) {
    bool const rising = position_.order == protocol::Order::asc;
    position_.next = rising ? TimeKey{start_ts_, 0} : TimeKey{end_ts_, time_key_max.seq};
    position_.as_of_seq = store.visible_seq();
    return {};
  }
  if (position_.as_of_seq > store.visible_seq()) {
    return bad_cursor("cursor is from another store, or this one was restored");
  }
  return resume(store);
}

Result<void> RangeRead::resume(Store const& store) const {
  // A seq of 0 is no entry's: the read was cancelled before it had come to one.
  if (position_.next.seq != 0 && position_.next.seq <= store.removed_seq()) {
    return Failure(Error::cursor_expired,
                   "the entry that comes next is no longer kept; read again without a cursor");
  }
  return {};
}

/// A step in the making, and what it may still do.
struct RangeRead::Work {
  Store::Finder finder;
  Step& step;
  std::size_t bytes_left;
  TurnBudget& budget;
};

RangeRead::Step RangeRead::step(Store const& store, std::size_t bytes_max, TurnBudget& budget) {
  budget.pay_for_step();
  Step result;
  result.status = Status::exhausted;
  if (start_ts_ > end_ts_) return result;

  Work work{Store::Finder(store, &budget), result, bytes_max, budget};
  if (position_.order == protocol::Order::asc) {
    store.index().ascend(std::max(position_.next, TimeKey{start_ts_, 0}),
                         [&](TimeIndex::Keys keys) { return take_rising(work, keys); });
  } else {
    store.index().descend(std::min(position_.next, TimeKey{end_ts_, time_key_max.seq}),
                          [&](TimeIndex::Keys keys) { return take_falling(work, keys); });
  }
  return result;
}

/// Both return whether the keys after these are to be looked at as well.
bool RangeRead::take_rising(Work& work, TimeIndex::Keys keys) {
  auto const end = std::upper_bound(keys.begin(), keys.end(), TimeKey{end_ts_, time_key_max.seq});
  bool const is_last = end != keys.end();
  keys = {keys.begin(), end};
  while (!keys.empty()) {
    TimeKey const key = keys.front();
    if (!goes_on(work, key)) return false;
    std::size_t passed = 1;
    if (is_wanted(key) && filter_) {
      take_if_wanted(work, key.seq);
    } else if (is_wanted(key)) {
      passed = take_neighbours(work, keys);
    }
    work.budget.pay(passed);
    keys = keys.subspan(passed);
  }
  return !is_last;
}

bool RangeRead::take_falling(Work& work, TimeIndex::Keys keys) {
  for (auto key = keys.rbegin(); key != keys.rend(); ++key) {
    if (key->timestamp < start_ts_ || !goes_on(work, *key)) return false;
    if (is_wanted(*key)) take_if_wanted(work, key->seq);
    work.budget.pay(1);
  }
  return true;
}

/// Whether the step may look at `next`; if not, that is where the read goes on.
bool RangeRead::goes_on(Work& work, TimeKey next) {
  bool const pauses = work.bytes_left == 0 || work.budget.is_spent();
  if (!pauses && (entries_left_ > 0 || !is_wanted(next))) return true;
  position_.next = next;
  work.step.status = pauses ? Status::more : Status::limited;
  return false;
}

/// Takes from one chunk what fits of the entries that follow one another; returns how many.
std::size_t RangeRead::take_neighbours(Work& work, TimeIndex::Keys keys) {
  Seq const first = keys.front().seq;
  auto const count_max = std::min<std::uint64_t>(
      {keys.size(), work.budget.visits_left(), entries_left_, position_.as_of_seq - first + 1});
  auto const count = count_neighbours(keys, count_max);
  auto const run = work.finder.find_run(first, count, work.bytes_left);
  take(work, run);
  return run.entries;
}

void RangeRead::take_if_wanted(Work& work, Seq seq) {
  if (filter_ && !blocks_.may_match(seq, *filter_, work.finder, work.budget)) return;
  auto const run = work.finder.find(seq);
  if (filter_) {
    work.budget.pay_for_judging(run.text.size());
    if (!filter_->matches(run.text)) return;
  }
  take(work, run);
}

void RangeRead::take(Work& work, EntryRun const& run) {
  append_run(work.step.runs, run);
  work.bytes_left -= std::min(work.bytes_left, run.text.size() + 1);
  work.step.entries += run.entries;
  entries_left_ -= run.entries;
}

}  // namespace stele::daemon
