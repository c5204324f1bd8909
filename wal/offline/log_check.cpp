#include "wal/offline/log_check.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "wal/format/aligned_buffer.hpp"
#include "wal/format/segment_name.hpp"
#include "wal/pack/packed_segment.hpp"
#include "wal/recover/segment_scanner.hpp"

namespace stele::wal {
namespace {

/// A log that turns and loses segments faster than one can look has something new each time.
constexpr int looks_max = 20;

struct NoSink final : RecoverySink {
  void on_payload(Seq, std::string_view) override {}
};

Finding note(std::uint64_t segment_no, std::uint64_t offset, std::string const& what) {
  return {.kind = Finding::Kind::note,
          .text = segment_name(segment_no) + " at offset " + std::to_string(offset) + ": " + what};
}

/// Of the two copies of a segment's header, those that do not say what the one that serves says.
void note_header_copies(File& file, SegmentHeader const& header, std::vector<Finding>& notes) {
  AlignedBuffer block(header_block_bytes);
  for (std::size_t copy = 0; copy < header_blocks; ++copy) {
    auto const offset = copy * header_block_bytes;
    auto const read = file.read_at(offset, {block.data(), header_block_bytes});
    if (read && *read >= segment_header_bytes) {
      auto const decoded = decode_segment_header(
          std::span<std::byte const, segment_header_bytes>(block.data(), segment_header_bytes));
      if (decoded == Decoded<SegmentHeader>(header)) continue;
    }
    notes.push_back(note(header.segment_no, offset,
                         "this copy of the header is damaged; the other one serves"));
  }
}

/// A crash may leave zeros where padding was to be written; anything else came later.
bool is_padding(std::span<std::byte const> bytes) noexcept {
  return std::ranges::all_of(
      bytes, [](std::byte byte) { return byte == padding_byte || byte == std::byte{0}; });
}

void note_padding(ReadAhead& reader, File& file, SegmentHeader const& header,
                  std::vector<Finding>& notes) {
  SegmentScanner scanner(reader, file, header);
  for (auto offset = first_commit_offset;;) {
    auto const scanned = scanner.commit_at(offset);
    auto const* commit = std::get_if<ScannedCommit>(&scanned);
    if (commit == nullptr) return;
    auto const begin = offset + commit_header_bytes + commit->header.body_bytes;
    offset = commit->end_offset;
    auto const padding = reader.view(begin, static_cast<std::size_t>(offset - begin));
    if (padding.readable && is_padding(padding.bytes)) continue;
    notes.push_back(note(header.segment_no, begin, "padding holds something else"));
  }
}

/// Sectors of a pack that are damaged: also such that no reader has asked for.
void note_pack(PackedSegment& segment, std::vector<Finding>& notes) {
  auto const check = segment.pack().check();
  if (check.is_intact()) return;
  auto text = pack_name(segment.pack().header().segment.segment_no) + ": ";
  if (!check.bad_shards.empty()) {
    text += "damaged sectors: " + std::to_string(check.bad_shards.size()) +
            ", the first at offset " + std::to_string(check.bad_shards.front() * shard_bytes) +
            "; ";
  }
  if (check.wrong_size) text += "it is shorter or longer than it was; ";
  bool const is_repaired = check.lost.empty() && !check.directory_lost;
  text += is_repaired ? "repaired: nothing is lost, parity makes it again"
                      : "more than parity can make again";
  notes.push_back({.kind = Finding::Kind::note, .text = std::move(text)});
}

std::vector<Finding> notes_of(Directory& directory, ReadAhead& reader,
                              LogInventory const& inventory) {
  std::vector<Finding> notes;
  for (auto const& [no, segment] : inventory.segments) {
    auto const file = directory.open(segment_name(no));
    if (!segment.unreadable.empty() || !file) continue;
    note_header_copies(**file, segment.header, notes);
    note_padding(reader, **file, segment.header, notes);
    if (auto* const packed = dynamic_cast<PackedSegment*>(file->get())) note_pack(*packed, notes);
  }
  for (auto const& name : inventory.files.put_aside) {
    notes.push_back({.kind = Finding::Kind::note,
                     .text = name + ": a start put it aside; it was no part of the log"});
  }
  return notes;
}

/// By where it lay, and what it says: for looking one up among many.
bool lies_before(Finding const& left, Finding const& right) {
  return std::tie(left.gap.first_seq, left.gap.segment_no, left.gap.offset, left.text) <
         std::tie(right.gap.first_seq, right.gap.segment_no, right.gap.offset, right.text);
}

/// Leaves out findings, and the gaps that they are about.
template <class Judge>
void leave_out(LogCheck& check, Judge const& is_out) {
  std::vector<Finding> out;
  std::erase_if(check.findings, [&](Finding const& finding) {
    bool const is = is_out(finding);
    if (is) out.push_back(finding);
    return is;
  });
  std::ranges::sort(out, lies_before);
  std::erase_if(check.report.gaps, [&](Gap const& gap) {
    auto const from = std::ranges::lower_bound(
        out, gap.first_seq, {}, [](Finding const& finding) { return finding.gap.first_seq; });
    for (auto at = from; at != out.end() && at->gap.first_seq == gap.first_seq; ++at) {
      if (at->gap == gap) return true;
    }
    return false;
  });
}

/// What nobody has judged yet of a log that is open is being written.
void leave_out_end(LogCheck& check) {
  leave_out(check, [](Finding const& finding) {
    return finding.kind == Finding::Kind::torn && !finding.named;
  });
}

Result<LogCheck> look(Directory& directory, std::function<bool()> const& in_use) {
  LogCheck check;
  ReadAhead reader(directory);
  NoSink sink;
  check.in_use = in_use();
  auto reading = read_log(directory, reader, sink, check.report);
  if (!reading) return reading.error();
  auto& [inventory, recovered] = *reading;
  if (recovered.fresh) return Failure{Errc::not_a_log, "nothing was ever written to a log here"};
  check.findings = std::move(recovered.findings);
  check.end = recovered.start;
  check.segments = std::move(recovered.segments);
  std::ranges::move(notes_of(directory, reader, inventory), std::back_inserter(check.findings));
  check.inventory = std::move(inventory);
  check.in_use = check.in_use || in_use();
  if (check.in_use) leave_out_end(check);
  return check;
}

}  // namespace

bool LogCheck::has(Finding::Kind kind) const noexcept {
  return std::ranges::any_of(findings,
                             [&](Finding const& finding) { return finding.kind == kind; });
}

Result<LogCheck> check_log(Directory& directory, std::function<bool()> const& in_use) {
  auto check = look(directory, in_use);
  std::vector<Finding> before;
  for (int looks = 1; check && check->findings != before; ++looks) {
    if (looks == looks_max) break;
    before = std::move(check->findings);
    check = look(directory, in_use);
  }
  if (!check || check->findings == before) return check;
  std::ranges::sort(before, lies_before);
  leave_out(*check, [&](Finding const& finding) {
    auto const [from, to] = std::equal_range(before.begin(), before.end(), finding, lies_before);
    return std::find(from, to, finding) == to;
  });
  return check;
}

Result<void> deliver_log(Directory& directory, RecoverySink& sink) {
  RecoveryReport report;
  ReadAhead reader(directory);
  auto const reading = read_log(directory, reader, sink, report);
  if (!reading) return reading.error();
  return {};
}

}  // namespace stele::wal
