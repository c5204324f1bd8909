// Walks the commits of a log in order, from segment to segment, and notes what is missing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "wal/pack/pack_reader.hpp"
#include "wal/recover/log_reading.hpp"
#include "wal/recover/recovery_rules.hpp"
#include "wal/recover/segment_scanner.hpp"

namespace stele::wal {

/// Used by read_log(): begin with what the first commit must carry, segment() for each segment in
/// order, then finish().
///
/// The walk expects one commit at a time. Where it is not, the walk remembers the place (a hole)
/// and goes on with whatever valid commit it finds next, here or in a later segment; what that is
/// decides what the hole was. A hole that nothing follows is judged at the end.
/// A commit is expected if it meets conditions 6 to 8 of FORMAT.md.
class LogWalk {
 public:
  struct Expected {
    std::uint64_t commit_no = first_commit_no;
    std::optional<std::uint32_t> chain{first_chain};  ///< Unknown behind a hole.
    Seq seq = 1;
  };

  /// `anchored` false: nobody knows where the log begins; the first valid commit says it.
  LogWalk(RecoverySink& sink, RecoveryReport& report, Expected const& expected, bool anchored);

  /// Something says that this commit was on disk.
  void note_durable(std::uint64_t commit_no) noexcept;
  /// The same, and the log would have gone on behind it with this seq: where nothing says that it
  /// did go on, that bounds what is missing.
  void note_end(std::uint64_t commit_no, Seq next_seq) noexcept;

  /// `end_commit`: the last commit that may lie in this segment; a later start set the rest aside.
  Result<void> segment(SegmentScanner& scanner, SegmentHeader const& header,
                       std::uint64_t end_commit);
  /// The same of a segment that is packed, without its payloads being looked at, if its pack is
  /// whole, follows on what came before, and the sink takes it. `reader` is used by nobody else.
  /// False: nothing was done.
  bool packed_segment(PackReader& pack, ReadAhead& reader, std::uint64_t end_commit);
  /// Judges an end of the log that a start has judged before, in whose segment, which comes next,
  /// no commit is: its crash must not pass for one of the log.
  void end_here();
  /// A segment of which nothing can be read.
  void lost_segment(std::uint64_t segment_no, std::uint64_t bytes, std::string const& reason);

  /// Judges the end of the log and fills `recovered`: start, segments, gaps, damage.
  void finish(Recovered& recovered);

 private:
  struct Hole {
    std::uint64_t segment_no = 0;
    std::uint64_t offset = 0;
    TailState rest{};
    std::uint64_t bytes_max = 0;           ///< That the missing commits can have taken: up to the
                                           ///< end of the last segment that was walked.
    std::optional<CommitHeader> header{};  ///< Of a commit whose body is bad.
    std::string reason{};
  };
  bool belongs(ScannedCommit const& commit) const noexcept;
  std::optional<std::uint64_t> first_kept_commit(SegmentScanner& scanner,
                                                 std::uint64_t offset) const;
  void accept(std::uint64_t segment_no, ScannedCommit const& commit);
  void deliver(ScannedCommit const& commit);
  void take_records(std::span<std::byte const> gap_body);
  bool follows(PackSummary const& summary, std::uint64_t end_commit) const noexcept;
  void keep(std::uint64_t segment_no);
  void note_skipped(std::uint64_t segment_no, std::uint64_t offset, Seq next_seq);
  void pass_hole(std::uint64_t segment_no, ScannedCommit const& next);
  void note_rest(Hole hole);
  void judge_end();
  Finding& report_gap(Hole const& hole, GapReason reason, Seq last_seq, std::string const& what);
  bool is_named(Gap const& gap) const noexcept;
  void join_named_gaps();
  std::vector<Gap> gaps_not_named() const;

  RecoverySink& sink_;
  RecoveryReport& report_;
  Expected expected_;
  bool anchored_;
  bool seen_commit_ = false;
  bool sealed_ = false;
  std::uint64_t durable_commit_ = 0;
  std::uint64_t end_commit_ = 0;  ///< The last that note_end() named,
  Seq end_seq_ = 0;               ///< and what follows it.
  std::uint64_t last_salt_ = 0;
  std::optional<Hole> hole_{};
  bool trace_behind_hole_ = false;
  std::vector<Gap> found_gaps_{};
  std::vector<Gap> named_gaps_{};
  struct SeqRange {
    Seq first = 0;
    Seq last = 0;
  };
  std::vector<SeqRange> named_seqs_{};  ///< All that they name, by seq; neighbours are one.
  std::vector<Finding> findings_{};
  std::vector<std::uint64_t> damaged_segments_{};
  std::vector<KeptSegment> segments_{};
  bool damaged_ = false;
};

}  // namespace stele::wal
