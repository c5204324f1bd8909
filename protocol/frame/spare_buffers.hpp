// Large buffers that are free again, kept for the next frames that are as large.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>

#include "protocol/frame/spare_memory.hpp"

namespace stele::protocol {

class SpareBuffers {
 public:
  /// Smaller ones are left to the heap, which keeps them by itself.
  static constexpr std::size_t buffer_bytes_min = std::size_t{4} << 20;

  /// Frees a buffer, or makes it spare.
  struct GiveBack {
    SpareBuffers* spares = nullptr;  ///< Outlives the buffer, if there is one.
    std::size_t capacity = 0;
    void operator()(char* memory) const noexcept;
  };
  using Buffer = std::unique_ptr<char[], GiveBack>;

  explicit SpareBuffers(std::size_t bytes_max = 0) noexcept : spares_(bytes_max) {}
  SpareBuffers(SpareBuffers const&) = delete;
  SpareBuffers& operator=(SpareBuffers const&) = delete;

  /// How much may lie spare.
  void set_bytes_max(std::size_t bytes) noexcept { spares_.set_bytes_max(bytes); }
  std::size_t bytes() const noexcept { return spares_.bytes(); }

  /// A spare one with `capacity` bytes or hardly more; null if there is none.
  Buffer take(std::size_t capacity) noexcept;
  /// To be called now and then: frees those that nobody has wanted since the last time.
  void free_unwanted() noexcept { spares_.free_unwanted(); }
  void free_all() noexcept { spares_.free_all(); }

 private:
  struct Free {
    void operator()(char* memory) const noexcept { std::free(memory); }
  };

  SpareMemory<std::unique_ptr<char[], Free>> spares_;
};

}  // namespace stele::protocol
