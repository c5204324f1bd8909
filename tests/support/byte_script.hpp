// What a fuzzer's input says to do, byte by byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace stele::test {

/// Bytes of the input, taken one after the other; zeros when there are no more.
class ByteScript {
 public:
  ByteScript(std::uint8_t const* data, std::size_t size) : bytes_(data, size) {}

  bool at_end() const noexcept { return bytes_.empty(); }
  std::uint64_t take(std::size_t bytes) noexcept {
    std::uint64_t value = 0;
    for (; bytes > 0 && !bytes_.empty(); --bytes, bytes_ = bytes_.subspan(1)) {
      value = value << 8 | bytes_.front();
    }
    return value;
  }

 private:
  std::span<std::uint8_t const> bytes_;
};

}  // namespace stele::test
