#include "daemon/request/encoded_batch.hpp"

#include <boost/assert.hpp>
#include <string>
#include <string_view>

namespace stele::daemon {
namespace {

std::size_t digits(std::uint64_t number) { return std::to_string(number).size(); }

}  // namespace

EncodedBatch::EncodedBatch(PreparedMemory memory, std::size_t entries,
                           protocol::EntryStamp const& last)
    : memory_(std::move(memory)), entries_(entries), last_(last) {
  ends_.reserve(entries);
}

/// Returns how many bytes it has.
std::size_t EncodedBatch::add(protocol::EntryDraft const& draft,
                              protocol::EntryStamp const& stamp) noexcept {
  char* const begin = memory_.begin() + used_bytes();
  auto const timestamp = draft.timestamp.value_or(stamp.timestamp);
  char* const end =
      protocol::write_canonical_entry(begin, draft, {stamp.seq, timestamp, stamp.origin});
  *end = ',';
  ends_.push_back(static_cast<std::uint32_t>(end - memory_.begin()));
  return static_cast<std::size_t>(end - begin);
}

void EncodedBatch::encode(std::span<protocol::EntryDraft const> drafts, TurnBudget& budget) {
  BOOST_ASSERT(drafts.size() == entries_);
  while (!is_complete() && !budget.is_spent()) {
    auto const& draft = drafts[ends_.size()];
    auto const needed = used_bytes() + protocol::canonical_bytes_max(draft) + 1;
    BOOST_ASSERT(needed <= memory_.bytes());
    if (needed <= memory_.ready_bytes()) {
      budget.pay_for_copy(add(draft, last_));
    } else {
      budget.pay_for_pages(memory_.prepare(budget.pages_to_prepare()));
    }
  }
}

bool EncodedBatch::stamp(std::span<protocol::EntryDraft const> drafts,
                         protocol::EntryStamp const& first) {
  BOOST_ASSERT(is_complete() && drafts.size() == entries_);
  auto seq = first.seq;
  auto const seq_digits = digits(seq + entries_ - 1);
  if (seq_digits > digits(last_.seq) + 1) return false;
  bool const has_places = digits(seq) == digits(last_.seq) && seq_digits == digits(last_.seq) &&
                          digits(first.timestamp) == digits(last_.timestamp);
  if (!has_places) {  // Once in a while: the log has come to ten times as many entries.
    ends_.clear();
    for (auto const& draft : drafts) add(draft, {seq++, first.timestamp, first.origin});
    return true;
  }
  auto const received_at = std::to_string(first.timestamp);
  std::string_view const given{};  // It stays as it is.
  char* entry = memory_.begin();
  for (std::size_t i = 0; i < entries_; ++i) {
    protocol::overwrite_stamp(entry, seq++, drafts[i].timestamp ? given : received_at);
    entry = memory_.begin() + ends_[i] + 1;
  }
  return true;
}

}  // namespace stele::daemon
