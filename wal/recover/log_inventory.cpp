#include "wal/recover/log_inventory.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "wal/format/segment_name.hpp"
#include "wal/recover/foreign_segments.hpp"

namespace stele::wal {
namespace {

/// Of a segment that is lost, when no other is larger: the default size.
constexpr std::uint64_t lost_bytes_unknown = std::uint64_t{64} << 20;

/// Between two segments whose headers are there this many others may be missing, if no MANIFEST
/// says how many there were. What has a higher number is no part of the log.
constexpr std::uint64_t lost_segments_max = 1024;

/// A first start that crashed before its MANIFEST was there leaves nothing, or the first segment
/// without a commit: commits come only after MANIFEST. Any other segment, a spare too, was made in
/// a log that had begun.
bool never_started(Directory& directory, ReadAhead& reader, LogFiles const& files) {
  if (files.manifest) return false;
  if (files.segments.empty()) return true;
  if (files.segments.size() != 1) return false;
  auto const segment = open_segment(directory, files.segments.front());
  return segment && segment->unreadable.empty() && segment->segment_no == 1 &&
         segment->header.prev_segment_no == 0 && !was_used(reader, *segment);
}

/// The log that most of the segments say to be of; nothing: several say so of two.
std::optional<StoreId> store_of_most(std::vector<OpenSegment> const& segments) {
  std::map<StoreId, std::size_t> counts;
  for (auto const& segment : segments) {
    if (segment.unreadable.empty()) ++counts[segment.header.store_id];
  }
  auto const by_count = [](auto const& count) { return count.second; };
  auto const most = std::ranges::max_element(counts, {}, by_count);
  if (most == counts.end() || std::ranges::count(counts, most->second, by_count) > 1) {
    return std::nullopt;
  }
  return most->first;
}

/// What the segments say in place of MANIFEST.
Result<Manifest> rebuild_manifest(Directory& directory, ReadAhead& reader,
                                  std::vector<std::uint64_t> const& numbers,
                                  std::string const& reason) {
  std::vector<OpenSegment> segments;
  for (auto const no : numbers) {
    auto segment = open_segment(directory, no);
    if (!segment) return segment.error();
    segment->file.reset();
    segments.push_back(*std::move(segment));
  }
  auto const is_readable = [](OpenSegment const& segment) { return segment.unreadable.empty(); };
  if (std::ranges::none_of(segments, is_readable)) {
    return Failure{Errc::not_a_log, reason + ", and no segment can be read"};
  }
  auto const store_id = store_of_most(segments);
  if (!store_id) {
    return Failure{Errc::not_a_log, reason + ", and its segments are of several logs"};
  }
  auto const is_ours = [&](OpenSegment const& segment) {
    return is_readable(segment) && segment.header.store_id == *store_id;
  };
  // With no commit left nobody knows which seqs were given out: a spare alone is no new log.
  auto const has_commit = [&](OpenSegment const& segment) {
    if (!is_ours(segment)) return false;
    auto const opened = open_segment(directory, segment.segment_no);
    return opened && opened->unreadable.empty() && holds_commit(reader, *opened);
  };
  if (std::ranges::none_of(segments, has_commit)) {
    return Failure{Errc::not_a_log, reason + ", and no segment that is there holds a commit"};
  }
  auto const first_ours = std::ranges::find_if(segments, is_ours)->segment_no;
  auto const first =
      std::ranges::lower_bound(numbers, first_ours - std::min(first_ours - 1, lost_segments_max));
  Manifest manifest{.store_id = *store_id, .first_segment_no = *first, .last_segment_no = *first};
  for (auto const& segment : segments) {
    auto const no = segment.segment_no;
    bool const has_no_header = !is_readable(segment) && segment.header.segment_no == 0;
    bool const may_follow = is_ours(segment) || has_no_header;
    auto const reach = may_follow ? lost_segments_max : 1;
    if (no > manifest.last_segment_no && no - manifest.last_segment_no <= reach) {
      manifest.last_segment_no = no;
    }
  }
  return manifest;
}

/// The MANIFEST, or what the segments say in its place.
Result<void> establish_manifest(Directory& directory, ReadAhead& reader, LogInventory& inventory) {
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
  auto const rebuilt = rebuild_manifest(directory, reader, inventory.files.segments, reason);
  if (!rebuilt) return rebuilt.error();
  inventory.rebuilt = true;
  inventory.manifest = *rebuilt;
  inventory.findings.push_back({.text = reason + "; rebuilt from the segments that are there"});
  return {};
}

/// What an unfinished copy has left behind the log: it becomes part of it with the next MANIFEST.
void note_unfinished_copy(LogInventory& inventory) {
  auto const& manifest = inventory.manifest;
  auto const from = std::max(manifest.copied_from_segment_no, manifest.last_segment_no + 1);
  auto const& numbers = inventory.files.segments;
  auto at = std::ranges::lower_bound(numbers, from);
  if (manifest.copied_from_segment_no == 0 || at == numbers.end()) return;
  inventory.findings.push_back(
      {.kind = Finding::Kind::note,
       .text = segment_name(*at) +
               " and what follows: a copy that was not finished; it is no part of the log"});
  for (; at != numbers.end(); ++at) inventory.strays.push_back({.segment_no = *at});
}

/// Whether this segment, whose number is the next one, goes on where the log ends as MANIFEST knows
/// it.
Result<bool> follows_log(Directory& directory, Manifest const& manifest,
                         OpenSegment const& segment) {
  if (segment.header.store_id != manifest.store_id) return false;
  auto const last_no = manifest.last_segment_no;
  // Of a log whose every segment has expired the next one is the first again.
  bool const is_first = segment.segment_no == manifest.first_segment_no;
  if (segment.header.prev_segment_no != last_no) {
    return is_first && segment.header.prev_segment_no == 0;
  }
  if (is_first) return true;
  auto const last = open_segment(directory, last_no);
  if (!last) return last.error();
  if (last->header.store_id != manifest.store_id) return true;  // Nothing is known of ours.
  return link_between(*last, segment) != Link::differs;
}

Finding stray_finding(OpenSegment const& segment, bool is_ours) {
  std::string const why = segment.unreadable.empty() && !is_ours ? "it belongs to another log"
                          : is_ours ? "it does not go on where the log ends"
                                    : segment.unreadable;
  return {.kind = is_ours ? Finding::Kind::damage : Finding::Kind::note,
          .text = segment_name(segment.segment_no) + ": MANIFEST does not name it, and " + why +
                  "; it is no part of the log"};
}

/// Files with higher numbers than MANIFEST knows. It is never older than the segments, a spare
/// aside, unless the disk gave back an old one, or a backup was stopped: then each that goes on
/// where the one before ended is part of the log. What does not is neither served nor hidden.
Result<void> judge_later_files(Directory& directory, ReadAhead& reader, LogInventory& inventory) {
  auto& manifest = inventory.manifest;
  auto const copied_from = manifest.copied_from_segment_no;
  for (auto const no : inventory.files.segments) {
    if (no <= manifest.last_segment_no) continue;
    if (copied_from != 0 && no >= copied_from) break;
    auto const segment = open_segment(directory, no);
    if (!segment) return segment.error();
    bool const is_readable = segment->unreadable.empty();
    bool const is_ours = is_readable && segment->header.store_id == manifest.store_id;
    if (is_ours && !was_used(reader, *segment)) continue;  // A spare that is made again.
    if (no == manifest.last_segment_no + 1) {
      Result<bool> follows = false;
      if (is_ours) follows = follows_log(directory, manifest, *segment);
      if (!follows) return follows.error();
      // Of one that has lost its headers nobody can say that it is not.
      bool const is_lost = !is_readable && segment->header.segment_no == 0;
      if (*follows || is_lost) {
        inventory.findings.push_back(
            {.kind = is_lost ? Finding::Kind::damage : Finding::Kind::note,
             .text = segment_name(no) + ": MANIFEST does not name it, an old copy"});
        manifest.last_segment_no = no;
        manifest.last_salt = is_lost ? 0 : segment->header.salt;
        continue;
      }
    }
    StraySegment stray{.segment_no = no};
    if (is_ours) {
      auto const end = end_of(reader, *segment);
      stray.last_commit_no = end.commit_no;
      stray.next_seq = end.next_seq;
    }
    inventory.findings.push_back(stray_finding(*segment, is_ours));
    inventory.strays.push_back(stray);
  }
  note_unfinished_copy(inventory);
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
    if (segment->unreadable.empty() && is_made_by_start(segment->header)) {
      segment->start_crashed = !holds_commit(reader, *segment);
    }
    segment->file.reset();
    entry = std::move(segment.value());
  }
  return {};
}

}  // namespace

Result<LogInventory> take_inventory(Directory& directory, ReadAhead& reader) {
  LogInventory inventory;
  auto files = list_log_files(directory);
  if (!files) return files.error();
  inventory.files = std::move(files.value());
  inventory.fresh = never_started(directory, reader, inventory.files);
  if (inventory.fresh) return inventory;
  if (auto const found = establish_manifest(directory, reader, inventory); !found) {
    return found.error();
  }
  KnownSegment const known_last{inventory.manifest.last_segment_no, inventory.manifest.last_salt};
  if (auto const judged = judge_later_files(directory, reader, inventory); !judged) {
    return judged.error();
  }
  if (auto const opened = open_segments(directory, reader, inventory); !opened)
    return opened.error();
  leave_out_foreign(directory, reader, inventory, known_last);
  return inventory;
}

std::uint64_t end_commit_of(LogInventory const& inventory, std::uint64_t segment_no) {
  auto next = inventory.segments.upper_bound(segment_no);
  for (; next != inventory.segments.end(); ++next) {
    auto const& segment = next->second;
    // A start that got no commit onto the disk has acknowledged nothing; the log's end is judged
    // again.
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
