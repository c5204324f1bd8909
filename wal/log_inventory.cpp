#include "wal/log_inventory.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "wal/segment_name.hpp"

namespace stele::wal {
namespace {

/// Of a segment that is lost, when no other is larger: the default size.
constexpr std::uint64_t lost_bytes_unknown = std::uint64_t{64} << 20;

/// A first start that crashed before its MANIFEST was there: commits come only after it.
bool never_started(Directory& directory, ReadAhead& reader, LogFiles const& files) {
  if (files.manifest) return false;
  if (files.segments.empty()) return true;
  if (files.segments.size() != 1) return false;
  auto const segment = open_segment(directory, files.segments.front());
  return segment && !was_used(reader, *segment);
}

/// The MANIFEST, or what the segments say in its place.
Result<void> establish_manifest(Directory& directory, LogInventory& inventory,
                                RecoveryReport& report) {
  std::string reason = "MANIFEST is missing";
  if (inventory.files.manifest) {
    auto const read = read_manifest(directory);
    if (read && std::holds_alternative<Manifest>(read.value())) {
      inventory.manifest = std::get<Manifest>(read.value());
      return {};
    }
    if (read && std::get<HeaderFault>(read.value()) == HeaderFault::unsupported) {
      return Failure{Errc::unsupported_version, "MANIFEST: written by a newer format version"};
    }
    reason = read ? "MANIFEST is damaged" : read.error().message;
  }
  inventory.rebuilt = true;
  auto const& numbers = inventory.files.segments;
  for (auto const segment_no : numbers) {
    auto const segment = open_segment(directory, segment_no);
    if (!segment) return segment.error();
    if (!segment->unreadable.empty()) continue;
    report.findings.push_back(reason + "; rebuilt from the segments that are there");
    inventory.manifest = Manifest{.store_id = segment->header.store_id,
                                  .first_segment_no = numbers.front(),
                                  .last_segment_no = numbers.back()};
    return {};
  }
  return Failure{Errc::not_a_log, reason + ", and no segment can be read"};
}

/// A MANIFEST is never older than the segments, a spare aside, unless the disk gave back an old
/// one.
Result<void> adopt_later_segments(Directory& directory, ReadAhead& reader, LogInventory& inventory,
                                  RecoveryReport& report) {
  auto& manifest = inventory.manifest;
  for (auto const no : inventory.files.segments) {
    if (no <= manifest.last_segment_no) continue;
    auto const segment = open_segment(directory, no);
    if (!segment) return segment.error();
    bool const ours = segment->unreadable.empty() && segment->header.store_id == manifest.store_id;
    // A file of the next number would be replaced, so it is judged with the others.
    bool const next = no == manifest.last_segment_no + 1;
    if (!(ours || next) || !was_used(reader, *segment)) continue;
    report.findings.push_back(segment_name(no) + ": MANIFEST does not name it, an old copy");
    manifest.last_segment_no = no;
  }
  return {};
}

Result<void> open_segments(Directory& directory, ReadAhead& reader, LogInventory& inventory) {
  auto const& manifest = inventory.manifest;
  for (auto no = manifest.first_segment_no; no <= manifest.last_segment_no; ++no) {
    auto& entry = inventory.segments[no];
    if (!std::ranges::binary_search(inventory.files.segments, no)) {
      entry = {.segment_no = no, .unreadable = "the file is missing"};
      continue;
    }
    auto segment = open_segment(directory, no);
    if (!segment) return segment.error();
    if (segment->unreadable.empty() && segment->header.store_id != manifest.store_id) {
      segment->unreadable = "it belongs to another log";
    }
    if (segment->unreadable.empty() && segment->header.prev_end_commit != end_commit_unknown) {
      segment->start_crashed = !holds_commit(reader, *segment);
    }
    segment->file.reset();
    entry = std::move(segment.value());
  }
  return {};
}

}  // namespace

Result<LogInventory> take_inventory(Directory& directory, ReadAhead& reader,
                                    RecoveryReport& report) {
  LogInventory inventory;
  auto files = list_log_files(directory);
  if (!files) return files.error();
  inventory.files = std::move(files.value());
  inventory.fresh = never_started(directory, reader, inventory.files);
  if (inventory.fresh) return inventory;
  if (auto const found = establish_manifest(directory, inventory, report); !found) {
    return found.error();
  }
  if (auto const adopted = adopt_later_segments(directory, reader, inventory, report); !adopted) {
    return adopted.error();
  }
  if (auto const opened = open_segments(directory, reader, inventory); !opened)
    return opened.error();
  return inventory;
}

std::uint64_t end_commit_of(LogInventory const& inventory, std::uint64_t segment_no) {
  auto next = inventory.segments.upper_bound(segment_no);
  for (; next != inventory.segments.end(); ++next) {
    auto const& segment = next->second;
    // A start that got no commit onto the disk has told nobody; the log's end is judged again.
    if (!segment.unreadable.empty() || segment.start_crashed) continue;
    auto const end = segment.header.prev_end_commit;
    if (end != end_commit_unknown) return end;
  }
  return end_commit_unknown;
}

std::uint64_t lost_bytes_max(LogInventory const& inventory) {
  std::uint64_t bytes = lost_bytes_unknown;
  for (auto const& [no, segment] : inventory.segments) {
    bytes = std::max({bytes, segment.bytes, segment.header.segment_bytes});
  }
  return bytes;
}

}  // namespace stele::wal
