// How much of the log each user's entries take, by segment: retention removes segments as a whole.
// Knows no files and no clock.
#pragma once

#include <boost/container/flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "wal/log.hpp"

namespace stele::daemon {

/// What a write takes is staged by its payload, and counts as what it took on disk once it is
/// there: a commit's bytes, with header and padding, are shared out among those who wrote it.
///
///   stage -> commit -> (segment expires) remove_up_to
///        \-> unstage_from
class HistoryAccount {
 public:
  using Seq = wal::Seq;
  using Uid = std::uint32_t;

  /// `last_seq` is not below that of what was staged before. What has no seq of its own, such as a
  /// report, has that of the entry before it.
  void stage(Seq last_seq, Uid uid, std::uint64_t payload_bytes);
  /// What is staged up to `seq` is on disk, in one commit of this many bytes. Without anything
  /// staged, nobody is charged.
  void commit(Seq seq, std::uint64_t disk_bytes);
  /// The next commit lies in a new segment.
  void begin_segment() noexcept { segment_begins_ = true; }
  void unstage_from(Seq first);
  /// A whole segment that is on disk, behind those before: who has how much of it.
  struct User {
    Uid uid = 0;
    std::uint64_t bytes = 0;
  };
  void restore_segment(Seq last_seq, std::span<User const> users);
  /// Segments of which the last entry is at most `seq` are gone.
  void remove_up_to(Seq seq);

  /// What is on disk of it, and what is staged.
  std::uint64_t bytes_of(Uid uid) const noexcept;
  /// Whether somebody else has entries in the segments that end before `first_kept`.
  bool has_others_before(Seq first_kept, Uid uid) const noexcept;

  std::uint64_t bytes() const noexcept { return bytes_; }
  std::size_t users() const noexcept { return users_.size(); }
  /// Those with the most bytes, the largest first.
  std::vector<User> largest(std::size_t count_max) const;
  /// About what this takes of the memory.
  std::size_t memory_bytes() const noexcept;

 private:
  struct Staged {
    Seq last_seq = 0;
    Uid uid = 0;
    std::uint64_t payload_bytes = 0;
  };
  struct Segment {
    Seq last_seq = 0;
    boost::container::flat_map<Uid, std::uint64_t> bytes{};
  };
  struct Held {
    std::uint64_t on_disk = 0;
    std::uint64_t staged = 0;
  };

  void take_back(Uid uid, std::uint64_t Held::*part, std::uint64_t bytes);

  std::deque<Staged> staged_{};
  std::deque<Segment> segments_{};
  std::map<Uid, Held> users_{};
  std::uint64_t bytes_ = 0;
  std::size_t parts_ = 0;  ///< Of all segments.
  bool segment_begins_ = true;
};

}  // namespace stele::daemon
