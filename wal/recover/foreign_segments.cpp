#include "wal/recover/foreign_segments.hpp"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

namespace stele::wal {
namespace {

bool was_written(Directory& directory, ReadAhead& reader, std::uint64_t segment_no) {
  auto const segment = open_segment(directory, segment_no);
  return segment && segment->unreadable.empty() && was_used(reader, *segment);
}

bool has_commit(Directory& directory, ReadAhead& reader, std::uint64_t segment_no) {
  auto const segment = open_segment(directory, segment_no);
  return segment && segment->unreadable.empty() && holds_commit(reader, *segment);
}

/// Follows the salts that the segments name, from the last one on back.
class SaltWalk {
 public:
  SaltWalk(Directory& directory, ReadAhead& reader, LogInventory const& inventory)
      : directory_(directory), reader_(reader), inventory_(inventory) {}

  std::vector<std::uint64_t> run(KnownSegment const& known_last);

 private:
  enum class Owner : std::uint8_t { unknown, ours, foreign };
  void look_at(OpenSegment const& segment);
  Owner owner_of(OpenSegment const& segment) const;
  Owner owner_of_last(SegmentHeader const& header) const;
  bool is_salt_of_one_before(std::uint64_t segment_no, std::uint64_t salt) const;
  /// Notes a foreign one, and what it says of the one before it.
  void follow(OpenSegment const& segment, bool is_ours);

  Directory& directory_;
  ReadAhead& reader_;
  LogInventory const& inventory_;
  enum class Said : std::uint8_t {
    nothing,
    by_manifest,
    by_neighbour,
    by_start,   ///< Of the segment where the last commit lay, which may be an older one.
    by_foreign  ///< By a segment of another branch, which the same life had made.
  };
  Said said_ = Said::nothing;
  std::uint64_t salt_ = 0;
  std::vector<std::uint64_t> foreign_{};
};

bool SaltWalk::is_salt_of_one_before(std::uint64_t segment_no, std::uint64_t salt) const {
  auto const end = inventory_.segments.lower_bound(segment_no);
  return std::any_of(inventory_.segments.begin(), end, [&](auto const& entry) {
    return entry.second.unreadable.empty() && entry.second.header.salt == salt;
  });
}

/// What MANIFEST says of the last one. A start makes a spare that was never written to again, and
/// MANIFEST may be older than that: what that start found is not older than MANIFEST then.
SaltWalk::Owner SaltWalk::owner_of_last(SegmentHeader const& header) const {
  if (header.salt == salt_) return Owner::ours;
  bool const is_newer =
      is_made_by_start(header) && header.prev_end_commit >= inventory_.manifest.durable_commit;
  return is_newer ? Owner::unknown : Owner::foreign;
}

SaltWalk::Owner SaltWalk::owner_of(OpenSegment const& segment) const {
  auto const no = segment.segment_no;
  bool const agrees = segment.header.salt == salt_;
  switch (said_) {
    case Said::nothing:
      return Owner::unknown;
    case Said::by_manifest:
      return owner_of_last(segment.header);
    case Said::by_neighbour:
      if (agrees) return Owner::ours;
      // One without a commit is a spare that a start has made again before it crashed.
      return was_written(directory_, reader_, no) ? Owner::foreign : Owner::unknown;
    case Said::by_start:
      if (agrees) return Owner::ours;
      return !is_salt_of_one_before(no, salt_) && has_commit(directory_, reader_, no)
                 ? Owner::foreign
                 : Owner::unknown;
    case Said::by_foreign:
      return agrees ? Owner::foreign : Owner::unknown;
  }
  return Owner::unknown;
}

void SaltWalk::follow(OpenSegment const& segment, bool is_ours) {
  auto const& header = segment.header;
  if (!is_ours && was_written(directory_, reader_, segment.segment_no)) {
    foreign_.push_back(segment.segment_no);
  }
  said_ = Said::nothing;
  if (header.prev_segment_no + 1 != header.segment_no) return;
  salt_ = header.prev_salt;
  if (is_ours) {
    said_ = is_made_by_start(header) ? Said::by_start : Said::by_neighbour;
  } else if (!is_made_by_start(header)) {
    said_ = Said::by_foreign;
  }
}

void SaltWalk::look_at(OpenSegment const& segment) {
  auto const owner = segment.unreadable.empty() ? owner_of(segment) : Owner::unknown;
  if (owner != Owner::unknown) return follow(segment, owner == Owner::ours);
  // A start may name an older one.
  if (said_ != Said::by_start || !segment.unreadable.empty()) said_ = Said::nothing;
}

std::vector<std::uint64_t> SaltWalk::run(KnownSegment const& known_last) {
  if (known_last.salt == 0) return {};
  said_ = Said::by_manifest;
  salt_ = known_last.salt;
  auto const end = inventory_.segments.upper_bound(known_last.segment_no);
  for (auto at = std::make_reverse_iterator(end); at != inventory_.segments.rend(); ++at) {
    look_at(at->second);
  }
  return std::move(foreign_);
}

/// A segment that no neighbour knows, while one of them is known to its other neighbour.
std::vector<std::uint64_t> segments_that_no_neighbour_knows(Directory& directory, ReadAhead& reader,
                                                            LogInventory const& inventory) {
  auto const segment_at = [&](std::uint64_t no) -> OpenSegment const* {
    auto const found = inventory.segments.find(no);
    return found == inventory.segments.end() ? nullptr : &found->second;
  };
  auto const link_at = [&](std::uint64_t no) {  // Between it and the next one.
    auto const* before = segment_at(no);
    auto const* after = segment_at(no + 1);
    return before != nullptr && after != nullptr ? link_between(*before, *after) : Link::unknown;
  };
  std::vector<std::uint64_t> displaced;
  for (auto const& [no, segment] : inventory.segments) {
    auto const back = link_at(no - 1);
    auto const ahead = link_at(no);
    if (back == Link::agrees || ahead == Link::agrees) continue;
    auto const before = back == Link::differs ? link_at(no - 2) : Link::unknown;
    auto const behind = ahead == Link::differs ? link_at(no + 1) : Link::unknown;
    // A neighbour that is at odds with its other neighbour as well may be the wrong one itself.
    if (before == Link::differs || behind == Link::differs) continue;
    if (before != Link::agrees && behind != Link::agrees) continue;
    // One without a commit is a spare that a crashed start has not replaced.
    if (was_written(directory, reader, no)) displaced.push_back(no);
  }
  return displaced;
}

void leave_out(LogInventory& inventory, std::vector<std::uint64_t> const& foreign) {
  for (auto const no : foreign) {
    inventory.segments.at(no).unreadable = "its neighbours name another segment in its place";
    inventory.strays.push_back({.segment_no = no});
  }
}

}  // namespace

Link link_between(OpenSegment const& before, OpenSegment const& after) {
  if (!before.unreadable.empty() || !after.unreadable.empty()) return Link::unknown;
  if (after.header.prev_segment_no != before.segment_no) return Link::unknown;
  if (after.header.prev_salt == before.header.salt) return Link::agrees;
  // A start names the salt of the last commit that it found, which may lie in an older segment.
  return is_made_by_start(after.header) ? Link::unknown : Link::differs;
}

void leave_out_foreign(Directory& directory, ReadAhead& reader, LogInventory& inventory,
                       KnownSegment const& known_last) {
  leave_out(inventory, SaltWalk(directory, reader, inventory).run(known_last));
  leave_out(inventory, segments_that_no_neighbour_knows(directory, reader, inventory));
}

}  // namespace stele::wal
