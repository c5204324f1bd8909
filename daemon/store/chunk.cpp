#include "daemon/store/chunk.hpp"

#include <algorithm>
#include <boost/assert.hpp>
#include <limits>
#include <utility>

namespace stele::daemon {

Chunk::Chunk(Seq first_seq, ChunkMemory memory)
    : memory_(std::make_shared<ChunkMemory>(std::move(memory))),
      begin_(memory_->get()),
      bytes_(memory_->get_deleter().bytes),
      first_seq_(first_seq) {
  BOOST_ASSERT(bytes_ <= std::numeric_limits<std::uint32_t>::max());
}

Chunk::Chunk(Seq first_seq, ChunkMemory memory, std::vector<std::uint32_t> ends)
    : Chunk(first_seq, std::move(memory)) {
  ends_ = std::move(ends);
  BOOST_ASSERT(used_bytes() <= bytes_);
}

Chunk::Chunk(Seq first_seq, Chunk& before)
    : memory_(before.memory_),
      begin_(before.free_begin()),
      bytes_(before.free_bytes()),
      first_seq_(first_seq) {
  before.bytes_ = before.used_bytes();
  before.ends_.shrink_to_fit();
}

std::string_view Chunk::entries(Seq first, Seq end) const noexcept {
  std::size_t const begin = begin_of(static_cast<std::size_t>(first - first_seq_));
  return {begin_ + begin, ends_[static_cast<std::size_t>(end - first_seq_) - 1] - begin};
}

Seq Chunk::run_end(Seq first, Seq end, std::size_t bytes_max) const noexcept {
  auto const index = static_cast<std::ptrdiff_t>(first - first_seq_);
  auto const index_last = static_cast<std::ptrdiff_t>(end - first_seq_) - 1;
  // The comma that this entry ends with is the last byte before the bound, or after it.
  std::size_t const comma_min = begin_of(static_cast<std::size_t>(index)) + bytes_max - 1;
  auto const last = std::lower_bound(ends_.begin() + index, ends_.begin() + index_last, comma_min);
  return first_seq_ + static_cast<Seq>(last - ends_.begin()) + 1;
}

std::string_view Chunk::append(std::size_t bytes) {
  BOOST_ASSERT(bytes < free_bytes());
  char* const begin = free_begin();
  begin[bytes] = ',';
  ends_.push_back(static_cast<std::uint32_t>(used_bytes() + bytes));
  return {begin, bytes};
}

void Chunk::shrink_to_fit() {
  ends_.shrink_to_fit();
  // What it shares the memory with lies before it.
  auto const before = static_cast<std::size_t>(begin_ - memory_->get());
  trim_chunk_memory(*memory_, before + used_bytes());
  bytes_ = memory_->get_deleter().bytes - before;
}

Chunk::~Chunk() {
  if (pinned_bytes_) *pinned_bytes_ -= held_bytes();
}

void Chunk::retire(std::shared_ptr<std::size_t> pinned_bytes) {
  pinned_bytes_ = std::move(pinned_bytes);
  *pinned_bytes_ += held_bytes();
  if (shared_bytes_ <= held_bytes()) copy_slices_out();
}

ChunkMemory Chunk::take_memory() noexcept {
  if (memory_.use_count() > 1) return {};
  ends_.clear();
  bytes_ = 0;
  return std::move(*memory_);
}

std::size_t Chunk::held_bytes() const noexcept {
  return bytes_ + ends_.capacity() * sizeof(std::uint32_t);
}

void Chunk::share(ChunkSlice& slice) const noexcept {
  slices_.push_back(slice);
  shared_bytes_ += slice.bytes().size();
}

void Chunk::unshare(ChunkSlice const& slice) const {
  slices_.erase(Slices::s_iterator_to(slice));
  shared_bytes_ -= slice.bytes().size();
  if (pinned_bytes_ && shared_bytes_ <= held_bytes()) copy_slices_out();
}

/// Whoever calls shares the chunk.
void Chunk::copy_slices_out() const {
  while (!slices_.empty()) {
    auto& slice = slices_.front();
    slices_.pop_front();
    slice.copy_out();
  }
  shared_bytes_ = 0;
}

ChunkSlice::ChunkSlice(std::shared_ptr<Chunk const> chunk, std::string_view bytes)
    : chunk_(std::move(chunk)), bytes_(bytes) {
  chunk_->share(*this);
}

void ChunkSlice::release() noexcept {
  copy_.reset();
  if (auto const chunk = std::exchange(chunk_, nullptr)) chunk->unshare(*this);
}

std::shared_ptr<Chunk const> ChunkSlice::copy_out() {
  copy_ = std::make_unique_for_overwrite<char[]>(bytes_.size());
  std::ranges::copy(bytes_, copy_.get());
  bytes_ = {copy_.get(), bytes_.size()};
  return std::exchange(chunk_, nullptr);
}

}  // namespace stele::daemon
