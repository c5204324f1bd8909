// A read that goes on with the entries to come, in the order of the log.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "daemon/store/store.hpp"
#include "daemon/turn/turn_budget.hpp"
#include "protocol/entry/entry_filter.hpp"
#include "protocol/reply/reply.hpp"
#include "protocol/request/request.hpp"
#include "stele/error.hpp"

namespace stele::daemon {

/// Entries by rising seq: those that are there, then those that become visible.
///
///   counts back to its start (with a limit) -> history -> caught up -> live -> ended
///
/// It holds no entry and no place in the store, so it costs nothing while it waits or its reader is
/// slow; what retention removes before it has come there is reported as lost, never skipped
/// silently.
class FollowRead {
 public:
  explicit FollowRead(protocol::ReadLogs const& request);

  /// Finds where it starts. Fails with bad_request if `after_seq` lies beyond the log.
  Result<void> begin(Store const& store);
  /// From now on it ends with what is visible now.
  void finish(Store const& store) noexcept;

  enum class Status {
    more,   ///< Step again.
    waits,  ///< For entries to become visible.
    ended,  ///< All that was visible at finish() has been given.
  };
  using Lost = protocol::LostSeqs;
  struct Step {
    Status status = Status::more;
    std::size_t entries = 0;
    std::vector<EntryRun> runs{};  ///< Valid until the store changes. May be empty.
    std::optional<Lost> lost{};    ///< Comes without entries.
    bool caught_up = false;        ///< The first time that nothing visible is left.
  };
  /// Whether step() would not say `waits` at once.
  bool has_news(Store const& store) const noexcept;
  /// The next entries: one more than fits, at most, into `bytes_max`. Takes no more time than
  /// `turn` has, which pays; without a filter it does not depend on the number of entries.
  Step step(Store const& store, std::size_t bytes_max, TurnBudget& turn);

  bool has_filter() const noexcept { return filter_ != nullptr; }
  /// All entries up to here have been given, or do not match, or are reported as lost.
  Seq seq() const noexcept { return next_ - 1; }

 private:
  struct Work;
  bool count_back(Work& work, Store const& store);
  void take_up_to(Work& work, Seq last);
  bool matches(Work& work, std::string_view entry) const;
  bool takes_all() const noexcept { return !filter_ && !has_range_; }

  std::uint64_t start_ts_;
  std::uint64_t end_ts_;
  bool has_range_;
  std::optional<Seq> after_seq_;
  std::optional<std::uint64_t> limit_;
  std::shared_ptr<protocol::EntryMatcher const> filter_;  ///< None: all entries match.

  Seq next_ = 1;
  std::uint64_t back_entries_ = 0;  ///< To be counted back yet,
  Seq back_ = 0;                    ///< from here,
  Seq start_ = 0;                   ///< and where they start as far as is known.
  std::optional<Seq> end_{};
  bool caught_up_ = false;
};

}  // namespace stele::daemon
