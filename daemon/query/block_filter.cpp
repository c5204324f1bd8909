#include "daemon/query/block_filter.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "protocol/text/find_text.hpp"

namespace stele::daemon {
namespace {

bool has_level(BlockSummary const& summary, Level min_level) noexcept {
  auto const of_levels = std::span(summary.of_level).subspan(static_cast<std::size_t>(min_level));
  return std::ranges::any_of(of_levels, [](auto count) { return count > 0; });
}

/// Of the entries of a chunk, those in which the text stands. None do: empty.
std::vector<bool> entries_with(std::string_view wanted, Chunk const& chunk) {
  std::vector<bool> found;
  auto const text = chunk.entries(chunk.first_seq(), chunk.next_seq());
  auto seq = chunk.first_seq();
  for (std::size_t at = 0;;) {
    auto const hit = protocol::find_text(text.substr(at), wanted);
    if (hit == text.npos) return found;
    auto const* const place = text.data() + at + hit;
    auto const end_of = [&chunk](Seq of) {
      auto const entry = chunk.entry(of);
      return entry.data() + entry.size();
    };
    while (end_of(seq) <= place) ++seq;
    if (found.empty()) found.resize(static_cast<std::size_t>(chunk.next_seq() - chunk.first_seq()));
    found[static_cast<std::size_t>(seq - chunk.first_seq())] = true;
    at = static_cast<std::size_t>(end_of(seq) - text.data());
  }
}

}  // namespace

bool BlockFilter::may_match(Seq seq, protocol::EntryMatcher const& matcher, Store::Finder& finder,
                            TurnBudget& budget) {
  auto const& block = judged(seq, matcher, finder, budget);
  if (block.has_trace.empty()) return block.may_match;
  return block.has_trace[static_cast<std::size_t>(seq - block.first_seq)];
}

BlockFilter::Judged const& BlockFilter::judged(Seq seq, protocol::EntryMatcher const& matcher,
                                               Store::Finder& finder, TurnBudget& budget) {
  if (!judged_.empty() && judged_.front().holds(seq)) return judged_.front();
  auto const known =
      std::ranges::find_if(judged_, [seq](Judged const& block) { return block.holds(seq); });
  if (known != judged_.end()) {
    auto block = std::move(*known);
    judged_.erase(known);
    judged_.push_front(std::move(block));
    return judged_.front();
  }
  auto const block = finder.block_of(seq);
  Judged result{.first_seq = block.first_seq, .next_seq = block.next_seq, .may_match = true};
  if (block.summary != nullptr) result.may_match = has_level(*block.summary, matcher.min_level());
  if (auto const trace = matcher.trace(); result.may_match && !trace.empty()) {
    auto const& chunk = finder.chunk_with(seq);
    budget.pay_for_search(chunk.used_bytes());
    result.has_trace = entries_with(trace, chunk);
    result.may_match = !result.has_trace.empty();
  }
  judged_.push_front(std::move(result));
  if (judged_.size() > judged_max) judged_.pop_back();
  return judged_.front();
}

}  // namespace stele::daemon
