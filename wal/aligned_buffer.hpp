// Memory whose address suits direct I/O.
#pragma once

#include <boost/assert.hpp>
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <utility>

namespace stele::wal {

/// Bytes at an address that is a multiple of 4096, the largest alignment a Directory may ask for.
/// Not initialised. Grows by copying; never shrinks.
class AlignedBuffer {
 public:
  static constexpr std::size_t alignment = 4096;

  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t capacity) { reserve(capacity, 0); }

  std::byte* data() noexcept { return memory_.get(); }
  std::byte const* data() const noexcept { return memory_.get(); }
  std::size_t capacity() const noexcept { return capacity_; }

  /// Makes room for `capacity` bytes and keeps the first `used`.
  void reserve(std::size_t capacity, std::size_t used) {
    BOOST_ASSERT(used <= capacity_);
    if (capacity <= capacity_) return;
    auto const grown = (capacity + alignment - 1) / alignment * alignment;
    Memory memory(static_cast<std::byte*>(::operator new (grown, std::align_val_t{alignment})));
    if (used > 0) std::memcpy(memory.get(), memory_.get(), used);
    memory_ = std::move(memory);
    capacity_ = grown;
  }

 private:
  struct Free {
    void operator()(std::byte* memory) const noexcept {
      ::operator delete (memory, std::align_val_t{alignment});
    }
  };
  using Memory = std::unique_ptr<std::byte[], Free>;

  Memory memory_{};
  std::size_t capacity_ = 0;
};

}  // namespace stele::wal
