// One place of a log at which something is not as it was written.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "wal/types.hpp"

namespace stele::wal {

/// New in this look at the log, or known already.
struct Finding {
  enum class Kind : std::uint8_t {
    damage,  ///< What was on disk is not there any more, or nobody can tell.
    torn,    ///< A write was under way; nobody was told that it had succeeded.
    note,    ///< Nothing is missing: bytes that nothing depends on, or that something else says.
  };
  Kind kind = Kind::damage;
  std::string text{};  ///< One sentence, with file and offset.
  bool named = false;  ///< By a gap record: an earlier start found it.
  Gap gap{};           ///< What is missing, and where it lay; last_seq below first_seq: no seqs.
  /// The log goes on in this segment, at this offset, with this commit; 0: nowhere.
  std::uint64_t next_segment_no = 0;
  std::uint64_t next_offset = 0;
  std::uint32_t next_chain = 0;       ///< What that commit says of the one before it.
  std::uint64_t first_commit_no = 0;  ///< The commits that are missing,
  std::uint64_t last_commit_no = 0;
  /// and what the first of them must have said of the one before it, if that is known.
  std::optional<std::uint32_t> first_chain{};

  bool operator==(Finding const&) const = default;
};

}  // namespace stele::wal
