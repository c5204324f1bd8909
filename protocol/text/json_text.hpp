// JSON tokens as text, in the one canonical spelling that stele stores and sends.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace stele::protocol {

/// Appends `text` (UTF-8) as a JSON string with its quotes. Escaped: `"` `\`, and bytes below 0x20
/// (\b \f \n \r \t by letter, the others as \u00xx, lower case). All else stays as it is.
void append_json_string(std::string& out, std::string_view text);

/// The same without the quotes, so that a string can arrive in parts.
void append_json_escaped(std::string& out, std::string_view text);

/// Two digits, lower case.
void append_hex(std::string& out, std::uint8_t byte);

template <class Integer>
void append_json_number(std::string& out, Integer value) {
  char digits[24];
  auto const end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

/// Writes JSON at the end of a text, which others may have begun: what is added behind a value gets
/// a comma first. Whether it is well-formed as a whole is the caller's business.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) noexcept : out_(out) {}

  JsonWriter& begin_object() { return add_comma().put('{'); }
  JsonWriter& begin_object(std::string_view its_name) { return name(its_name).begin_object(); }
  JsonWriter& end_object() { return put('}'); }
  JsonWriter& begin_array() { return add_comma().put('['); }
  JsonWriter& begin_array(std::string_view its_name) { return name(its_name).begin_array(); }
  JsonWriter& end_array() { return put(']'); }
  /// Of the member whose value comes next. Plain: nothing in it is escaped.
  JsonWriter& name(std::string_view name);

  /// A bool, an integer, null for nullptr or an empty optional, or else a string.
  template <class Value>
  JsonWriter& value(Value const& value) {
    add_comma();
    if constexpr (std::is_same_v<Value, bool>) {
      out_ += value ? "true" : "false";
    } else if constexpr (std::is_integral_v<Value>) {
      append_json_number(out_, value);
    } else if constexpr (std::is_null_pointer_v<Value>) {
      out_ += "null";
    } else {
      append_json_string(out_, value);
    }
    return *this;
  }
  template <class Value>
  JsonWriter& value(std::optional<Value> const& given) {
    return given ? value(*given) : value(nullptr);
  }
  /// A value, or several with their commas, that are JSON already.
  JsonWriter& json(std::string_view text);

  template <class Value>
  JsonWriter& member(std::string_view its_name, Value const& its_value) {
    return name(its_name).value(its_value);
  }

 private:
  JsonWriter& add_comma();
  JsonWriter& put(char c) {
    out_ += c;
    return *this;
  }

  std::string& out_;
};

/// Whether `text` is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates).
bool is_utf8(std::string_view text) noexcept;

/// The length of the well-formed start of `text`.
std::size_t utf8_valid_bytes(std::string_view text) noexcept;

/// The length of the character that `text` starts with, or 0 if it is not well-formed.
std::size_t utf8_sequence_bytes(std::string_view text) noexcept;

}  // namespace stele::protocol
