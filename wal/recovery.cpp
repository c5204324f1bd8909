#include "wal/recovery.hpp"

#include <algorithm>
#include <utility>

#include "wal/log_inventory.hpp"
#include "wal/log_walk.hpp"
#include "wal/segment_name.hpp"
#include "wal/segment_scanner.hpp"

namespace stele::wal {
namespace {

struct Sync final : Completion {
  void on_complete(boost::system::error_code result) noexcept override {
    error = result;
    done = true;
  }
  boost::system::error_code error{};
  bool done = false;
};

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
                       LogInventory const& inventory) {
  auto const last = std::find_if(kept.rbegin(), kept.rend(), [&](KeptSegment const& segment) {
    return inventory.segments.at(segment.segment_no).unreadable.empty();
  });
  return last == kept.rend() ? Result<void>() : sync_segment(directory, last->segment_no);
}

/// What a crash left: segments that retention was about to remove, and spares that MANIFEST was
/// about to name. Other files are left alone.
void note_leftovers(Directory& directory, ReadAhead& reader, LogFiles const& files,
                    Recovered& recovered) {
  auto const& manifest = recovered.manifest;
  for (auto const no : files.segments) {
    if (manifest.first_segment_no <= no && no <= manifest.last_segment_no) continue;
    auto const segment = open_segment(directory, no);
    if (!segment || !segment->unreadable.empty()) continue;
    if (segment->header.store_id != manifest.store_id) continue;
    if (no > manifest.last_segment_no && was_used(reader, *segment)) continue;
    bool const whole = no > manifest.last_segment_no || is_whole(reader, *segment);
    (whole ? recovered.leftovers : recovered.damaged_leftovers).push_back(segment_name(no));
  }
}

Result<void> walk_segments(Directory& directory, ReadAhead& reader, LogInventory const& inventory,
                           LogWalk& walk, RecoverySink& sink) {
  std::uint64_t bytes_total = 0;
  std::uint64_t bytes_done = 0;
  auto const lost_bytes = lost_bytes_max(inventory);
  for (auto const& [no, segment] : inventory.segments) bytes_total += segment.bytes;
  for (auto const& [no, segment] : inventory.segments) {
    auto file = directory.open(segment_name(no));
    if (!segment.unreadable.empty() || !file) {
      walk.lost_segment(no, lost_bytes, segment.unreadable);
    } else {
      SegmentScanner scanner(reader, *file.value(), segment.header);
      if (segment.start_crashed) walk.end_here();
      auto const walked = walk.segment(scanner, segment.header, end_commit_of(inventory, no));
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
  ReadAhead reader(directory);
  auto const taken = take_inventory(directory, reader, report);
  if (!taken) return taken.error();
  auto const& inventory = taken.value();
  auto const& known = inventory.manifest;
  Recovered recovered{.fresh = inventory.fresh, .manifest = known};
  recovered.leftovers = inventory.files.unfinished;
  if (inventory.fresh) return recovered;

  LogWalk walk(
      sink, report,
      {.commit_no = known.first_commit_no, .chain = known.first_chain, .seq = known.first_seq},
      !inventory.rebuilt);
  walk.note_durable(known.durable_commit);
  for (auto const& [no, segment] : inventory.segments) {
    if (segment.unreadable.empty()) walk.note_durable(segment.header.prev_end_commit);
  }
  if (auto const walked = walk_segments(directory, reader, inventory, walk, sink); !walked) {
    return walked.error();
  }
  walk.finish(recovered);
  recovered.damaged = recovered.damaged || inventory.rebuilt;
  for (auto& segment : recovered.segments) {
    bool const has_commits = segment.end_offset > 0;
    segment.bytes =
        has_commits ? segment.end_offset : inventory.segments.at(segment.segment_no).bytes;
  }
  name_expired(known, report.gaps);
  for (auto const& gap : report.gaps) sink.on_gap(gap);
  report.segments = recovered.segments.size();
  if (auto const synced = sync_last(directory, recovered.segments, inventory); !synced) {
    return synced.error();
  }
  note_leftovers(directory, reader, inventory.files, recovered);
  return recovered;
}

}  // namespace stele::wal
