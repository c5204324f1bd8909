// What the owner of a log reports of payloads that were never appended, and of damage that is
// known.
#include "wal/write/log_core.hpp"

namespace stele::wal {

std::uint64_t Log::Core::append_dropped(WriterId const& writer, std::uint64_t count) {
  Gap const gap{.first_seq = pipeline.next_seq(),
                .last_seq = pipeline.next_seq() - 1,
                .reason = GapReason::dropped_by_client,
                .dropped = count,
                .writer = writer};
  auto const commit_no = pipeline.append_gap(gap);
  drops_.push_back({commit_no, gap});
  return commit_no;
}

std::uint64_t Log::Core::append_acknowledged(Seq first, Seq last) {
  auto const commit_no = pipeline.append_gap(acknowledgement_record(first, last));
  drops_.push_back({commit_no, {.first_seq = first, .last_seq = last, .acknowledged = true}});
  return commit_no;
}

/// Whether there were any.
bool Log::Core::note_durable_drops() {
  bool any = false;
  for (; !drops_.empty() && drops_.front().commit_no <= pipeline.durable_commit(); any = true) {
    auto const& gap = drops_.front().gap;
    if (gap.acknowledged) {
      gaps.acknowledge(gap.first_seq, gap.last_seq);
    } else {
      gaps.add(gap);
    }
    drops_.pop_front();
  }
  return any;
}

}  // namespace stele::wal
