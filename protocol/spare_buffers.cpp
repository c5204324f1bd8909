#include "protocol/spare_buffers.hpp"

#include <algorithm>

namespace stele::protocol {

void SpareBuffers::GiveBack::operator()(char* memory) const noexcept {
  if (spares != nullptr && capacity >= buffer_bytes_min) {
    spares->put(memory, capacity);
  } else {
    std::free(memory);
  }
}

/// Whoever takes one is charged for what it asked for.
SpareBuffers::Buffer SpareBuffers::take(std::size_t capacity) noexcept {
  auto const found = std::ranges::find_if(spares_, [capacity](Spare const& spare) {
    return spare.capacity >= capacity && spare.capacity - capacity <= capacity / 8;
  });
  if (found == spares_.end()) return {};
  Buffer buffer(found->memory.release(), GiveBack{this, found->capacity});
  bytes_ -= found->capacity;
  spares_.erase(found);
  return buffer;
}

void SpareBuffers::put(char* memory, std::size_t capacity) noexcept {
  Spare spare{decltype(Spare::memory)(memory), capacity, false};
  while (!spares_.empty() && bytes_ + capacity > bytes_max_) {
    bytes_ -= spares_.front().capacity;  // The one that has been spare for longest.
    spares_.erase(spares_.begin());
  }
  if (bytes_ + capacity > bytes_max_) return;
  bytes_ += capacity;
  spares_.push_back(std::move(spare));
}

void SpareBuffers::free_unwanted() noexcept {
  std::erase_if(spares_, [this](Spare const& spare) {
    if (spare.is_old) bytes_ -= spare.capacity;
    return spare.is_old;
  });
  for (auto& spare : spares_) spare.is_old = true;
}

void SpareBuffers::free_all() noexcept {
  spares_.clear();
  bytes_ = 0;
}

}  // namespace stele::protocol
