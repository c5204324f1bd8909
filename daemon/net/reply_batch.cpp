#include "daemon/net/reply_batch.hpp"

#include <algorithm>
#include <boost/assert.hpp>
#include <utility>

namespace stele::daemon {
namespace {

/// A buffer that once held more than this is given back; most replies are far smaller.
constexpr std::size_t text_bytes_kept = std::size_t{16} << 10;

}  // namespace

void ReplyBatch::add_slice(std::shared_ptr<Chunk const> chunk, std::string_view bytes) {
  slices_.emplace_back(text_.size(), std::move(chunk), bytes);
  slice_bytes_ += bytes.size();
  slice_bytes_held_ += bytes.size();
}

std::string_view ReplyBatch::part(std::size_t index) const noexcept {
  std::size_t const slice = index / 2;
  if (index % 2 == 1) return slices_[slice].shared.bytes();
  std::size_t const begin = slice == 0 ? 0 : slices_[slice - 1].text_end;
  std::size_t const end = slice == slices_.size() ? text_.size() : slices_[slice].text_end;
  return std::string_view(text_).substr(begin, end - begin);
}

std::span<std::string_view const> ReplyBatch::unsent(Parts& parts) const noexcept {
  std::size_t count = 0;
  std::size_t skip = sent_part_bytes_;
  std::size_t bytes_left = call_bytes_max;
  for (std::size_t i = sent_parts_; i < part_count() && count < parts.size(); ++i) {
    auto const bytes = part(i).substr(skip, bytes_left);
    skip = 0;
    bytes_left -= bytes.size();
    if (!bytes.empty()) parts[count++] = bytes;
  }
  return {parts.data(), count};
}

void ReplyBatch::on_sent(std::size_t bytes) noexcept {
  BOOST_ASSERT(bytes <= unsent_bytes());
  sent_bytes_ += bytes;
  sent_bytes_total_ += bytes;
  sent_part_bytes_ += bytes;
  while (sent_parts_ + 1 < part_count() && sent_part_bytes_ >= part(sent_parts_).size()) {
    sent_part_bytes_ -= part(sent_parts_).size();
    if (sent_parts_ % 2 == 1) let_go_of(slices_[sent_parts_ / 2].shared);
    ++sent_parts_;
  }
}

void ReplyBatch::let_go_of(ChunkSlice& slice) noexcept {
  slice_bytes_held_ -= slice.bytes().size();
  slice.release();
}

void ReplyBatch::clear() {
  text_.clear();
  if (text_.capacity() > text_bytes_kept) text_.shrink_to_fit();
  slices_.clear();
  slice_bytes_ = slice_bytes_held_ = sent_bytes_ = sent_parts_ = sent_part_bytes_ = 0;
}

/// Member by member: a deque that is moved from takes new memory.
void ReplyBatch::swap(ReplyBatch& other) noexcept {
  text_.swap(other.text_);
  slices_.swap(other.slices_);
  std::swap(slice_bytes_, other.slice_bytes_);
  std::swap(slice_bytes_held_, other.slice_bytes_held_);
  std::swap(sent_bytes_total_, other.sent_bytes_total_);
  std::swap(sent_bytes_, other.sent_bytes_);
  std::swap(sent_parts_, other.sent_parts_);
  std::swap(sent_part_bytes_, other.sent_part_bytes_);
}

}  // namespace stele::daemon
