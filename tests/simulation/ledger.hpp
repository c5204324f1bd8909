// What the simulated clients asked, were promised and were shown, and whether the log agrees.
//
// Invariants checked:
//   (a) every acknowledged entry is at its seq, with its message and its timestamp
//   (b) every entry was sent, and not refused
//   (c) no entry is there twice
//   (d) a group is there whole, with consecutive seqs, or not at all
//   (e) of what a connection sent and was not refused, the log holds a prefix, in that order
//       (only the order, once the disk has been full: the answer that refused may be lost)
//   (f) what was sent after an acknowledgement has a greater seq than what that acknowledged
//   (g) what a reader was shown stays there, unchanged
//   (h) seqs are dense; what is missing lies in a gap record, and none of it was acknowledged
//   (i) by age nothing goes that was not sent so long ago, as long as the daemon was open, whatever
//       clocks say
// What retention removed counts as there.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/store/store.hpp"
#include "wal/log.hpp"

namespace stele::test {

using daemon::Seq;

struct SentEntry {
  std::string message{};  ///< Unique in the whole run.
  std::optional<std::uint64_t> timestamp{};
};

struct ShownEntry {
  std::uint64_t timestamp = 0;
  std::string message{};

  bool operator==(ShownEntry const&) const = default;
};
using ShownEntries = std::map<Seq, ShownEntry>;

class Ledger {
 public:
  using GroupNo = std::size_t;

  /// A new connection; the groups that are sent on it are in order.
  std::size_t add_connection() { return connections_++; }
  GroupNo sent(std::size_t connection, std::vector<SentEntry> entries);
  void acknowledged(GroupNo group, Seq first, Seq last);
  void refused(GroupNo group);
  /// From now on groups may be refused without their client learning it.
  void disk_was_full() noexcept { disk_was_full_ = true; }
  Seq newest_acknowledged() const noexcept { return newest_acknowledged_; }

  /// A read was answered with these entries; `complete` if it asked for all, at a moment when
  /// everything up to `acknowledged` was.
  void shown(ShownEntries const& entries, bool complete, Seq acknowledged, Seq removed);

  /// All that a log holds which has just been opened after a crash or a stop.
  void check_recovered(ShownEntries const& entries, std::vector<wal::Gap> const& gaps, Seq removed);

  /// So long has the daemon been open, in all its lives.
  void set_time(std::chrono::milliseconds open) noexcept { time_ = open; }
  /// What was removed up to `removed` since the last call was sent so long ago at least.
  void check_ages(Seq removed, std::chrono::milliseconds age_min);

  std::size_t acknowledged_entries() const noexcept { return acknowledged_entries_; }

 private:
  struct Group {
    std::size_t connection = 0;
    std::vector<SentEntry> entries{};
    Seq acknowledged_before = 0;
    Seq first_seq = 0;  ///< Known from an acknowledgement, or from a log that held it. Else 0.
    std::chrono::milliseconds sent_at{};  ///< By the time that the daemon was open.
    bool acknowledged = false;
    bool refused = false;
  };
  struct Place {
    GroupNo group = 0;
    std::size_t index = 0;
  };

  void check_entry(Seq seq, ShownEntry const& entry);
  void check_order(ShownEntries const& entries, Seq removed) const;
  void learn_places(ShownEntries const& entries, Seq removed);

  std::vector<Group> groups_{};
  std::map<std::string, Place> places_{};
  ShownEntries shown_{};
  bool disk_was_full_ = false;
  std::size_t connections_ = 0;
  Seq newest_acknowledged_ = 0;
  Seq ages_checked_ = 0;  ///< Up to this seq.
  std::chrono::milliseconds time_{};
  std::size_t acknowledged_entries_ = 0;
};

}  // namespace stele::test
