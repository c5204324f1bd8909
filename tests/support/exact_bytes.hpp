// Bytes in a heap block of exactly their size, so that an access past the end is an error that the
// address sanitizer sees.
#pragma once

#include <algorithm>
#include <boost/assert.hpp>
#include <cstddef>
#include <memory>
#include <span>

namespace stele::test {

class ExactBytes {
 public:
  explicit ExactBytes(std::size_t size) : bytes_(new std::byte[size]()), size_(size) {}
  explicit ExactBytes(std::span<std::byte const> bytes) : ExactBytes(bytes.size()) {
    std::ranges::copy(bytes, bytes_.get());
  }

  std::span<std::byte> all() noexcept { return {bytes_.get(), size_}; }

  /// All of them, where a function wants to know the size when it is compiled.
  template <std::size_t size>
  std::span<std::byte, size> fixed() noexcept {
    BOOST_ASSERT(size == size_);
    return std::span<std::byte, size>(bytes_.get(), size);
  }

 private:
  std::unique_ptr<std::byte[]> bytes_;
  std::size_t size_;
};

}  // namespace stele::test
