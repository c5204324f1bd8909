// JSON tokens as text, in the one canonical spelling that stele stores and sends.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace stele::protocol {

/// Appends `text` (UTF-8) as a JSON string with its quotes. Escaped: `"` `\`, and bytes below 0x20
/// (\b \f \n \r \t by letter, the others as \u00xx, lower case). All else stays as it is.
void append_json_string(std::string& out, std::string_view text);

/// The same without the quotes, so that a string can arrive in parts.
void append_json_escaped(std::string& out, std::string_view text);

template <class Integer>
void append_json_number(std::string& out, Integer value) {
  char digits[24];
  auto const end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

/// Whether `text` is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates).
bool is_utf8(std::string_view text) noexcept;

/// The length of the well-formed start of `text`.
std::size_t utf8_valid_bytes(std::string_view text) noexcept;

/// The length of the character that `text` starts with, or 0 if it is not well-formed.
std::size_t utf8_sequence_bytes(std::string_view text) noexcept;

}  // namespace stele::protocol
