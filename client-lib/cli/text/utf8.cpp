#include "client-lib/cli/text/utf8.hpp"

#include "protocol/text/json_text.hpp"

namespace stele::cli {

CodePoint first_code_point(std::string_view text) noexcept {
  auto const bytes = protocol::utf8_sequence_bytes(text);
  if (bytes == 0) return {};
  auto const lead = static_cast<unsigned char>(text.front());
  // A lead byte of n bytes starts with n ones and a zero; ASCII with a zero alone.
  std::uint32_t value = bytes == 1 ? lead : lead & (0x7fU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    value = (value << 6) | (static_cast<unsigned char>(text[i]) & 0x3fU);
  }
  return {value, bytes};
}

}  // namespace stele::cli
