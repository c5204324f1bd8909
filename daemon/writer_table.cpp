#include "daemon/writer_table.hpp"

#include <algorithm>
#include <boost/assert.hpp>

namespace stele::daemon {

WriterTable::Judgement WriterTable::judge(WriterId const& writer, std::uint64_t write_no,
                                          std::uint64_t counted_to) const {
  auto const found = writers_.find(writer);
  std::span<NumberedWrite const> writes;
  if (found != writers_.end()) writes = remembered(found->second);
  if (writes.empty()) {
    bool const goes_on = counted_to > 0 && write_no > counted_to;
    return {write_no == 1 || goes_on ? Verdict::is_new : Verdict::forgotten, {}};
  }
  if (write_no > writes.back().write_no) return {Verdict::is_new, {}};
  auto const place = std::ranges::lower_bound(writes, write_no, {}, &NumberedWrite::write_no);
  if (place->write_no == write_no) return {Verdict::repeated, *place};
  return {place == writes.begin() ? Verdict::forgotten : Verdict::skipped, {}};
}

std::span<NumberedWrite const> WriterTable::remembered(Writer const& writer) const noexcept {
  auto const first = std::ranges::find_if(
      writer.writes, [this](NumberedWrite const& write) { return write.last_seq > removed_seq_; });
  return {first, writer.writes.end()};
}

void WriterTable::stage(WriterId const& writer, NumberedWrite const& write) {
  auto& [writes, staged] = writers_[writer];
  if (!writes.empty() && writes.back().write_no >= write.write_no) {
    // A log that was written with room for fewer writers: this one was forgotten, and began anew.
    BOOST_ASSERT(staged == 0);
    order_.erase(writes.back().last_seq);
    writes.clear();
  }
  writes.push_back(write);
  ++staged;
  staged_.push_back({write.last_seq, writer});
}

void WriterTable::publish(wal::Seq seq) {
  while (!staged_.empty() && staged_.front().last_seq <= seq) {
    remember(staged_.front().writer);
    staged_.pop_front();
  }
}

/// The oldest staged write of the writer is on disk.
void WriterTable::remember(WriterId const& id) {
  auto& [writes, staged] = writers_.at(id);
  --staged;
  auto const newest = writes.end() - 1 - static_cast<std::ptrdiff_t>(staged);
  if (newest != writes.begin()) order_.erase(std::prev(newest)->last_seq);
  order_.emplace_hint(order_.end(), newest->last_seq, id);

  auto first = writes.begin();
  while (first < newest && first->last_seq <= removed_seq_) ++first;
  if (newest - first >= static_cast<std::ptrdiff_t>(writes_max)) {
    first = newest + 1 - static_cast<std::ptrdiff_t>(writes_max);
  }
  writes.erase(writes.begin(), first);
  if (order_.size() > writers_max_) forget_oldest();
}

void WriterTable::forget_oldest() {
  auto const& [last_seq, id] = *order_.begin();
  forgotten_seq_ = std::max(forgotten_seq_, last_seq);
  auto const writer = writers_.find(id);
  auto& [writes, staged] = writer->second;
  writes.erase(writes.begin(), writes.end() - static_cast<std::ptrdiff_t>(staged));
  if (writes.empty()) writers_.erase(writer);
  order_.erase(order_.begin());
}

void WriterTable::unstage_from(wal::Seq first) {
  while (!staged_.empty() && staged_.back().last_seq >= first) {
    auto const writer = writers_.find(staged_.back().writer);
    auto& [writes, staged] = writer->second;
    writes.pop_back();
    --staged;
    if (writes.empty()) writers_.erase(writer);
    staged_.pop_back();
  }
}

void WriterTable::remove_up_to(wal::Seq seq) {
  removed_seq_ = std::max(removed_seq_, seq);
  forgotten_seq_ = std::max(forgotten_seq_, removed_seq_);
  while (!order_.empty() && order_.begin()->first <= seq) forget_oldest();
}

std::optional<NumberedWrite> WriterTable::last(WriterId const& writer) const {
  auto const found = writers_.find(writer);
  if (found == writers_.end()) return std::nullopt;
  auto const writes = remembered(found->second);
  if (writes.size() <= found->second.staged) return std::nullopt;
  return writes[writes.size() - found->second.staged - 1];
}

}  // namespace stele::daemon
