// Little-endian fields, one after another: the two halves of every encoder and decoder of this
// module.
#pragma once

#include <array>
#include <boost/assert.hpp>
#include <boost/endian/conversion.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace stele::wal {

class FieldWriter {
 public:
  explicit FieldWriter(std::span<std::byte> out) noexcept : out_(out) {}

  void u8(std::uint8_t value) noexcept { put(value); }
  void u16(std::uint16_t value) noexcept { put(value); }
  void u32(std::uint32_t value) noexcept { put(value); }
  void u64(std::uint64_t value) noexcept { put(value); }
  void bytes(void const* data, std::size_t count) noexcept {
    BOOST_ASSERT(count <= out_.size() - position_);
    if (count == 0) return;  // Then `data` may be null, which memcpy() may not be given.
    std::memcpy(out_.data() + position_, data, count);
    position_ += count;
  }
  void zeros(std::size_t count) noexcept {
    BOOST_ASSERT(count <= out_.size() - position_);
    std::memset(out_.data() + position_, 0, count);
    position_ += count;
  }
  std::size_t position() const noexcept { return position_; }

 private:
  template <class Unsigned>
  void put(Unsigned value) noexcept {
    boost::endian::native_to_little_inplace(value);
    bytes(&value, sizeof value);
  }

  std::span<std::byte> out_;
  std::size_t position_ = 0;
};

class FieldReader {
 public:
  explicit FieldReader(std::span<std::byte const> in) noexcept : in_(in) {}

  std::uint8_t u8() noexcept { return get<std::uint8_t>(); }
  std::uint16_t u16() noexcept { return get<std::uint16_t>(); }
  std::uint32_t u32() noexcept { return get<std::uint32_t>(); }
  std::uint64_t u64() noexcept { return get<std::uint64_t>(); }
  void bytes(void* data, std::size_t count) noexcept {
    BOOST_ASSERT(count <= in_.size() - position_);
    std::memcpy(data, in_.data() + position_, count);
    position_ += count;
  }
  bool is(std::string_view text) noexcept {
    BOOST_ASSERT(text.size() <= in_.size() - position_);
    bool const same = std::memcmp(in_.data() + position_, text.data(), text.size()) == 0;
    position_ += text.size();
    return same;
  }
  bool zeros(std::size_t count) noexcept {
    bool all = true;
    for (std::size_t i = 0; i < count; ++i) all = u8() == 0 && all;
    return all;
  }
  std::size_t position() const noexcept { return position_; }

 private:
  template <class Unsigned>
  Unsigned get() noexcept {
    Unsigned value;
    bytes(&value, sizeof value);
    return boost::endian::little_to_native(value);
  }

  std::span<std::byte const> in_;
  std::size_t position_ = 0;
};

}  // namespace stele::wal
