#include "daemon/store/chunk_slice.hpp"

#include <algorithm>
#include <utility>

#include "daemon/store/chunk.hpp"

namespace stele::daemon {

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
