#include "support/segment_view.hpp"

#include <stdexcept>
#include <variant>

#include "wal/format/segment_name.hpp"
#include "wal/recover/segment_scanner.hpp"

namespace stele::test {
namespace {

/// One file of a copy of the disk.
struct View {
  View(SimulatedDisk const& disk, std::string const& name)
      : copy(disk.clone()), directory(copy.mount()), file(directory->open(name).value()) {}

  SimulatedDisk copy;
  std::unique_ptr<wal::Directory> directory;
  std::unique_ptr<wal::File> file;
};

wal::SegmentHeader read_header(View& view, std::string const& name) {
  auto const header = wal::read_segment_header(*view.file);
  if (auto const* found = std::get_if<wal::SegmentHeader>(&header)) return *found;
  throw std::runtime_error(name + " has no valid header");
}

}  // namespace

std::vector<std::string> segments_of(SimulatedDisk const& disk) {
  std::vector<std::string> segments;
  for (auto const& name : disk.names()) {
    if (wal::parse_segment_name(name)) segments.push_back(name);
  }
  return segments;
}

wal::SegmentHeader header_of(SimulatedDisk const& disk, std::string const& name) {
  View view(disk, name);
  return read_header(view, name);
}

std::vector<PlacedCommit> commits_of(SimulatedDisk const& disk, std::string const& name) {
  View view(disk, name);
  wal::ReadAhead reader(*view.directory);
  wal::SegmentScanner scanner(reader, *view.file, read_header(view, name));
  std::vector<PlacedCommit> commits;
  for (auto offset = wal::first_commit_offset;;) {
    auto const scanned = scanner.commit_at(offset);
    auto const* commit = std::get_if<wal::ScannedCommit>(&scanned);
    if (commit == nullptr) return commits;
    commits.push_back({.header = commit->header,
                       .offset = offset,
                       .used_end = offset + wal::commit_header_bytes + commit->header.body_bytes,
                       .end = commit->end_offset});
    offset = commit->end_offset;
  }
}

CommitPlace place_of(SimulatedDisk const& disk, wal::Seq seq) {
  for (auto const& name : segments_of(disk)) {
    for (auto const& commit : commits_of(disk, name)) {
      auto const& header = commit.header;
      if (header.first_seq <= seq && seq < header.first_seq + header.payload_count) {
        return {name, commit};
      }
    }
  }
  throw std::runtime_error("no commit holds seq " + std::to_string(seq));
}

Files segment_files(SimulatedDisk const& disk) {
  Files files;
  for (auto const& name : segments_of(disk)) files[name] = disk.bytes(name);
  return files;
}

}  // namespace stele::test
