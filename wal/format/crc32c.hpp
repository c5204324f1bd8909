// CRC-32C (Castagnoli), the checksum of every structure on disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace stele::wal {

/// The checksum of `bytes`, or of `before` followed by `bytes` when `crc` is the checksum of
/// `before`. crc32c("123456789") == 0xE3069283.
std::uint32_t crc32c(std::span<std::byte const> bytes, std::uint32_t crc = 0) noexcept;

}  // namespace stele::wal
