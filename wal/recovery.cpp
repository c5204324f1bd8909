#include "wal/recovery.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "wal/log_walk.hpp"
#include "wal/segment_name.hpp"
#include "wal/segment_scanner.hpp"

namespace stele::wal {
namespace {

/// Of a segment that is lost, when no other is larger: the default size.
constexpr std::uint64_t lost_bytes_unknown = std::uint64_t{64} << 20;

struct Sync final : Completion {
  void on_complete(boost::system::error_code result) noexcept override {
    error = result;
    done = true;
  }
  boost::system::error_code error{};
  bool done = false;
};

/// The names in the directory, sorted out.
struct Names {
  bool manifest = false;
  std::vector<std::uint64_t> segments{};  ///< Ascending.
  std::vector<std::string> unfinished{};
};

Names sort_names(std::vector<std::string> const& names) {
  Names sorted;
  for (auto const& name : names) {
    if (name == manifest_name) sorted.manifest = true;
    if (name.ends_with(unfinished_suffix)) sorted.unfinished.push_back(name);
    if (auto const number = parse_segment_name(name)) sorted.segments.push_back(*number);
  }
  std::ranges::sort(sorted.segments);
  return sorted;
}

Result<Decoded<Manifest>> read_manifest(Directory& directory) {
  auto file = directory.open(manifest_name);
  if (!file) return file.error();
  AlignedBuffer block(manifest_bytes);
  auto const read = file.value()->read_at(0, {block.data(), manifest_bytes});
  if (!read) return read.error();
  if (read.value() < manifest_bytes) return Decoded<Manifest>(HeaderFault::invalid);
  return decode_manifest(std::span<std::byte const, manifest_bytes>(block.data(), manifest_bytes));
}

struct OpenSegment {
  std::unique_ptr<File> file{};
  SegmentHeader header{};
  std::uint64_t bytes = 0;
  bool begun = false;        ///< It holds a commit.
  std::string unreadable{};  ///< Why nothing of it can be used; empty: it can.
};

Result<OpenSegment> open_segment(Directory& directory, std::uint64_t segment_no) {
  OpenSegment segment;
  auto file = directory.open(segment_name(segment_no));
  if (!file) {
    segment.unreadable = file.error().message;
    return segment;
  }
  segment.file = std::move(file.value());
  if (auto const size = segment.file->size()) segment.bytes = size.value();
  SegmentScanner scanner(*segment.file, directory.alignment());
  auto const header = scanner.read_header();
  if (auto const* found = std::get_if<SegmentHeader>(&header)) {
    segment.header = *found;
    scanner.use(*found);
    segment.begun = scanner.find(first_commit_offset, first_commit_no).has_value();
    if (found->segment_no != segment_no) segment.unreadable = "it is another segment, renamed";
    return segment;
  }
  if (std::get<ScanFault>(header) == ScanFault::unsupported) {
    return Failure{Errc::unsupported_version,
                   segment_name(segment_no) + ": written by a newer format version"};
  }
  segment.unreadable = "neither copy of its header is valid";
  return segment;
}

/// Whether commits may have been written to it: only what is surely a spare is not.
bool was_used(Directory& directory, OpenSegment const& segment) {
  if (!segment.unreadable.empty()) return true;
  SegmentScanner scanner(*segment.file, directory.alignment());
  scanner.use(segment.header);
  return scanner.rest(first_commit_offset).kind != Rest::Kind::zero;
}

/// A MANIFEST is never older than the segments, a spare aside, unless the disk gave back an old
/// one.
Result<void> adopt_later_segments(Directory& directory, Names const& names, Manifest& manifest,
                                  RecoveryReport& report) {
  for (auto const no : names.segments) {
    if (no <= manifest.last_segment_no) continue;
    auto const segment = open_segment(directory, no);
    if (!segment) return segment.error();
    bool const ours = segment->unreadable.empty() && segment->header.store_id == manifest.store_id;
    // A file of the next number would be replaced, so it is judged with the others.
    bool const next = no == manifest.last_segment_no + 1;
    if (!(ours || next) || !was_used(directory, *segment)) continue;
    report.findings.push_back(segment_name(no) + ": MANIFEST does not name it, an old copy");
    manifest.last_segment_no = no;
  }
  return {};
}

using Segments = std::map<std::uint64_t, OpenSegment>;

/// Opens the headers of all segments that should be there. Missing ones have no file.
Result<Segments> open_segments(Directory& directory, Names const& names, Manifest const& manifest) {
  Segments segments;
  for (auto no = manifest.first_segment_no; no <= manifest.last_segment_no; ++no) {
    if (!std::ranges::binary_search(names.segments, no)) {
      segments[no].unreadable = "the file is missing";
      continue;
    }
    auto segment = open_segment(directory, no);
    if (!segment) return segment.error();
    if (segment->unreadable.empty() && segment->header.store_id != manifest.store_id) {
      segment->unreadable = "it belongs to another log";
    }
    // Only the headers stay open: a log may have more segments than a process may have files.
    segment->file.reset();
    segments[no] = std::move(segment.value());
  }
  return segments;
}

/// The MANIFEST, or what the segments say in its place.
Result<Manifest> establish_manifest(Directory& directory, Names const& names,
                                    RecoveryReport& report, bool& rebuilt) {
  std::string reason = "MANIFEST is missing";
  if (names.manifest) {
    auto const read = read_manifest(directory);
    if (read && std::holds_alternative<Manifest>(read.value())) {
      return std::get<Manifest>(read.value());
    }
    if (read && std::get<HeaderFault>(read.value()) == HeaderFault::unsupported) {
      return Failure{Errc::unsupported_version, "MANIFEST: written by a newer format version"};
    }
    reason = read ? "MANIFEST is damaged" : read.error().message;
  }
  rebuilt = true;
  for (auto const segment_no : names.segments) {
    auto const segment = open_segment(directory, segment_no);
    if (!segment) return segment.error();
    if (!segment->unreadable.empty()) continue;
    report.findings.push_back(reason + "; rebuilt from the segments that are there");
    return Manifest{.store_id = segment->header.store_id,
                    .first_segment_no = names.segments.front(),
                    .last_segment_no = names.segments.back()};
  }
  return Failure{Errc::not_a_log, reason + ", and no segment can be read"};
}

/// The last commit that may lie in a segment: a start that made a later one found the log's end
/// there, and what was written behind it is not part of the log. A start that got no commit onto
/// the disk has told nobody; the log's end is judged again.
std::uint64_t end_commit_of(Segments const& segments, std::uint64_t segment_no) {
  auto end = end_commit_unknown;
  for (auto next = segments.upper_bound(segment_no); next != segments.end(); ++next) {
    auto const& segment = next->second;
    if (segment.unreadable.empty() && segment.begun) {
      end = std::min(end, segment.header.prev_end_commit);
    }
    if (end != end_commit_unknown) break;
  }
  return end;
}

/// What was read may still lie in the page cache or in the device's cache only.
Result<void> sync_segment(Directory& directory, std::uint64_t segment_no) {
  auto file = directory.open(segment_name(segment_no));
  if (!file) return file.error();
  Sync sync;
  file.value()->sync(sync);
  while (!sync.done) directory.wait();
  if (sync.error) {
    return Failure{sync.error, segment_name(segment_no) + ": sync: " + sync.error.message()};
  }
  return {};
}

/// Only the last of them can need it: the others were left when their last commit was on disk.
Result<void> sync_last(Directory& directory, std::vector<KeptSegment> const& kept,
                       Segments const& segments) {
  auto const last = std::find_if(kept.rbegin(), kept.rend(), [&](KeptSegment const& segment) {
    return segments.at(segment.segment_no).unreadable.empty();
  });
  return last == kept.rend() ? Result<void>() : sync_segment(directory, last->segment_no);
}

/// A first start that crashed before its MANIFEST was there: commits come only after it.
bool never_started(Directory& directory, Names const& names) {
  if (names.segments.size() != 1) return false;
  auto const segment = open_segment(directory, names.segments.front());
  return segment && !was_used(directory, *segment);
}

/// Whether commits follow one another in it up to where only zeros are.
bool is_whole(Directory& directory, OpenSegment const& segment) {
  SegmentScanner scanner(*segment.file, directory.alignment());
  scanner.use(segment.header);
  auto offset = first_commit_offset;
  for (;;) {
    auto const scanned = scanner.commit_at(offset);
    auto const* commit = std::get_if<ScannedCommit>(&scanned);
    if (commit == nullptr) return scanner.rest(offset).kind == Rest::Kind::zero;
    offset = commit->end_offset;
  }
}

/// What a crash left: segments that retention was about to remove, and spares that MANIFEST was
/// about to name. Other files are left alone.
void note_leftovers(Directory& directory, Names const& names, Recovered& recovered) {
  recovered.leftovers = names.unfinished;
  auto const& manifest = recovered.manifest;
  for (auto const no : names.segments) {
    if (manifest.first_segment_no <= no && no <= manifest.last_segment_no) continue;
    auto const segment = open_segment(directory, no);
    if (!segment || !segment->unreadable.empty()) continue;
    if (segment->header.store_id != manifest.store_id) continue;
    if (no > manifest.last_segment_no && was_used(directory, *segment)) continue;
    bool const whole = no > manifest.last_segment_no || is_whole(directory, *segment);
    (whole ? recovered.leftovers : recovered.damaged_leftovers).push_back(segment_name(no));
  }
}

/// How large a segment can have been of which nothing is left: as large as the largest that is.
std::uint64_t lost_bytes_max(Segments const& segments) {
  std::uint64_t bytes = 0;
  for (auto const& [no, segment] : segments) {
    bytes = std::max({bytes, segment.bytes, segment.header.segment_bytes});
  }
  return std::max(bytes, lost_bytes_unknown);
}

Result<void> walk_segments(Directory& directory, Segments const& segments, LogWalk& walk,
                           RecoverySink& sink) {
  std::uint64_t bytes_total = 0;
  std::uint64_t bytes_done = 0;
  auto const lost_bytes = lost_bytes_max(segments);
  for (auto const& [no, segment] : segments) bytes_total += segment.bytes;
  for (auto const& [no, segment] : segments) {
    auto file = directory.open(segment_name(no));
    if (!segment.unreadable.empty() || !file) {
      walk.lost_segment(no, lost_bytes, segment.unreadable);
    } else {
      SegmentScanner scanner(*file.value(), directory.alignment());
      scanner.use(segment.header);
      bool const start_crashed =
          !segment.begun && segment.header.prev_end_commit != end_commit_unknown;
      if (start_crashed) walk.end_here();
      auto const walked = walk.segment(scanner, segment.header, end_commit_of(segments, no));
      if (!walked) return walked;
    }
    bytes_done += segment.bytes;
    sink.on_progress(bytes_done, bytes_total);
  }
  return {};
}

/// Names what retention removed. Older gaps that lie in it are a part of that.
void name_expired(Manifest const& manifest, std::vector<Gap>& gaps) {
  if (manifest.first_seq == 1) return;
  std::erase_if(gaps, [&](Gap const& gap) { return gap.last_seq < manifest.first_seq; });
  for (auto& gap : gaps) gap.first_seq = std::max(gap.first_seq, manifest.first_seq);
  gaps.insert(gaps.begin(), {.first_seq = 1,
                             .last_seq = manifest.first_seq - 1,
                             .reason = GapReason::expired,
                             .segment_no = manifest.first_segment_no});
}

}  // namespace

Result<Recovered> recover(Directory& directory, RecoverySink& sink, RecoveryReport& report) {
  Recovered recovered;
  auto const listed = directory.list();
  if (!listed) return listed.error();
  auto const names = sort_names(listed.value());
  if (!names.manifest && (names.segments.empty() || never_started(directory, names))) {
    recovered.fresh = true;
    recovered.leftovers = names.unfinished;
    return recovered;
  }
  bool rebuilt = false;
  auto manifest = establish_manifest(directory, names, report, rebuilt);
  if (!manifest) return manifest.error();
  recovered.manifest = manifest.value();
  if (auto const adopted = adopt_later_segments(directory, names, recovered.manifest, report);
      !adopted) {
    return adopted.error();
  }
  auto const& known = recovered.manifest;
  auto segments = open_segments(directory, names, known);
  if (!segments) return segments.error();

  LogWalk walk(
      sink, report,
      {.commit_no = known.first_commit_no, .chain = known.first_chain, .seq = known.first_seq},
      !rebuilt);
  walk.note_durable(known.durable_commit);
  for (auto const& [no, segment] : segments.value()) {
    if (segment.unreadable.empty()) walk.note_durable(segment.header.prev_end_commit);
  }
  if (auto const walked = walk_segments(directory, segments.value(), walk, sink); !walked) {
    return walked.error();
  }
  walk.finish(recovered);
  recovered.damaged = recovered.damaged || rebuilt;
  for (auto& segment : recovered.segments) {
    bool const has_commits = segment.end_offset > 0;
    segment.bytes = has_commits ? segment.end_offset : segments.value()[segment.segment_no].bytes;
  }
  name_expired(known, report.gaps);
  for (auto const& gap : report.gaps) sink.on_gap(gap);
  report.segments = recovered.segments.size();
  if (auto const synced = sync_last(directory, recovered.segments, segments.value()); !synced) {
    return synced.error();
  }
  note_leftovers(directory, names, recovered);
  return recovered;
}

}  // namespace stele::wal
