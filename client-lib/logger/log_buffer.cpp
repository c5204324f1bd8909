#include "client-lib/logger/log_buffer.hpp"

#include <algorithm>
#include <boost/assert.hpp>
#include <iterator>
#include <utility>

namespace stele::client {

void LogBuffer::append(std::string_view text, Origin const& origin) {
  bool const fits = !batches_.empty() && !batches_.back().sealed &&
                    batches_.back().text.size() + 1 + text.size() <= limits_.batch_bytes_max;
  if (!fits) {
    batches_.push_back(std::exchange(spare_, {}));
    // At once: growing would take twice the memory for a moment.
    batches_.back().text.reserve(std::max(text.size(), limits_.batch_bytes_max));
  }
  auto& batch = batches_.back();
  auto const before = batch.text.size();
  if (!batch.text.empty()) batch.text += ',';
  batch.text += text;
  batch.entry_ends.push_back(static_cast<std::uint32_t>(batch.text.size()));
  add_share(batch.shares, {.owner = origin.owner, .entries = 1, .bytes = origin.bytes});
  text_bytes_ += batch.text.size() - before;
  ++accepted_;
}

LogBuffer::Batch const& LogBuffer::seal_oldest() {
  BOOST_ASSERT(!batches_.empty());
  batches_.front().sealed = true;
  return batches_.front();
}

void LogBuffer::split_oldest() {
  auto& first = batches_.front();
  BOOST_ASSERT(first.entry_count() > 1);
  auto const kept = first.entry_count() / 2;
  auto const end = first.entry_ends[kept - 1];
  Batch second{.text = first.text.substr(end + 1), .sealed = true};
  for (auto i = kept; i < first.entry_count(); ++i) {
    second.entry_ends.push_back(first.entry_ends[i] - end - 1);
  }
  second.shares = split_shares(first.shares, kept);
  first.text.resize(end);
  first.entry_ends.resize(kept);
  --text_bytes_;  // The comma between the two.
  batches_.insert(batches_.begin() + 1, std::move(second));
}

void LogBuffer::pop_stored() {
  auto batch = pop_oldest();
  stored_ += batch.entry_count();
  add_shares(settled_.stored, batch);
  use_again(std::move(batch));
}

void LogBuffer::pop_refused() {
  auto const batch = pop_oldest();
  refused_ += batch.entry_count();
  dropped_ += batch.entry_count();
  add_shares(settled_.refused, batch);
}

/// A batch is large: giving its memory back to the system and taking it again takes longer than
/// filling it.
void LogBuffer::use_again(Batch batch) noexcept {
  if (batch.text.capacity() > 2 * limits_.batch_bytes_max) return;
  batch.text.clear();
  batch.entry_ends.clear();
  batch.shares.clear();
  batch.sealed = false;
  spare_ = std::move(batch);
}

LogBuffer::Settled LogBuffer::take_settled() { return std::exchange(settled_, {}); }

void LogBuffer::add_share(std::vector<Share>& shares, Share const& added) {
  if (shares.empty() || shares.back().owner != added.owner) {
    shares.push_back({.owner = added.owner});
  }
  shares.back().entries += added.entries;
  shares.back().bytes += added.bytes;
}

void LogBuffer::add_shares(std::vector<Share>& shares, Batch const& batch) {
  for (auto const& share : batch.shares) add_share(shares, share);
}

/// Leaves those of the first `kept` entries, and returns those of the others. What the entries of
/// one share count for is not known one by one: both parts have their part of it.
std::vector<LogBuffer::Share> LogBuffer::split_shares(std::vector<Share>& shares,
                                                      std::size_t kept) {
  std::vector<Share> first;
  std::vector<Share> second;
  for (auto const& share : shares) {
    auto const entries = std::min<std::uint64_t>(share.entries, kept);
    auto const bytes = share.bytes / share.entries * entries;
    kept -= entries;
    if (entries > 0) first.push_back({share.owner, entries, bytes});
    if (entries == share.entries) continue;
    second.push_back({share.owner, share.entries - entries, share.bytes - bytes});
  }
  shares = std::move(first);
  return second;
}

LogBuffer::Batch LogBuffer::pop_oldest() {
  BOOST_ASSERT(!batches_.empty());
  auto batch = std::move(batches_.front());
  batches_.pop_front();
  text_bytes_ -= batch.text.size();
  return batch;
}

}  // namespace stele::client
