#include "client-lib/cli/utf8.hpp"

#include "protocol/json_text.hpp"

namespace stele::cli {
namespace {

struct Lead {
  std::size_t bytes = 0;
  std::uint32_t bits = 0;
  std::uint32_t value_min = 0;  // Below: an overlong form.
};

Lead decode_lead(unsigned char byte) noexcept {
  if (byte < 0x80) return {1, byte, 0};
  if (byte < 0xc0) return {};
  if (byte < 0xe0) return {2, byte & 0x1fU, 0x80};
  if (byte < 0xf0) return {3, byte & 0x0fU, 0x800};
  if (byte < 0xf8) return {4, byte & 0x07U, 0x10000};
  return {};
}

}  // namespace

CodePoint first_code_point(std::string_view text) noexcept {
  if (text.empty()) return {};
  auto const lead = decode_lead(static_cast<unsigned char>(text.front()));
  if (lead.bytes == 0 || text.size() < lead.bytes) return {};
  auto value = lead.bits;
  for (std::size_t i = 1; i < lead.bytes; ++i) {
    auto const byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xc0U) != 0x80) return {};
    value = (value << 6) | (byte & 0x3fU);
  }
  bool const surrogate = value >= 0xd800 && value <= 0xdfff;
  if (value < lead.value_min || surrogate || value > 0x10ffff) return {};
  return {value, lead.bytes};
}

std::size_t append_as_utf8(std::string& out, std::string_view text) {
  if (protocol::is_utf8(text)) {
    out += text;
    return 0;
  }
  std::size_t replaced = 0;
  while (!text.empty()) {
    auto const point = first_code_point(text);
    if (point.bytes == 0) {
      out += "\xef\xbf\xbd";
      ++replaced;
      text.remove_prefix(1);
    } else {
      out += text.substr(0, point.bytes);
      text.remove_prefix(point.bytes);
    }
  }
  return replaced;
}

}  // namespace stele::cli
