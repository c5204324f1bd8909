#include "wal/gap_ledger.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <tuple>

namespace stele::wal {
namespace {

bool is_dropped(Gap const& gap) noexcept { return gap.reason == GapReason::dropped_by_client; }

bool is_unknown_damage(Gap const& gap) noexcept {
  return gap.reason == GapReason::damaged && !gap.acknowledged;
}

/// Clients say how many, as often as they like: a sum stops at the largest number, and never turns
/// into a small one.
void add_up(std::uint64_t& sum, std::uint64_t count) noexcept {
  sum += std::min(count, std::numeric_limits<std::uint64_t>::max() - sum);
}

bool lies_before(Gap const& left, Gap const& right) noexcept {
  return std::tie(left.first_seq, left.last_seq) < std::tie(right.first_seq, right.last_seq);
}

}  // namespace

void GapLedger::add(Gap const& gap) {
  if (is_dropped(gap)) return add_dropped(gap);
  // What lies between the gaps that are known already.
  std::vector<Gap> parts;
  auto rest = gap;
  // They follow one another, so the last that begins no later may reach into it; none before that.
  auto at = std::ranges::upper_bound(gaps_, gap.first_seq, {}, &Gap::first_seq);
  while (at != gaps_.begin() && is_dropped(*std::prev(at))) --at, ++compared_;
  if (at != gaps_.begin()) --at;
  for (; at != gaps_.end(); ++at) {
    auto const& known = *at;
    ++compared_;
    if (is_dropped(known) || known.last_seq < rest.first_seq) continue;
    if (known.first_seq > rest.last_seq) break;
    if (known.first_seq > rest.first_seq) {
      parts.push_back(rest);
      parts.back().last_seq = known.first_seq - 1;
    }
    rest.first_seq = known.last_seq + 1;
    if (rest.first_seq > rest.last_seq) break;
  }
  if (rest.first_seq <= rest.last_seq) parts.push_back(rest);
  for (auto const& part : parts) insert(part);
}

void GapLedger::add_dropped(Gap const& gap) {
  if (!gaps_.empty()) {
    auto& last = gaps_.back();
    if (is_dropped(last) && last.first_seq == gap.first_seq && last.writer == gap.writer) {
      add_up(last.dropped, gap.dropped);
      return;
    }
  }
  if (++dropped_records_ > dropped_records_max) join_oldest_dropped();
  insert(gap);
}

void GapLedger::insert(Gap const& gap) {
  gaps_.insert(std::ranges::upper_bound(gaps_, gap, lies_before), gap);
}

void GapLedger::join_oldest_dropped() {
  auto const oldest = std::ranges::find_if(gaps_, is_dropped);
  auto const next = std::find_if(oldest + 1, gaps_.end(), is_dropped);
  add_up(next->dropped, oldest->dropped);
  if (next->writer != oldest->writer) next->writer = {};
  gaps_.erase(oldest);
  --dropped_records_;
}

void GapLedger::acknowledge(Seq first, Seq last) {
  std::vector<Gap> parts;
  for (auto& gap : gaps_) {
    if (!is_unknown_damage(gap) || gap.last_seq < first || gap.first_seq > last) continue;
    if (gap.first_seq < first) {
      parts.push_back(gap);
      parts.back().last_seq = first - 1;
      gap.first_seq = first;
    }
    if (gap.last_seq > last) {
      parts.push_back(gap);
      parts.back().first_seq = last + 1;
      gap.last_seq = last;
    }
    gap.acknowledged = true;
  }
  for (auto const& part : parts) insert(part);
}

std::vector<Gap> GapLedger::unacknowledged(Seq first, Seq last) const {
  std::vector<Gap> parts;
  for (auto const& gap : gaps_) {
    if (!is_unknown_damage(gap) || gap.last_seq < first || gap.first_seq > last) continue;
    parts.push_back(gap);
    parts.back().first_seq = std::max(gap.first_seq, first);
    parts.back().last_seq = std::min(gap.last_seq, last);
  }
  return parts;
}

void GapLedger::expire(Seq first_seq, std::uint64_t segment_no) {
  if (first_seq == 1) return;
  std::erase_if(gaps_, [&](Gap const& gap) {
    if (gap.last_seq >= first_seq) return false;
    if (is_dropped(gap)) --dropped_records_;
    return true;
  });
  for (auto& gap : gaps_) gap.first_seq = std::max(gap.first_seq, first_seq);
  gaps_.insert(gaps_.begin(), {.first_seq = 1,
                               .last_seq = first_seq - 1,
                               .reason = GapReason::expired,
                               .segment_no = segment_no});
}

GapTotals GapLedger::totals(Seq after_seq) const noexcept {
  GapTotals totals;
  for (auto const& gap : gaps_) {
    if (is_dropped(gap)) {
      if (gap.first_seq > after_seq) add_up(totals.dropped, gap.dropped);
      continue;
    }
    if (gap.last_seq <= after_seq) continue;
    auto const seqs = gap.last_seq - std::max(gap.first_seq, after_seq + 1) + 1;
    switch (gap.reason) {
      case GapReason::expired:
        totals.expired += seqs;
        break;
      case GapReason::torn:
        totals.torn += seqs;
        break;
      case GapReason::damaged:
      case GapReason::dropped_by_client:
        totals.damaged += seqs;
        totals.acknowledged += gap.acknowledged ? seqs : 0;
        break;
    }
  }
  return totals;
}

}  // namespace stele::wal
