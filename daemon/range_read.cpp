#include "daemon/range_read.hpp"

#include <algorithm>
#include <boost/assert.hpp>
#include <charconv>
#include <limits>

#include "protocol/json_text.hpp"

namespace stele::daemon {
namespace {

/// Keys that one step looks at: a fraction of a millisecond.
constexpr std::size_t step_visits_max = 20'000;

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

Result<RangeRead> RangeRead::make(protocol::ReadLogs const& request) {
  RangeRead read;
  read.start_ts_ = request.start_ts;
  read.end_ts_ = request.end_ts;
  read.entries_left_ = request.limit.value_or(std::numeric_limits<std::uint64_t>::max());
  read.position_.order = request.order;
  if (request.cursor.empty()) return read;

  auto const cursor = parse_read_cursor(request.cursor);
  if (!cursor) {
    return Failure(Error::bad_request, "cursor is not one that read_logs gave: send it unchanged");
  }
  if (cursor->order != request.order) {
    return Failure(Error::bad_request,
                   cursor->order == protocol::Order::asc
                       ? "cursor belongs to a read in order \"asc\": ask for that order again"
                       : "cursor belongs to a read in order \"desc\": ask for that order again");
  }
  read.position_ = *cursor;
  read.resumes_ = true;
  return read;
}

Result<void> RangeRead::begin(Store const& store) {
  if (!resumes_) {
    bool const rising = position_.order == protocol::Order::asc;
    position_.next = rising ? TimeKey{start_ts_, 0} : TimeKey{end_ts_, time_key_max.seq};
    position_.as_of_seq = store.visible_seq();
    return {};
  }
  if (position_.as_of_seq > store.visible_seq()) {
    return Failure(Error::bad_request, "cursor is from another store, or this one was restored");
  }
  return resume(store);
}

Result<void> RangeRead::resume(Store const& store) const {
  if (position_.next.seq <= store.removed_seq()) {
    return Failure(Error::cursor_expired,
                   "the entry that comes next is no longer kept; read again without a cursor");
  }
  return {};
}

RangeRead::Step RangeRead::step(Store const& store, std::size_t bytes_max) {
  Step result;
  result.status = Status::exhausted;
  if (start_ts_ > end_ts_) return result;

  Store::Finder finder(store);
  std::size_t bytes = 0;
  std::size_t visits = 0;
  auto const visit = [&](TimeKey key) {
    if (!in_range(key)) return false;
    bool const pause = bytes >= bytes_max || visits >= step_visits_max;
    ++visits;
    bool const counts = key.seq <= position_.as_of_seq;
    if (pause || (counts && entries_left_ == 0)) {
      position_.next = key;
      result.status = pause ? Status::more : Status::limited;
      return false;
    }
    if (!counts) return true;
    auto const place = finder.find(key.seq);
    auto* const last = result.runs.empty() ? nullptr : &result.runs.back();
    if (last != nullptr && last->chunk == place.chunk &&
        last->text.data() + last->text.size() + 1 == place.text.data()) {
      last->text = {last->text.data(), last->text.size() + 1 + place.text.size()};
    } else {
      result.runs.push_back({place.chunk, place.text});
    }
    bytes += place.text.size() + 1;
    --entries_left_;
    ++result.entries;
    return true;
  };
  if (position_.order == protocol::Order::asc) {
    store.index().ascend(std::max(position_.next, TimeKey{start_ts_, 0}), visit);
  } else {
    store.index().descend(std::min(position_.next, TimeKey{end_ts_, time_key_max.seq}), visit);
  }
  return result;
}

}  // namespace stele::daemon
