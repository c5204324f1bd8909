#include "wal/recover/log_reading.hpp"

#include <algorithm>
#include <utility>

#include "wal/format/segment_name.hpp"
#include "wal/pack/packed_segment.hpp"
#include "wal/recover/log_walk.hpp"
#include "wal/recover/segment_scanner.hpp"

namespace stele::wal {
namespace {

/// Those that are damaged are not given; their payloads are lost, or were made again.
void give_blocks(PackReader& pack, RecoverySink& sink) {
  for (std::size_t i = 0; i < pack.blocks().size(); ++i) {
    if (pack.blocks()[i].payload_count == 0) continue;
    PackedBlock block;
    if (pack.read_block(i, block)) sink.on_packed(std::move(block));
  }
}

Result<void> walk_segments(Directory& directory, ReadAhead& reader, LogInventory const& inventory,
                           LogWalk& walk, RecoverySink& sink, Recovered& recovered) {
  std::uint64_t bytes_total = 0;
  std::uint64_t bytes_done = 0;
  auto const lost_bytes = lost_bytes_max(inventory);
  for (auto const& [no, segment] : inventory.segments) bytes_total += segment.bytes;
  for (auto const& [no, segment] : inventory.segments) {
    auto file = directory.open(segment_name(no));
    auto* const packed = file ? dynamic_cast<PackedSegment*>(file->get()) : nullptr;
    bool was_taken_whole = false;
    if (!segment.unreadable.empty() || !file) {
      walk.lost_segment(no, lost_bytes, segment.unreadable);
    } else {
      if (segment.start_crashed) walk.end_here();
      auto const end_commit = end_commit_of(inventory, no);
      was_taken_whole =
          packed != nullptr && walk.packed_segment(packed->pack(), reader, end_commit);
      if (!was_taken_whole) {
        SegmentScanner scanner(reader, *file.value(), segment.header);
        auto const walked = walk.segment(scanner, segment.header, end_commit);
        if (!walked) return walked;
      }
    }
    if (packed != nullptr) recovered.packed.push_back(no);
    bool const is_of_log = packed != nullptr && segment.unreadable.empty();
    if (is_of_log && !was_taken_whole) give_blocks(packed->pack(), sink);
    if (packed != nullptr && packed->pack().repaired_shards() > 0) {
      recovered.repaired.push_back({no, packed->pack().repaired_shards()});
    }
    bytes_done += segment.bytes;
    sink.on_progress(bytes_done, bytes_total);
    if (sink.is_full()) {
      return Failure{Errc::sink_full, segment_name(no) + ": no more of the log is taken"};
    }
  }
  return {};
}

}  // namespace

void name_expired(Manifest const& manifest, std::vector<Gap>& gaps) {
  if (manifest.first_seq == 1) return;
  std::erase_if(gaps, [&](Gap const& gap) { return gap.last_seq < manifest.first_seq; });
  for (auto& gap : gaps) gap.first_seq = std::max(gap.first_seq, manifest.first_seq);
  gaps.insert(gaps.begin(), {.first_seq = 1,
                             .last_seq = manifest.first_seq - 1,
                             .reason = GapReason::expired,
                             .segment_no = manifest.first_segment_no});
}

Result<LogReading> read_log(Directory& directory, ReadAhead& reader, RecoverySink& sink,
                            RecoveryReport& report) {
  auto taken = take_inventory(directory, reader);
  if (!taken) return taken.error();
  LogReading reading{.inventory = std::move(taken.value())};
  auto const& inventory = reading.inventory;
  auto const& known = inventory.manifest;
  auto& recovered = reading.recovered;
  recovered.fresh = inventory.fresh;
  recovered.manifest = known;
  recovered.rebuilt = inventory.rebuilt;
  recovered.leftovers = inventory.files.unfinished;
  if (inventory.fresh) return reading;

  recovered.findings = inventory.findings;
  for (auto const& finding : inventory.findings) report.findings.push_back(finding.text);
  LogWalk walk(
      sink, report,
      {.commit_no = known.first_commit_no, .chain = known.first_chain, .seq = known.first_seq},
      !inventory.rebuilt);
  walk.note_durable(known.durable_commit);
  if (known.end_seq != 0) walk.note_end(known.durable_commit, known.end_seq);
  for (auto const& stray : inventory.strays) {
    if (stray.last_commit_no != 0) walk.note_end(stray.last_commit_no, stray.next_seq);
  }
  for (auto const& [no, segment] : inventory.segments) {
    if (segment.unreadable.empty()) walk.note_durable(segment.header.prev_end_commit);
  }
  auto const walked = walk_segments(directory, reader, inventory, walk, sink, recovered);
  if (!walked) return walked.error();
  walk.finish(recovered);
  auto const is_damage = [](Finding const& finding) {
    return finding.kind == Finding::Kind::damage;
  };
  recovered.damaged = recovered.damaged || std::ranges::any_of(inventory.findings, is_damage);
  for (auto& segment : recovered.segments) {
    bool const has_commits = segment.end_offset > 0;
    segment.packed = std::ranges::binary_search(recovered.packed, segment.segment_no);
    segment.repaired =
        std::ranges::count(recovered.repaired, segment.segment_no, &RepairedPack::segment_no) > 0;
    segment.bytes =
        has_commits ? segment.end_offset : inventory.segments.at(segment.segment_no).bytes;
  }
  name_expired(known, report.gaps);
  for (auto const& gap : report.gaps) sink.on_gap(gap);
  report.segments = recovered.segments.size();
  return reading;
}

}  // namespace stele::wal
