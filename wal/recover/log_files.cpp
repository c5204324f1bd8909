#include "wal/recover/log_files.hpp"

#include <algorithm>
#include <utility>

#include "wal/format/aligned_buffer.hpp"
#include "wal/format/segment_name.hpp"
#include "wal/recover/segment_scanner.hpp"

namespace stele::wal {

Result<LogFiles> list_log_files(Directory& directory) {
  auto const names = directory.list();
  if (!names) return names.error();
  LogFiles files;
  for (auto const& name : names.value()) {
    if (name == manifest_name) files.manifest = true;
    if (is_stray_name(name)) files.put_aside.push_back(name);
    if (is_unfinished_name(name)) files.unfinished.push_back(name);
    if (auto const number = parse_segment_name(name)) files.segments.push_back(*number);
  }
  std::ranges::sort(files.segments);
  return files;
}

namespace {

/// The file that was opened may be the next MANIFEST by the time it is read, and half written.
constexpr int manifest_reads_max = 3;

Result<Decoded<Manifest>> read_manifest_once(Directory& directory) {
  auto file = directory.open(manifest_name);
  if (!file) return file.error();
  AlignedBuffer block(manifest_bytes);
  auto const read = file.value()->read_at(0, {block.data(), manifest_bytes});
  if (!read) return read.error();
  if (read.value() < manifest_bytes) return Decoded<Manifest>(HeaderFault::invalid);
  return decode_manifest(std::span<std::byte const, manifest_bytes>(block.data(), manifest_bytes));
}

}  // namespace

Result<Decoded<Manifest>> read_manifest(Directory& directory) {
  for (int reads = 1;; ++reads) {
    auto manifest = read_manifest_once(directory);
    bool const is_invalid = manifest && *manifest == Decoded<Manifest>(HeaderFault::invalid);
    if (!is_invalid || reads == manifest_reads_max) return manifest;
  }
}

Result<OpenSegment> open_segment(Directory& directory, std::uint64_t segment_no) {
  OpenSegment segment{.segment_no = segment_no};
  auto file = directory.open(segment_name(segment_no));
  if (!file && file.error().code == Errc::unsupported_version) return file.error();
  if (!file) {
    segment.unreadable = file.error().message;
    return segment;
  }
  segment.file = std::move(file.value());
  if (auto const size = segment.file->size()) segment.bytes = size.value();
  auto const header = read_segment_header(*segment.file);
  if (auto const* found = std::get_if<SegmentHeader>(&header)) {
    segment.header = *found;
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

bool was_used(ReadAhead& reader, OpenSegment const& segment) {
  if (!segment.unreadable.empty()) return true;
  SegmentScanner scanner(reader, *segment.file, segment.header);
  return scanner.rest(first_commit_offset).kind != TailState::Kind::zero;
}

bool holds_commit(ReadAhead& reader, OpenSegment const& segment) {
  SegmentScanner scanner(reader, *segment.file, segment.header);
  return scanner.find(first_commit_offset, first_commit_no).has_value();
}

SegmentEnd end_of(ReadAhead& reader, OpenSegment const& segment) {
  SegmentScanner scanner(reader, *segment.file, segment.header);
  SegmentEnd end;
  for (auto offset = first_commit_offset;;) {
    auto const commit = scanner.find(offset, end.commit_no + 1);
    if (!commit) return end;
    end = {.commit_no = commit->header.commit_no,
           .next_seq = commit->header.first_seq + commit->header.payload_count};
    offset = commit->end_offset;
  }
}

bool is_whole(ReadAhead& reader, OpenSegment const& segment) {
  SegmentScanner scanner(reader, *segment.file, segment.header);
  auto offset = first_commit_offset;
  for (;;) {
    auto const scanned = scanner.commit_at(offset);
    auto const* commit = std::get_if<ScannedCommit>(&scanned);
    if (commit == nullptr) return scanner.rest(offset).kind == TailState::Kind::zero;
    offset = commit->end_offset;
  }
}

}  // namespace stele::wal
