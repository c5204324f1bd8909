#include "protocol/text/json_text.hpp"

#include <array>

#include "protocol/text/text_scan.hpp"

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
  auto const* plain = text.data();
  auto const* const end = plain + text.size();
  for (;;) {
    auto const* const escaped = find_byte<Escaped>(plain, end);
    out.append(plain, escaped);
    if (escaped == end) return;
    plain = escaped + 1;
    auto const byte = static_cast<unsigned char>(*escaped);
    char const escape = escapes[byte];
    out += '\\';
    out += escape;
    if (escape == 'u') {
      out += "00";
      append_hex(out, byte);
    }
  }
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  append_json_escaped(out, text);
  out += '"';
}

void append_hex(std::string& out, std::uint8_t byte) {
  constexpr char digits[] = "0123456789abcdef";
  out += digits[byte >> 4];
  out += digits[byte & 0x0f];
}

JsonWriter& JsonWriter::name(std::string_view name) {
  add_comma().put('"');
  out_ += name;
  out_ += "\":";
  return *this;
}

JsonWriter& JsonWriter::json(std::string_view text) {
  add_comma();
  out_ += text;
  return *this;
}

// A value ends in a quote, a bracket, a digit, or the last letter of true, false or null.
JsonWriter& JsonWriter::add_comma() {
  constexpr std::string_view ends = "\"}]0123456789el";
  return !out_.empty() && ends.find(out_.back()) != ends.npos ? put(',') : *this;
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

namespace {

/// The length of a start of `text` that is ASCII; little is left of it after that.
std::size_t ascii_bytes(std::string_view text) noexcept {
  constexpr std::uint64_t high_bits = eight_times('\x80');
  auto const* const start = text.data();
  std::size_t bytes = 0;
  for (; text.size() - bytes >= 32; bytes += 32) {
    auto const* const at = start + bytes;
    auto const all =
        load_eight(at) | load_eight(at + 8) | load_eight(at + 16) | load_eight(at + 24);
    if ((all & high_bits) != 0) break;
  }
  for (; text.size() - bytes >= 8; bytes += 8) {
    if ((load_eight(start + bytes) & high_bits) != 0) break;
  }
  return bytes;
}

}  // namespace

std::size_t utf8_valid_bytes(std::string_view text) noexcept {
  std::size_t i = 0;
  while (i < text.size()) {
    i += ascii_bytes(text.substr(i));
    if (i == text.size()) break;
    auto const length = utf8_sequence_bytes(text.substr(i));
    if (length == 0) break;
    i += length;
  }
  return i;
}

bool is_utf8(std::string_view text) noexcept { return utf8_valid_bytes(text) == text.size(); }

}  // namespace stele::protocol
