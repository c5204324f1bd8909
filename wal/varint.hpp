// Integers that are mostly small, in few bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace stele::wal {

/// Integers of one to ten bytes, seven bits in each, the low ones first; the highest bit says that
/// another byte follows.
inline void append_varint(std::vector<std::byte>& out, std::uint64_t value) {
  constexpr std::uint64_t more = 0x80;
  for (; value >= more; value >>= 7) out.push_back(static_cast<std::byte>(value | more));
  out.push_back(static_cast<std::byte>(value));
}
/// Takes one off the front; nothing if none is there.
inline std::optional<std::uint64_t> take_varint(std::span<std::byte const>& in) noexcept {
  std::uint64_t value = 0;
  std::size_t taken = 0;
  for (unsigned shift = 0; shift < 64 && taken < in.size(); shift += 7) {
    auto const byte = std::to_integer<std::uint64_t>(in[taken++]);
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      in = in.subspan(taken);
      return value;
    }
  }
  return std::nullopt;
}

/// Small whether the difference is a little above or below zero, and the way back.
constexpr std::uint64_t fold_sign(std::uint64_t difference) noexcept {
  return difference << 1 ^ (std::uint64_t{0} - (difference >> 63));
}
constexpr std::uint64_t unfold_sign(std::uint64_t folded) noexcept {
  return folded >> 1 ^ (std::uint64_t{0} - (folded & 1));
}

}  // namespace stele::wal
