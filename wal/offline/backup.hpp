// Copies a log that may be at work into a directory of its own, and brings an earlier copy up to
// date. The source is only read.
#pragma once

#include <cstdint>
#include <functional>

#include "wal/offline/log_check.hpp"
#include "wal/storage.hpp"

namespace stele::wal {

struct BackupReport {
  LogCheck check{};                    ///< Of the source: damage in it is in the copy as well.
  std::uint64_t segments = 0;          ///< Of the copy,
  std::uint64_t segments_copied = 0;   ///< of them copied now; the others were there.
  std::uint64_t bytes_copied = 0;      ///< Holes among them.
  std::uint64_t segments_removed = 0;  ///< From the copy: retention has removed them.
};

/// `target` is empty, or holds an earlier copy: then segments that are complete there are not
/// copied again. Of a log that a process has open (`in_use`) the copy ends behind the last whole
/// commit that was found before the copying began: all that had been acknowledged until then is in
/// it, as it was. The copy is a log with the source's store id, seqs and writers; it is read back
/// and checked.
///
/// At any moment `target` is a log in which a check finds no damage that the source has not: what
/// it held before, as far as that has not expired in the source, and the segments copied so far,
/// each of which goes on where the one before ended. Before its first MANIFEST it holds no file of
/// a log.
///
/// Errc::not_a_log: nothing was ever written to the source. Errc::damaged: its MANIFEST cannot be
/// trusted, or the copy does not read back as what was copied. Errc::diverged: `target` is neither
/// empty nor an earlier copy of this log; nothing was changed there.
Result<BackupReport> backup_log(Directory& source, Directory& target,
                                std::function<bool()> const& in_use);

}  // namespace stele::wal
