#include "wal/format/crc32c.hpp"

#include <isa-l/crc.h>

#include <algorithm>

namespace stele::wal {

std::uint32_t crc32c(std::span<std::byte const> bytes, std::uint32_t crc) noexcept {
  // ISA-L takes an int length and a pointer that it does not write through, and leaves the
  // customary inversion before and after to the caller.
  constexpr std::size_t piece_bytes_max = std::size_t{1} << 30;
  crc = ~crc;
  while (!bytes.empty()) {
    auto const piece = bytes.first(std::min(bytes.size(), piece_bytes_max));
    auto* const data = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(piece.data()));
    crc = crc32_iscsi(data, static_cast<int>(piece.size()), crc);
    bytes = bytes.subspan(piece.size());
  }
  return ~crc;
}

}  // namespace stele::wal
