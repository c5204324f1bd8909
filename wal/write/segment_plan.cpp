// What the log asks of the next segment: its header, and what goes for it.
#include <algorithm>

#include "wal/format/segment_name.hpp"
#include "wal/write/log_core.hpp"

namespace stele::wal {

SegmentMaker::Plan Log::Core::plan_segment(OnDisk disk) const {
  auto const prev = segments_.empty() ? 0 : segments_.back().segment_no;
  auto const bytes = active_.file ? options.segment_bytes : options.first_segment_bytes;
  SegmentMaker::Plan plan;
  plan.header = {.segment_bytes = bytes,
                 .commit_align = static_cast<std::uint32_t>(options.commit_align),
                 .store_id = store_id,
                 .segment_no = std::max(prev, manifest_.first_segment_no - 1) + 1,
                 .salt = options.entropy(),
                 .prev_segment_no = prev,
                 .prev_salt = active_.file ? active_.header.salt : recovered_.last_salt,
                 .prev_end_commit = active_.file ? end_commit_unknown : pipeline.durable_commit()};
  plan.manifest = manifest_;
  plan.manifest.last_segment_no = plan.header.segment_no;
  plan.manifest.durable_commit = pipeline.durable_commit();
  plan.manifest.end_seq = 0;
  plan.manifest.last_salt = plan.header.salt;
  plan.manifest.copied_from_segment_no = 0;
  plan.manifest.has_packs = may_have_packs();
  plan.shortened = manifest_;
  bool const is_full = disk == OnDisk::full;
  plan.expired = plan_expiry(view(), bytes, plan.manifest,
                             is_full ? segment_spaces() : std::vector<std::uint64_t>());
  plan.shortened.begin_as(plan.manifest);
  plan.shortened.has_packs = plan.manifest.has_packs;
  if (!active_.file) plan_start(plan);
  return plan;
}

/// What a start may take for the first segment if the disk is full: files that mean nothing, and
/// spares behind the last segment that holds something, which it makes again anyway.
void Log::Core::plan_start(SegmentMaker::Plan& plan) const {
  plan.old_manifest_is_bad = recovered_.rebuilt;
  plan.shortened.copied_from_segment_no = 0;
  for (auto const& name : recovered_.leftovers) {
    bool const is_reserved = name == unfinished(segment_name(plan.header.segment_no)) ||
                             name == unfinished(manifest_name);
    if (!is_reserved) plan.unused.push_back(name);
  }
  if (segments_.empty()) return;
  for (auto no = segments_.back().segment_no + 1; no <= manifest_.last_segment_no; ++no) {
    plan.unused.push_back(segment_name(no));
  }
  if (manifest_.last_segment_no <= segments_.back().segment_no) return;
  plan.shortened.last_segment_no = segments_.back().segment_no;
  plan.shortened.last_salt = 0;  // Perhaps nobody knows it any more.
}

/// What each takes of the disk: also what is not filled.
std::vector<std::uint64_t> Log::Core::segment_spaces() const {
  std::vector<std::uint64_t> spaces;
  spaces.reserve(segments_.size());
  for (auto const& segment : segments_) {
    spaces.push_back(directory_.space(segment_name(segment.segment_no)));
  }
  return spaces;
}

RetentionView Log::Core::view() const noexcept {
  return {options, segments_, metrics.log_bytes, pipeline.durable_seq(), held_from, age()};
}

/// The one that follows and its spare, of which the one that is there has been made room for.
Seq Log::Core::first_seq_kept() const noexcept {
  return wal::first_seq_kept(view(), 2 * options.segment_bytes - active_.free_bytes());
}

}  // namespace stele::wal
