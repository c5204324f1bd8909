// Looks through a whole log for what is not as it was written, and changes nothing.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "wal/recover/log_reading.hpp"

namespace stele::wal {

struct LogCheck {
  RecoveryReport report{};
  std::vector<Finding> findings{};
  LogInventory inventory{};
  std::vector<KeptSegment> segments{};  ///< Those that were written to.
  LogEnd end{};                         ///< What comes behind the last commit.
  bool in_use = false;                  ///< A process has the log open: its end was not judged.

  bool has(Finding::Kind kind) const noexcept;
};

/// The log may be open, be written and lose segments to retention meanwhile: what a look finds
/// counts only if the next look, begun when the first has ended, finds it again. A commit that a
/// look took for missing had been on disk before its traces were met, so the next look finds it;
/// and what retention took is not in MANIFEST any more. Of a log that a process has open
/// (`in_use`), a commit that is not whole at the end is one that is being written.
///
/// Errc::not_a_log if nothing was ever written there.
Result<LogCheck> check_log(Directory& directory, std::function<bool()> const& in_use);

/// Delivers every readable payload, in seq order. Of a log that a process has open, what
/// check_log() saw before is there, unless retention took it.
Result<void> deliver_log(Directory& directory, RecoverySink& sink);

}  // namespace stele::wal
