#include "protocol/frame/spare_memory.hpp"

namespace stele::protocol {

void SpareBuffers::GiveBack::operator()(char* memory) const noexcept {
  std::unique_ptr<char[], Free> freed(memory);
  if (spares == nullptr || capacity < buffer_bytes_min) return;
  spares->spares_.put({std::move(freed), capacity});
}

/// Whoever takes one is charged for what it asked for.
SpareBuffers::Buffer SpareBuffers::take(std::size_t capacity) noexcept {
  auto spare = spares_.take(capacity, capacity + capacity / 8);
  return Buffer(spare.memory.release(), GiveBack{this, spare.capacity});
}

}  // namespace stele::protocol
