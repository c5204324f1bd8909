#include "client-lib/log_buffer.hpp"

#include <algorithm>
#include <boost/assert.hpp>
#include <iterator>
#include <utility>

namespace stele::client {

void LogBuffer::append(std::string_view text, Origin const& origin) {
  bool const fits = !batches_.empty() && !batches_.back().sealed &&
                    batches_.back().text.size() + 1 + text.size() <= limits_.batch_bytes_max;
  if (!fits) {
    batches_.emplace_back();
    // At once: growing would take twice the memory for a moment.
    batches_.back().text.reserve(std::max(text.size(), limits_.batch_bytes_max));
  }
  auto& batch = batches_.back();
  auto const before = batch.text.size();
  if (!batch.text.empty()) batch.text += ',';
  batch.text += text;
  batch.entry_ends.push_back(static_cast<std::uint32_t>(batch.text.size()));
  batch.origins.push_back(origin);
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
  auto const first_moved = first.origins.begin() + static_cast<std::ptrdiff_t>(kept);
  second.origins.assign(first_moved, first.origins.end());
  first.origins.erase(first_moved, first.origins.end());
  first.text.resize(end);
  first.entry_ends.resize(kept);
  --text_bytes_;  // The comma between the two.
  batches_.insert(batches_.begin() + 1, std::move(second));
}

void LogBuffer::pop_stored() {
  auto const batch = pop_oldest();
  stored_ += batch.entry_count();
  add_shares(settled_.stored, batch);
}

void LogBuffer::pop_refused() {
  auto const batch = pop_oldest();
  refused_ += batch.entry_count();
  dropped_ += batch.entry_count();
  add_shares(settled_.refused, batch);
}

LogBuffer::Settled LogBuffer::take_settled() { return std::exchange(settled_, {}); }

void LogBuffer::add_shares(std::vector<Share>& shares, Batch const& batch) {
  for (auto const& origin : batch.origins) {
    if (shares.empty() || shares.back().owner != origin.owner) {
      shares.push_back({.owner = origin.owner});
    }
    ++shares.back().entries;
    shares.back().bytes += origin.bytes;
  }
}

LogBuffer::Batch LogBuffer::pop_oldest() {
  BOOST_ASSERT(!batches_.empty());
  auto batch = std::move(batches_.front());
  batches_.pop_front();
  text_bytes_ -= batch.text.size();
  return batch;
}

}  // namespace stele::client
