#include "client-lib/log_buffer.hpp"

#include <algorithm>
#include <boost/assert.hpp>
#include <utility>

namespace stele::client {

bool LogBuffer::has_room(std::size_t text_bytes) const noexcept {
  return could_have_room(text_bytes) &&
         bytes_ <= limits_.bytes_max - text_bytes - entry_overhead_bytes;
}

bool LogBuffer::could_have_room(std::size_t text_bytes) const noexcept {
  return text_bytes <= limits_.bytes_max && limits_.bytes_max - text_bytes >= entry_overhead_bytes;
}

void LogBuffer::append(std::string_view text) {
  BOOST_ASSERT(has_room(text.size()));
  bool const fits = !batches_.empty() && !batches_.back().sealed &&
                    batches_.back().text.size() + 1 + text.size() <= limits_.batch_bytes_max;
  if (!fits) {
    batches_.emplace_back();
    // At once: growing would take twice the memory for a moment.
    batches_.back().text.reserve(std::max(text.size(), limits_.batch_bytes_max));
  }
  auto& batch = batches_.back();
  if (!batch.text.empty()) batch.text += ',';
  batch.text += text;
  batch.entry_ends.push_back(static_cast<std::uint32_t>(batch.text.size()));
  bytes_ += text.size() + entry_overhead_bytes;
  bytes_peak_ = std::max(bytes_peak_, bytes_);
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
  first.text.resize(end);
  first.entry_ends.resize(kept);
  batches_.insert(batches_.begin() + 1, std::move(second));
}

void LogBuffer::pop_stored() { stored_ += pop_oldest().entry_count(); }

void LogBuffer::pop_refused() {
  auto const count = pop_oldest().entry_count();
  refused_ += count;
  dropped_ += count;
}

std::size_t LogBuffer::cost(Batch const& batch) const noexcept {
  // Each entry was counted with a comma.
  return batch.text.size() + 1 + batch.entry_count() * (entry_overhead_bytes - 1);
}

LogBuffer::Batch LogBuffer::pop_oldest() {
  BOOST_ASSERT(!batches_.empty());
  auto batch = std::move(batches_.front());
  batches_.pop_front();
  bytes_ -= cost(batch);
  return batch;
}

}  // namespace stele::client
