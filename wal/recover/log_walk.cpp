#include "wal/recover/log_walk.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "wal/format/commit_body.hpp"
#include "wal/format/segment_name.hpp"
#include "wal/recover/retention.hpp"

namespace stele::wal {
namespace {

/// Of an empty payload: bytes bound how many payloads they can have held.
constexpr std::uint64_t record_bytes_min = record_header_bytes;

std::string place(std::uint64_t segment_no, std::uint64_t offset) {
  return segment_name(segment_no) + " at offset " + std::to_string(offset);
}

/// Where the commit would have ended of which only the header is there, or not even that.
std::uint64_t extent_end(SegmentHeader const& segment, std::uint64_t offset,
                         std::optional<CommitHeader> const& commit) {
  if (!commit) return segment.segment_bytes;
  return align_up(offset + commit_header_bytes + commit->body_bytes, segment.commit_align);
}

std::string seq_range(Seq first, Seq last) {
  if (first > last) return "no entries";
  return "seqs " + std::to_string(first) + " to " + std::to_string(last);
}

/// What a start needs of a pack, in the order of the log.
struct WholePack {
  std::vector<PackedBlock> blocks{};  ///< Those with payloads.
  std::vector<PackedGroup> groups{};
  std::vector<std::vector<std::byte>> gap_bodies{};
};

/// The groups and records of one block. False: its seqs do not follow on those of the groups before
/// it.
bool add_commits(std::vector<FramedCommit>& commits, Seq& next_seq, WholePack& into) {
  for (auto& commit : commits) {
    for (auto const& group : commit.groups) {
      if (group.payload_count == 0) return false;
      into.groups.push_back({group.writer, next_seq, next_seq + group.payload_count - 1});
      next_seq += group.payload_count;
    }
    if (commit.kind == CommitKind::gap) into.gap_bodies.push_back(std::move(commit.gap_body));
  }
  return true;
}

/// Nothing: some of it is lost, or its seqs do not all follow one another.
std::optional<WholePack> read_whole(PackReader& pack, ReadAhead& reader) {
  WholePack whole;
  Decompressor decompressor;
  auto const& summary = *pack.summary();
  auto next_of_groups = summary.begin.next_seq;
  auto next_of_payloads = summary.begin.next_seq;
  for (std::size_t i = 0; i < pack.blocks().size(); ++i) {
    PackedBlock block;
    if (!pack.read_block(i, block, reader) || block.header.first_seq != next_of_payloads) {
      return std::nullopt;
    }
    next_of_payloads = block.header.next_seq();
    auto commits = unpack_commits(block, decompressor);
    if (!commits || !add_commits(*commits, next_of_groups, whole)) return std::nullopt;
    if (block.header.payload_count > 0) whole.blocks.push_back(std::move(block));
  }
  bool const is_whole =
      next_of_groups == summary.end.next_seq && next_of_payloads == summary.end.next_seq;
  return is_whole ? std::optional(std::move(whole)) : std::nullopt;
}

}  // namespace

LogWalk::LogWalk(RecoverySink& sink, RecoveryReport& report, Expected const& expected,
                 bool anchored)
    : sink_(sink), report_(report), expected_(expected), anchored_(anchored) {}

void LogWalk::note_durable(std::uint64_t commit_no) noexcept {
  if (commit_no != end_commit_unknown) durable_commit_ = std::max(durable_commit_, commit_no);
}

void LogWalk::note_end(std::uint64_t commit_no, Seq next_seq) noexcept {
  note_durable(commit_no);
  if (commit_no < end_commit_) return;
  end_commit_ = commit_no;
  end_seq_ = next_seq;
}

bool LogWalk::belongs(ScannedCommit const& commit) const noexcept {
  if (!anchored_ && !seen_commit_) return true;
  return commit.header.commit_no == expected_.commit_no &&
         expected_.chain.value_or(commit.header.chain) == commit.header.chain &&
         commit.header.first_seq >= expected_.seq;
}

Result<void> LogWalk::segment(SegmentScanner& scanner, SegmentHeader const& header,
                              std::uint64_t end_commit) {
  auto offset = first_commit_offset;
  while (expected_.commit_no <= end_commit) {
    auto const scanned = scanner.commit_at(offset);
    if (auto const* fault = std::get_if<ScanFault>(&scanned);
        fault != nullptr && *fault == ScanFault::unsupported) {
      return Failure{Errc::unsupported_version,
                     place(header.segment_no, offset) + ": a commit of a newer format version"};
    }
    auto const* commit = std::get_if<ScannedCommit>(&scanned);
    if (commit != nullptr && belongs(*commit) && is_well_formed(commit->header, commit->body)) {
      accept(header.segment_no, *commit);
      offset = commit->end_offset;
      continue;
    }
    if (auto const first = first_kept_commit(scanner, offset)) {
      offset = *first;
      continue;
    }
    auto missing = scanner.commit_header_at(offset);
    if (missing && missing->commit_no != expected_.commit_no) missing.reset();
    auto const survey =
        scanner.survey(offset, extent_end(header, offset, missing), expected_.commit_no + 1);
    auto const& found = survey.commit;
    if (!found || found->header.commit_no > end_commit || found->header.first_seq < expected_.seq ||
        !is_well_formed(found->header, found->body)) {
      // A commit behind it that was begun, whatever became of it, proves that it had been on disk.
      if (survey.header || survey.behind.kind == TailState::Kind::nonzero) {
        note_durable(expected_.commit_no);
      }
      note_rest({.segment_no = header.segment_no,
                 .offset = offset,
                 .rest = found ? scanner.rest(offset) : survey.rest,
                 .bytes_max = header.segment_bytes - offset,
                 .header = missing});
      break;
    }
    bool const here = found->offset > offset;  // Else the missing ones lay in a segment before.
    if (!hole_ || (here && hole_->rest.kind == TailState::Kind::zero)) {
      hole_ = Hole{.segment_no = header.segment_no, .offset = offset};
    }
    accept(header.segment_no, *found);
    offset = found->end_offset;
  }
  return {};
}

/// Where the first commit of a log stands before which its segment has others that are damaged:
/// they are named as expired, with what lay before them.
std::optional<std::uint64_t> LogWalk::first_kept_commit(SegmentScanner& scanner,
                                                        std::uint64_t offset) const {
  if (seen_commit_ || !anchored_ || offset != first_commit_offset) return std::nullopt;
  auto const found = scanner.find(offset, expected_.commit_no);
  bool const is_it = found && belongs(*found) && is_well_formed(found->header, found->body);
  return is_it ? std::optional(found->offset) : std::nullopt;
}

void LogWalk::lost_segment(std::uint64_t segment_no, std::uint64_t bytes,
                           std::string const& reason) {
  note_rest({.segment_no = segment_no,
             .rest = {.kind = TailState::Kind::unreadable},
             .bytes_max = bytes,
             .reason = reason});
}

void LogWalk::end_here() {
  if (hole_ && hole_->rest.kind != TailState::Kind::zero) judge_end();
}

void LogWalk::note_rest(Hole hole) {
  if (hole.rest.kind != TailState::Kind::zero) {
    keep(hole.segment_no);
  } else if (!segments_.empty() && segments_.back().segment_no == hole.segment_no) {
    segments_.back().ends_in_zeros = true;
  }
  if (!hole_) {
    hole_ = std::move(hole);
    return;
  }
  hole_->bytes_max += hole.bytes_max;
  if (hole.rest.kind == TailState::Kind::zero) return;
  hole.bytes_max = hole_->bytes_max;
  if (hole_->rest.kind == TailState::Kind::zero) {
    hole_ = std::move(hole);  // The segment before ended where it should: judged again here.
  } else {
    trace_behind_hole_ = true;
  }
}

void LogWalk::accept(std::uint64_t segment_no, ScannedCommit const& commit) {
  if (hole_) pass_hole(segment_no, commit);
  auto const& header = commit.header;
  if (anchored_) note_skipped(segment_no, commit.offset, header.first_seq);
  if (!anchored_) {
    if (header.first_seq > expected_.seq) {
      report_gap({.segment_no = segment_no, .offset = commit.offset}, GapReason::damaged,
                 header.first_seq - 1, "nobody knows any more what lay before this");
    }
    expected_ = {.commit_no = header.commit_no, .chain = header.chain, .seq = header.first_seq};
  }
  keep(segment_no);
  segments_.back().end_offset = commit.end_offset;
  last_salt_ = header.salt;
  note_durable(header.durable_commit);
  deliver(commit);
  seen_commit_ = true;
  anchored_ = true;
  sealed_ = header.kind == CommitKind::seal;
  expected_ = {.commit_no = header.commit_no + 1,
               .chain = commit.crc,
               .seq = header.first_seq + header.payload_count};
  report_.bytes += commit.end_offset - commit.offset;
  ++report_.commits;
  report_.payloads += header.payload_count;
}

/// Whether the first commit of the pack is the one that is expected, and its last may lie there.
bool LogWalk::follows(PackSummary const& summary, std::uint64_t end_commit) const noexcept {
  bool const ends_before = !hole_ || (hole_->rest.kind == TailState::Kind::zero &&
                                      hole_->reason.empty() && !trace_behind_hole_);
  return anchored_ && ends_before && summary.begin.commit_no == expected_.commit_no &&
         summary.begin.chain == expected_.chain && summary.begin.next_seq >= expected_.seq &&
         summary.end.commit_no - 1 <= end_commit;
}

bool LogWalk::packed_segment(PackReader& pack, ReadAhead& reader, std::uint64_t end_commit) {
  auto const* const summary = pack.summary();
  if (summary == nullptr || pack.note().empty() || !pack.patches().empty()) return false;
  if (summary->commit_count == 0 || !follows(*summary, end_commit)) return false;
  auto const& header = pack.header().segment;
  reader.open(pack.file());
  auto whole = read_whole(pack, reader);
  reader.close();
  if (!whole) return false;
  PackContents contents{.segment_no = header.segment_no,
                        .note = pack.note(),
                        .groups = whole->groups,
                        .blocks = std::move(whole->blocks)};
  if (!sink_.on_pack(contents)) return false;
  hole_.reset();  // The log turned to this segment.
  note_skipped(header.segment_no, first_commit_offset, summary->begin.next_seq);
  keep(header.segment_no);
  segments_.back().end_offset = summary->end_offset;
  for (auto const& body : whole->gap_bodies) take_records(body);
  last_salt_ = summary->salt;
  note_durable(summary->durable_commit);
  seen_commit_ = true;
  sealed_ = summary->sealed;
  expected_ = {.commit_no = summary->end.commit_no,
               .chain = summary->end.chain,
               .seq = summary->end.next_seq};
  report_.bytes += summary->end_offset - first_commit_offset;
  report_.commits += summary->commit_count;
  report_.payloads += summary->payload_count;
  if (expected_.commit_no <= end_commit) {
    note_rest({.segment_no = header.segment_no,
               .offset = summary->end_offset,
               .bytes_max = header.segment_bytes - summary->end_offset});
  }
  return true;
}

/// A start that judged a torn tail skipped its seqs; a gap record names them.
void LogWalk::note_skipped(std::uint64_t segment_no, std::uint64_t offset, Seq next_seq) {
  if (next_seq <= expected_.seq) return;
  found_gaps_.push_back({.first_seq = expected_.seq,
                         .last_seq = next_seq - 1,
                         .segment_no = segment_no,
                         .offset = offset});
}

/// Notes that the segment is part of the log: its number is never used again.
void LogWalk::keep(std::uint64_t segment_no) {
  if (!segments_.empty() && segments_.back().segment_no == segment_no) return;
  segments_.push_back({.segment_no = segment_no,
                       .first_commit_no = expected_.commit_no,
                       .first_chain = expected_.chain.value_or(first_chain),
                       .first_seq = expected_.seq});
}

/// Those of a commit of kind gap.
void LogWalk::take_records(std::span<std::byte const> gap_body) {
  auto const gaps = decode_gaps(gap_body);
  named_gaps_.insert(named_gaps_.end(), gaps.begin(), gaps.end());
  auto const known = decode_acknowledgements(gap_body);
  auto& all = report_.acknowledgements;
  all.insert(all.end(), known.begin(), known.end());
  if (auto const age = decode_age(gap_body)) {
    auto& segment = segments_.back();
    if (!segment.first_age) segment.first_age = age;
    segment.last_age = std::max(segment.last_age, *age);
  }
}

void LogWalk::deliver(ScannedCommit const& commit) {
  if (commit.header.kind == CommitKind::gap) take_records(commit.body);
  if (commit.header.kind != CommitKind::entries) return;
  auto seq = commit.header.first_seq;
  GroupReader groups(commit.body);
  while (auto const group = groups.next()) {
    sink_.on_group(group->header.writer, seq, seq + group->header.payload_count - 1);
    RecordReader records(group->records);
    while (auto const payload = records.next()) sink_.on_payload(seq++, *payload);
  }
  sink_.on_commit(segments_.back().segment_no, commit.end_offset - commit.offset);
}

void LogWalk::pass_hole(std::uint64_t segment_no, ScannedCommit const& next) {
  auto const hole = *std::exchange(hole_, std::nullopt);
  MissingCommit const missing{.proven = expected_.commit_no <= durable_commit_,
                              .rest = hole.rest.kind,
                              .beyond = next.header.commit_no == expected_.commit_no
                                            ? Beyond::same_commit
                                            : Beyond::later_commit};
  trace_behind_hole_ = false;
  if (judge(missing) == Verdict::turned) return;
  auto const what = "commits " + std::to_string(expected_.commit_no) + " to " +
                    std::to_string(next.header.commit_no - 1) +
                    " are damaged: the log goes on in " + place(segment_no, next.offset);
  auto& finding = report_gap(hole, GapReason::damaged, next.header.first_seq - 1, what);
  finding.next_segment_no = segment_no;
  finding.next_offset = next.offset;
  finding.next_chain = next.header.chain;
  finding.last_commit_no = next.header.commit_no - 1;
  expected_ = {
      .commit_no = next.header.commit_no, .chain = next.header.chain, .seq = next.header.first_seq};
}

Finding& LogWalk::report_gap(Hole const& hole, GapReason reason, Seq last_seq,
                             std::string const& what) {
  if (reason == GapReason::damaged) {
    damaged_ = true;
    if (damaged_segments_.empty() || damaged_segments_.back() != hole.segment_no) {
      damaged_segments_.push_back(hole.segment_no);
    }
  }
  Gap const gap{.first_seq = expected_.seq,
                .last_seq = last_seq,
                .reason = reason,
                .segment_no = hole.segment_no,
                .offset = hole.offset};
  if (gap.first_seq <= gap.last_seq) found_gaps_.push_back(gap);
  auto const reason_text = hole.reason.empty() ? what : hole.reason + "; " + what;
  return findings_.emplace_back(
      Finding{.kind = reason == GapReason::torn ? Finding::Kind::torn : Finding::Kind::damage,
              .text = place(hole.segment_no, hole.offset) + ": " + reason_text +
                      "; missing: " + seq_range(gap.first_seq, gap.last_seq),
              .gap = gap,
              .first_commit_no = expected_.commit_no,
              .last_commit_no = UINT64_MAX,
              .first_chain = anchored_ ? expected_.chain : std::nullopt});
}

void LogWalk::judge_end() {
  if (!hole_) return;
  auto const hole = *std::exchange(hole_, std::nullopt);
  auto const beyond = trace_behind_hole_ ? Beyond::trace : Beyond::nothing;
  auto const verdict = judge(
      {.proven = expected_.commit_no <= durable_commit_, .rest = hole.rest.kind, .beyond = beyond});
  if (verdict != Verdict::torn_tail && verdict != Verdict::damage) return;

  // The missing commit's seqs are never given out again: if it was acknowledged and has rotted
  // since, its readers must not find other entries in its place. Without its header, its bytes
  // bound how many there were.
  auto const bytes = verdict == Verdict::torn_tail ? hole.rest.bytes : hole.bytes_max;
  auto const bound = (bytes + record_bytes_min - 1) / record_bytes_min;
  bool const exact = hole.header && verdict == Verdict::torn_tail;
  auto const count = exact ? hole.header->payload_count : bound;
  bool const end_is_known = verdict == Verdict::damage && expected_.commit_no <= end_commit_ &&
                            durable_commit_ <= end_commit_;
  auto const next_seq = end_is_known ? std::max(end_seq_, expected_.seq) : expected_.seq + count;
  auto const last_seq = next_seq - 1;
  if (verdict == Verdict::torn_tail) {
    report_gap(hole, GapReason::torn, last_seq,
               "an unfinished commit was set aside, " + std::to_string(hole.rest.bytes) + " bytes");
  } else {
    report_gap(hole, GapReason::damaged, last_seq,
               "the log was on disk up to commit " +
                   std::to_string(std::max(durable_commit_, expected_.commit_no)) +
                   " and ends before it");
    expected_.commit_no = std::max(durable_commit_ + 1, expected_.commit_no);
  }
  expected_.seq = next_seq;
}

void LogWalk::join_named_gaps() {
  named_seqs_.clear();
  for (auto const& gap : named_gaps_) {
    if (gap.first_seq <= gap.last_seq) named_seqs_.push_back({gap.first_seq, gap.last_seq});
  }
  std::ranges::sort(named_seqs_, {}, &SeqRange::first);
  std::size_t joined = 0;
  for (auto const& range : named_seqs_) {
    if (joined > 0 && range.first <= named_seqs_[joined - 1].last + 1) {
      auto& last = named_seqs_[joined - 1].last;
      last = std::max(last, range.last);
    } else {
      named_seqs_[joined++] = range;
    }
  }
  named_seqs_.resize(joined);
}

/// Whether the log's gap records, taken together, name all of it. Precondition: they are joined.
bool LogWalk::is_named(Gap const& gap) const noexcept {
  if (gap.first_seq > gap.last_seq) return true;
  auto const behind = std::ranges::upper_bound(named_seqs_, gap.first_seq, {}, &SeqRange::first);
  return behind != named_seqs_.begin() && std::prev(behind)->last >= gap.last_seq;
}

std::vector<Gap> LogWalk::gaps_not_named() const {
  std::vector<Gap> gaps;
  std::ranges::copy_if(found_gaps_, std::back_inserter(gaps),
                       [&](Gap const& gap) { return !is_named(gap); });
  return gaps;
}

void LogWalk::finish(Recovered& recovered) {
  judge_end();
  join_named_gaps();
  // What an earlier start found and named is no news.
  for (auto& finding : findings_) {
    bool const no_seqs = finding.gap.first_seq > finding.gap.last_seq;
    finding.named = !no_seqs && is_named(finding.gap);
    if (!finding.named) {
      if (report_.findings.size() < RecoveryReport::findings_max) {
        report_.findings.push_back(finding.text);
      } else {
        ++report_.findings_omitted;
      }
    }
    recovered.findings.push_back(std::move(finding));
  }
  recovered.new_gaps = gaps_not_named();
  report_.gaps = named_gaps_;
  report_.gaps.insert(report_.gaps.end(), recovered.new_gaps.begin(), recovered.new_gaps.end());
  std::ranges::sort(report_.gaps, {}, &Gap::first_seq);
  report_.clean_stop = sealed_;
  std::ranges::sort(damaged_segments_);
  for (auto& segment : segments_) {
    segment.damaged = std::ranges::binary_search(damaged_segments_, segment.segment_no);
  }
  recovered.age = date_segments(segments_);
  recovered.damaged = damaged_;
  recovered.segments = std::move(segments_);
  recovered.last_salt = last_salt_;
  // A chain that is unknown is one that no reader checks: it follows a hole.
  recovered.start = {.commit_no = expected_.commit_no,
                     .chain = expected_.chain.value_or(first_chain),
                     .next_seq = expected_.seq};
}

}  // namespace stele::wal
