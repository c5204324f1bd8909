#include "protocol/json_text.hpp"

#include <array>
#include <cstring>

namespace stele::protocol {
namespace {

/// The letter after the backslash, `u` for \u00xx, or 0 for a byte that stays as it is.
constexpr std::array<char, 256> make_escapes() {
  std::array<char, 256> escapes{};
  for (std::size_t byte = 0; byte < 0x20; ++byte) escapes[byte] = 'u';
  escapes['\b'] = 'b';
  escapes['\f'] = 'f';
  escapes['\n'] = 'n';
  escapes['\r'] = 'r';
  escapes['\t'] = 't';
  escapes['"'] = '"';
  escapes['\\'] = '\\';
  return escapes;
}
constexpr std::array<char, 256> escapes = make_escapes();
constexpr char hex_digits[] = "0123456789abcdef";

/// A range of the second byte that RFC 3629 allows after a first byte.
struct SecondByte {
  unsigned char min;
  unsigned char max;
};

SecondByte second_byte_of(unsigned char first) noexcept {
  switch (first) {
    case 0xE0:
      return {0xA0, 0xBF};  // below: overlong
    case 0xED:
      return {0x80, 0x9F};  // above: surrogates
    case 0xF0:
      return {0x90, 0xBF};  // below: overlong
    case 0xF4:
      return {0x80, 0x8F};  // above: past U+10FFFF
    default:
      return {0x80, 0xBF};
  }
}

}  // namespace

void append_json_escaped(std::string& out, std::string_view text) {
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto const byte = static_cast<unsigned char>(text[i]);
    char const escape = escapes[byte];
    if (escape == 0) continue;
    out.append(text, plain, i - plain);
    plain = i + 1;
    out += '\\';
    out += escape;
    if (escape == 'u') {
      out += "00";
      out += hex_digits[byte >> 4];
      out += hex_digits[byte & 0x0f];
    }
  }
  out.append(text, plain, text.size() - plain);
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  append_json_escaped(out, text);
  out += '"';
}

std::size_t utf8_sequence_bytes(std::string_view text) noexcept {
  if (text.empty()) return 0;
  auto const byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  auto const first = byte(0);
  if (first < 0x80) return 1;
  std::size_t const length = first >= 0xC2 && first <= 0xDF   ? 2
                             : first >= 0xE0 && first <= 0xEF ? 3
                             : first >= 0xF0 && first <= 0xF4 ? 4
                                                              : 0;
  if (length == 0 || text.size() < length) return 0;
  auto const second = second_byte_of(first);
  if (byte(1) < second.min || byte(1) > second.max) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  return length;
}

std::size_t utf8_valid_bytes(std::string_view text) noexcept {
  std::size_t i = 0;
  while (i < text.size()) {
    // Most logs are ASCII: eight bytes at a time.
    std::uint64_t eight;
    while (text.size() - i >= sizeof eight) {
      std::memcpy(&eight, text.data() + i, sizeof eight);
      if ((eight & 0x8080808080808080u) != 0) break;
      i += sizeof eight;
    }
    if (i == text.size()) break;
    auto const length = utf8_sequence_bytes(text.substr(i));
    if (length == 0) break;
    i += length;
  }
  return i;
}

bool is_utf8(std::string_view text) noexcept { return utf8_valid_bytes(text) == text.size(); }

}  // namespace stele::protocol
