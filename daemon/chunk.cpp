#include "daemon/chunk.hpp"

#include <algorithm>
#include <boost/assert.hpp>
#include <limits>
#include <utility>

namespace stele::daemon {

Chunk::Chunk(Seq first_seq, ChunkMemory memory)
    : memory_(std::move(memory)), first_seq_(first_seq) {
  BOOST_ASSERT(memory_.get_deleter().bytes <= std::numeric_limits<std::uint32_t>::max());
}

std::string_view Chunk::entries(Seq first, Seq end) const noexcept {
  std::size_t const begin = begin_of(static_cast<std::size_t>(first - first_seq_));
  return {memory_.get() + begin, ends_[static_cast<std::size_t>(end - first_seq_) - 1] - begin};
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
  trim_chunk_memory(memory_, used_bytes());
}

}  // namespace stele::daemon
