// What a log does not hold, and why: kept current while the log runs, so that it can be asked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "wal/types.hpp"

namespace stele::wal {

/// How many seqs are missing for each reason, and how many payloads clients dropped.
struct GapTotals {
  std::uint64_t expired = 0;
  std::uint64_t damaged = 0;
  std::uint64_t torn = 0;
  std::uint64_t dropped = 0;
  std::uint64_t acknowledged = 0;  ///< Of the damaged ones.

  /// Of the seqs up to the newest one; dropped payloads never had any.
  std::uint64_t missing_seqs() const noexcept { return expired + damaged + torn; }
  bool operator==(GapTotals const&) const = default;
};

/// Names each missing seq once: gap records of several starts may overlap, and the first one that
/// names a seq says why.
class GapLedger {
 public:
  /// Records of dropped payloads are kept one by one up to this many; then the oldest of them are
  /// reported as one. Clients write them, so nothing else bounds them.
  static constexpr std::size_t dropped_records_max = 4096;

  void add(Gap const& gap);
  /// An operator knows of the damage among these seqs.
  void acknowledge(Seq first, Seq last);
  /// What is damaged among these seqs and nobody has acknowledged.
  std::vector<Gap> unacknowledged(Seq first, Seq last) const;
  /// Retention removed all below `first_seq`, which lies in this segment now.
  void expire(Seq first_seq, std::uint64_t segment_no);

  /// By first_seq. What was dropped before a seq comes before a gap that begins with it.
  std::span<Gap const> gaps() const noexcept { return gaps_; }
  /// How many gaps were compared with one that was added, all together: a log may have very many.
  std::uint64_t compared() const noexcept { return compared_; }
  /// Of what lies behind this seq.
  GapTotals totals(Seq after_seq = 0) const noexcept;

 private:
  void add_dropped(Gap const& gap);
  void insert(Gap const& gap);
  void join_oldest_dropped();

  std::vector<Gap> gaps_{};
  std::size_t dropped_records_ = 0;
  std::uint64_t compared_ = 0;
};

}  // namespace stele::wal
