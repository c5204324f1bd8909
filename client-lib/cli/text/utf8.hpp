// UTF-8 of bytes that may not be UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace stele::cli {

/// The first code point of `text` and its length in bytes; length 0 if the text is empty or does
/// not start with a well-formed sequence (RFC 3629).
struct CodePoint {
  std::uint32_t value = 0;
  std::size_t bytes = 0;
};
CodePoint first_code_point(std::string_view text) noexcept;

}  // namespace stele::cli
