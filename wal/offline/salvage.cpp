#include "wal/offline/salvage.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "wal/format/commit_body.hpp"
#include "wal/format/segment_name.hpp"
#include "wal/offline/log_check.hpp"
#include "wal/offline/salvage_writer.hpp"
#include "wal/recover/segment_scanner.hpp"

namespace stele::wal {
namespace {

/// A stretch of one segment.
struct Stretch {
  std::uint64_t segment_no = 0;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// What the next commit of a segment must say, as far as that is known.
struct Expected {
  std::uint64_t commit_no = 0;
  std::optional<std::uint32_t> chain{};
};

/// What the header of the next segment says of the salt of a segment.
struct NamedSalt {
  std::uint64_t salt = 0;
  bool is_sure = false;  ///< Else it may be that of an older one, where the last commit lay.
};
std::optional<NamedSalt> salt_named_by_next(LogInventory const& inventory,
                                            std::uint64_t segment_no) {
  auto const next = inventory.segments.find(segment_no + 1);
  if (next == inventory.segments.end() || !next->second.unreadable.empty()) return std::nullopt;
  auto const& header = next->second.header;
  if (header.prev_segment_no != segment_no) return std::nullopt;
  return NamedSalt{header.prev_salt, !is_made_by_start(header)};
}

/// Whether this commit, of a segment that has lost its headers, is provably of this log: the header
/// of the next segment names its salt, or the commit before it, or the one behind it, is known and
/// chained to it. The number alone says nothing: every log has a commit of that number, and the
/// first of each has the same chain.
bool is_proven(CommitHeader const& commit, std::uint32_t crc, Expected const& expected,
               Finding const& finding, std::optional<NamedSalt> const& named) {
  if (named && (named->is_sure || named->salt == commit.salt)) return named->salt == commit.salt;
  bool const follows = commit.commit_no > first_commit_no &&
                       commit.commit_no == expected.commit_no && expected.chain == commit.chain;
  bool const is_last = finding.next_segment_no != 0 && commit.commit_no == finding.last_commit_no;
  return follows || (is_last && crc == finding.next_chain);
}

/// Neither copy of its header is valid: a commit that is proven to be of this log stands in for it.
std::optional<SegmentHeader> header_from_commits(ReadAhead& reader, OpenSegment const& segment,
                                                 File& file, Expected const& expected,
                                                 Finding const& finding,
                                                 LogInventory const& inventory) {
  auto const named = salt_named_by_next(inventory, segment.segment_no);
  reader.open(file);
  std::optional<SegmentHeader> found;
  for (auto at = first_commit_offset; !found && at < segment.bytes; at += commit_align_min) {
    auto const head = reader.view(at, commit_header_bytes);
    if (head.bytes.size() < commit_header_bytes) continue;
    auto const bytes = head.bytes.first<commit_header_bytes>();
    auto const decoded = decode_commit_header(bytes);
    auto const* commit = std::get_if<CommitHeader>(&decoded);
    if (commit == nullptr || commit->commit_no < finding.first_commit_no ||
        commit->commit_no > finding.last_commit_no ||
        !is_proven(*commit, header_crc(bytes), expected, finding, named)) {
      continue;
    }
    found = SegmentHeader{.segment_bytes = segment.bytes,
                          .commit_align = commit_align_min,
                          .segment_no = segment.segment_no,
                          .salt = commit->salt};
  }
  reader.close();
  return found;
}

/// As much of it as the device gives, from the front.
std::vector<std::byte> read_body(ReadAhead& reader, std::uint64_t offset, std::size_t bytes) {
  std::vector<std::byte> body;
  while (body.size() < bytes) {
    auto const at = offset + body.size();
    auto const block = commit_align_min - at % commit_align_min;
    auto const part = reader.view(at, std::min(block, bytes - body.size()));
    if (!part.readable || part.bytes.empty()) break;
    body.insert(body.end(), part.bytes.begin(), part.bytes.end());
  }
  return body;
}

/// Takes the groups as they come, and before each what is left of the commits that are missing
/// before it.
class Copy final : public RecoverySink {
 public:
  Copy(Directory& source, LogCheck const& check, SalvageWriter& writer)
      : source_(source), check_(check), writer_(writer), reader_(source) {}

  void on_group(WriterMark const& writer, Seq first, Seq last) override {
    copy_remains_before(first);
    mark_ = writer;
    first_ = first;
    last_ = last;
    payloads_.clear();
  }
  void on_payload(Seq seq, std::string_view payload) override {
    payloads_.emplace_back(payload);
    if (seq == last_) add(mark_, first_, payloads_);
  }

  /// After all payloads.
  Result<SalvageReport> finish();

 private:
  void copy_remains_before(Seq seq);
  void copy_remains(Finding const& finding);
  void copy_remains(Finding const& finding, Stretch const& stretch, Expected& expected);
  void add_remains(Finding const& finding, CommitHeader const& header,
                   std::span<std::byte const> body);
  void add(WriterMark const& writer, Seq first, std::vector<std::string> const& payloads);

  Directory& source_;
  LogCheck const& check_;
  SalvageWriter& writer_;
  ReadAhead reader_;
  std::size_t findings_done_ = 0;
  WriterMark mark_{};
  Seq first_ = 0;
  Seq last_ = 0;
  std::vector<std::string> payloads_{};
  Seq next_seq_ = 1;          ///< Behind all that was added.
  std::vector<Gap> found_{};  ///< Out of damage: as stretches of seqs.
  SalvageReport report_{};
  std::optional<Failure> failure_{};
};

void Copy::add(WriterMark const& writer, Seq first, std::vector<std::string> const& payloads) {
  if (failure_) return;
  std::vector<std::string_view> const views(payloads.begin(), payloads.end());
  if (auto const added = writer_.add_group(writer, first, views); !added) failure_ = added.error();
  report_.payloads += payloads.size();
  next_seq_ = first + payloads.size();
}

void Copy::copy_remains_before(Seq seq) {
  for (; findings_done_ < check_.findings.size(); ++findings_done_) {
    auto const& finding = check_.findings[findings_done_];
    if (finding.gap.first_seq >= seq) return;
    if (finding.kind == Finding::Kind::damage) copy_remains(finding);
  }
}

void Copy::copy_remains(Finding const& finding) {
  if (finding.gap.first_seq > finding.gap.last_seq) return;
  auto const& segments = check_.inventory.segments;
  Expected expected{.commit_no = finding.first_commit_no, .chain = finding.first_chain};
  for (auto at = segments.lower_bound(finding.gap.segment_no); at != segments.end(); ++at) {
    auto const no = at->first;
    bool const is_last = no == finding.next_segment_no;
    Stretch const stretch{.segment_no = no,
                          .begin = no == finding.gap.segment_no ? finding.gap.offset : 0,
                          .end = is_last ? finding.next_offset : at->second.bytes};
    copy_remains(finding, stretch, expected);
    if (is_last) return;
  }
}

void Copy::copy_remains(Finding const& finding, Stretch const& stretch, Expected& expected) {
  auto const& segment = check_.inventory.segments.at(stretch.segment_no);
  auto const file = source_.open(segment_name(stretch.segment_no));
  if (!file) return;
  std::optional<SegmentHeader> header = segment.header;
  if (!segment.unreadable.empty()) {
    if (segment.header.segment_no != 0) return;  // Another log's, or another segment.
    header = header_from_commits(reader_, segment, **file, expected, finding, check_.inventory);
  }
  if (!header) return;
  SegmentScanner scanner(reader_, **file, *header);
  for (auto at = std::max(stretch.begin, first_commit_offset); at < stretch.end;) {
    auto const commit = scanner.commit_header_at(at);
    auto const begin = std::exchange(at, at + header->commit_align);
    if (!commit) continue;
    if (commit->commit_no < finding.first_commit_no || commit->commit_no > finding.last_commit_no) {
      continue;
    }
    auto const encoded = encode_commit_header(*commit);
    expected = {.commit_no = commit->commit_no + 1, .chain = header_crc(encoded)};
    if (commit->kind != CommitKind::entries) continue;
    add_remains(finding, *commit,
                read_body(reader_, begin + commit_header_bytes, commit->body_bytes));
  }
}

void Copy::add_remains(Finding const& finding, CommitHeader const& header,
                       std::span<std::byte const> body) {
  bool const fits = header.first_seq >= std::max(next_seq_, finding.gap.first_seq) &&
                    header.first_seq + header.payload_count <= finding.gap.last_seq + 1;
  if (!fits) return;
  auto const remains = salvageable_payloads(header, body);
  for (std::size_t i = 0; i < remains.size();) {
    auto const first = remains[i].seq;
    std::vector<std::string> run;
    for (; i < remains.size() && remains[i].seq == first + run.size(); ++i) {
      run.emplace_back(remains[i].payload);
    }
    // Whose write it was stood in a group that is not whole any more.
    add(WriterMark{}, first, run);
    report_.out_of_damage += run.size();
    found_.push_back({.first_seq = first, .last_seq = first + run.size() - 1});
  }
}

/// What is left of a gap of which parts were found, by seq.
std::vector<Gap> without(Gap const& gap, std::vector<Gap> const& found) {
  std::vector<Gap> left;
  auto rest = gap;
  auto part = std::ranges::lower_bound(found, gap.first_seq, {}, &Gap::last_seq);
  for (; part != found.end() && part->first_seq <= rest.last_seq; ++part) {
    if (part->first_seq > rest.first_seq) {
      left.push_back(rest);
      left.back().last_seq = part->first_seq - 1;
    }
    rest.first_seq = part->last_seq + 1;
  }
  if (rest.first_seq <= rest.last_seq) left.push_back(rest);
  return left;
}

Result<SalvageReport> Copy::finish() {
  copy_remains_before(UINT64_MAX);
  for (auto const& gap : check_.report.gaps) {
    bool const has_seqs = gap.reason != GapReason::dropped_by_client;
    auto const left = has_seqs ? without(gap, found_) : std::vector<Gap>{gap};
    report_.gaps.insert(report_.gaps.end(), left.begin(), left.end());
  }
  for (auto const& gap : report_.gaps) {
    // MANIFEST says what has expired.
    if (failure_ || gap.reason == GapReason::expired) continue;
    if (auto const added = writer_.add_gap(gap); !added) failure_ = added.error();
  }
  for (auto const& known : check_.report.acknowledgements) {
    if (failure_) break;
    auto const record = acknowledgement_record(known.first_seq, known.last_seq);
    if (auto const added = writer_.add_gap(record); !added) failure_ = added.error();
  }
  if (!failure_) {
    if (auto const done = writer_.finish(check_.end.next_seq); !done) failure_ = done.error();
  }
  if (failure_) return *failure_;
  return std::move(report_);
}

}  // namespace

Result<SalvageReport> salvage_log(Directory& source, Directory& target,
                                  SalvageOptions const& options) {
  auto const check = check_log(source, options.in_use);
  if (!check) return check.error();
  if (check->in_use) return Failure{Errc::locked, "a process has the log open"};
  SalvageWriter writer(target, check->inventory.manifest.first_seq, options.entropy);
  Copy copy(source, *check, writer);
  if (auto const delivered = deliver_log(source, copy); !delivered) return delivered.error();
  return copy.finish();
}

}  // namespace stele::wal
