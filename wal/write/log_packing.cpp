// When a log at work packs which of its segments.
#include <algorithm>
#include <utility>

#include "wal/format/segment_name.hpp"
#include "wal/write/log_core.hpp"

namespace stele::wal {

void Log::Core::prepare_to_pack() {
  auto const& packing = options.packing;
  if (packing.worker == nullptr) return;
  packer_.emplace(
      *packed_directory_, *packing.worker,
      PackOptions{.separator = packing.separator, .notes = packing.notes, .keeps_blocks = true});
}

/// So MANIFEST says it before the first is made, and as long as one is there.
bool Log::Core::may_have_packs() const noexcept {
  return packer_ || std::ranges::any_of(segments_, &KeptSegment::packed);
}

/// Whether the MANIFEST that is being written, or was written last, leaves it out.
bool Log::Core::is_to_expire(std::uint64_t segment_no) const noexcept {
  return segment_no < maker_.plan().manifest.first_segment_no;
}

/// What is about to go is not packed any more, so that no pack is left of it.
void Log::Core::spare_expiring_segment() noexcept {
  bool const is_packing = packer_ && packer_->state() == SegmentPacker::State::working;
  if (is_packing && is_to_expire(packer_->segment_no())) packer_->abandon();
}

/// To be called whenever the disk or the worker may have done something.
void Log::Core::go_on_packing() {
  if (!packer_) return;
  packer_->poll();
  settle_packer();
  begin_to_pack();
}

/// The newest that was left and is not packed yet: it stays the longest. Its last commit is on
/// disk: else the next segment would not have been begun. MANIFEST on disk has to say first that
/// there are packs.
void Log::Core::begin_to_pack() {
  bool const may_begin = active_.file && manifest_.has_packs && !closing_ && !failure_ &&
                         !pack_retry_at_ && packer_settled_;
  if (!may_begin) return;
  auto const next =
      std::find_if(segments_.rbegin(), segments_.rend(), [&](KeptSegment const& segment) {
        bool const is_left = segment.segment_no != active_.header.segment_no;
        bool const is_to_be_packed = !segment.packed || segment.repaired;
        return is_left && !is_to_expire(segment.segment_no) && is_to_be_packed &&
               !segment.damaged && !segment.stays && segment.end_offset > 0;
      });
  if (next == segments_.rend()) return;
  packer_settled_ = false;
  packer_->start({.segment_no = next->segment_no,
                  .end_offset = next->end_offset,
                  .first_commit_no = next->first_commit_no,
                  .first_chain = next->first_chain,
                  .is_packed = next->packed});
  packer_->poll();
  settle_packer();
}

/// Deals once with what the packer has come to.
void Log::Core::settle_packer() {
  using State = SegmentPacker::State;
  if (packer_settled_ || packer_->state() == State::working) return;
  packer_settled_ = true;
  auto const segment =
      std::ranges::find(segments_, packer_->segment_no(), &KeptSegment::segment_no);
  if (packer_->state() == State::done && segment != segments_.end() &&
      std::exchange(segment->repaired, false)) {
    return;
  }
  if (packer_->state() == State::done) {
    ++metrics.segments_packed;
    metrics.packed_bytes += packer_->pack_bytes();
    if (segment == segments_.end()) return;
    segment->packed = true;
    metrics.packed_from_bytes += segment->end_offset;
    listener_.on_packed(packer_->take_blocks());
    return;
  }
  auto const& failure = packer_->failure();
  if (packer_->is_abandoned()) return;
  if (failure.code == Errc::no_space) {
    pack_retry_at_ = now_ + options.space_retry_delay;
    return;
  }
  ++metrics.segments_not_packed;
  if (segment != segments_.end()) segment->stays = true;
  listener_.on_not_packed(failure);
}

/// What it has begun is left as a crash would leave it, but for the requests that are under way.
void Log::Core::stop_packing() noexcept {
  if (!packer_) return;
  packer_->abandon();
  options.packing.worker->wait();
  packer_->poll();
  while (packer_->in_flight()) directory_.wait();
}

}  // namespace stele::wal
