// What each user has added to the commit that gathers, and whether others write, too.
#pragma once

#include <boost/container/flat_map.hpp>
#include <cstddef>
#include <cstdint>

#include "daemon/log/log_port.hpp"

namespace stele::daemon {

/// What is written waits for all that is in its commit, and in the one before. So while several
/// users write, each of them has a share of a commit (user_bytes_full), by however many
/// connections: who writes little then waits for little. One who writes alone may fill it.
class CommitShares {
 public:
  using Uid = std::uint32_t;

  /// For so long after a write its user is taken to be writing.
  static constexpr std::uint64_t writing_us = 1'000'000;

  /// A write was given to the log, for the commit `commit_no`. `now_us` may jump.
  void add(std::uint64_t commit_no, Uid uid, std::size_t bytes, std::uint64_t now_us);
  /// Whether another user than this one has written of late. `now_us` as above.
  bool others_write(Uid uid, std::uint64_t now_us) const noexcept;
  /// Whether others write, and this user has its share of what gathers.
  bool is_over_commit_quota(wal::Gathering const& gathering, Uid uid) const noexcept;

 private:
  struct Writer {
    Uid uid = 0;
    std::uint64_t wrote_at_us = 0;  ///< 0: nobody yet.
  };

  Writer const& last_other(Uid uid) const noexcept { return uid == last_.uid ? other_ : last_; }

  std::uint64_t commit_no_ = 0;
  boost::container::flat_map<Uid, std::size_t> bytes_{};  ///< In that commit.
  Writer last_{};
  Writer other_{};  ///< The last one that is not `last_`.
};

}  // namespace stele::daemon
