// A read of a time range, step by step: a snapshot that holds no lock and no place in the index.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/query/block_filter.hpp"
#include "daemon/store/store.hpp"
#include "daemon/turn/turn_budget.hpp"
#include "protocol/entry/entry_filter.hpp"
#include "protocol/request/request.hpp"
#include "stele/error.hpp"

namespace stele::daemon {

/// Where a read goes on: the key of the next entry, and what the snapshot is. Its text travels as
/// the `cursor`: "<timestamp>.<seq>.<as_of_seq>.<a|d>", all numbers decimal.
struct ReadCursor {
  TimeKey next{};
  Seq as_of_seq = 0;
  protocol::Order order = protocol::Order::asc;

  bool operator==(ReadCursor const&) const = default;
};
std::string to_text(ReadCursor const& cursor);
std::optional<ReadCursor> parse_read_cursor(std::string_view text) noexcept;

/// If `after_seq` is behind the end of the log: whoever has it read another store.
Result<void> check_after_seq(Seq after_seq, Store const& store);

/// The entries of a range that were visible when begin() was called. Entries that become visible
/// later are left out, so a read ends, and an out-of-order entry cannot appear twice or shift what
/// follows. If retention removes the entry that comes next, the read fails: it never skips
/// silently.
class RangeRead {
 public:
  /// Fails with bad_request if the cursor is none of ours or belongs to the other order.
  static Result<RangeRead> make(protocol::ReadLogs const& request);

  /// Takes the snapshot. Fails if the request's cursor does not fit the store: cursor_expired, or
  /// bad_request if it, or `after_seq`, comes from another one.
  Result<void> begin(Store const& store);

  /// Before every other step(). Fails with cursor_expired if the next entry is no longer kept.
  Result<void> resume(Store const& store) const;

  enum class Status {
    more,       ///< Step again.
    exhausted,  ///< The range has no more entries.
    limited,    ///< The range has more entries than `limit`; cursor() says where.
  };
  struct Step {
    Status status = Status::more;
    std::size_t entries = 0;
    /// Valid until the store changes. May be empty, also with `more`.
    std::vector<EntryRun> runs{};
  };
  /// The next entries: one more than fits, at most, into `bytes_max`; fewer when the budget is
  /// spent on entries that do not belong to the read. Whether an entry behind the limit matches the
  /// filter is not looked at: after `limited` there may be none.
  Step step(Store const& store, std::size_t bytes_max, TurnBudget& budget);

  bool has_filter() const noexcept { return filter_ != nullptr; }
  std::string cursor() const { return to_text(position_); }

 private:
  struct Work;
  bool take_rising(Work& work, TimeIndex::Keys keys);
  bool take_falling(Work& work, TimeIndex::Keys keys);
  bool goes_on(Work& work, TimeKey next);
  std::size_t take_neighbours(Work& work, TimeIndex::Keys keys);
  void take_if_wanted(Work& work, Seq seq);
  void take(Work& work, EntryRun const& run);
  /// As far as its seq shows.
  bool is_wanted(TimeKey key) const noexcept {
    return key.seq <= position_.as_of_seq && key.seq > after_seq_;
  }

  std::uint64_t start_ts_ = 0;
  std::uint64_t end_ts_ = 0;
  std::uint64_t entries_left_ = 0;
  Seq after_seq_ = 0;
  std::shared_ptr<protocol::EntryMatcher const> filter_{};  ///< None: all entries match.
  BlockFilter blocks_{};
  ReadCursor position_{};
  bool resumes_ = false;  ///< The position came from the client.
};

}  // namespace stele::daemon
