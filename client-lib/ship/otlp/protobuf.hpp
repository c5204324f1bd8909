// Fields of protobuf messages, as they are appended to a text: enough to write what is known in
// advance. https://protobuf.dev/programming-guides/encoding
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace stele::ship {

enum class WireType : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2 };

inline void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

inline void append_tag(std::string& out, std::uint32_t field, WireType type) {
  append_varint(out, std::uint64_t{field} << 3 | static_cast<std::uint64_t>(type));
}

inline void append_varint_field(std::string& out, std::uint32_t field, std::uint64_t value) {
  append_tag(out, field, WireType::varint);
  append_varint(out, value);
}

inline void append_fixed64_field(std::string& out, std::uint32_t field, std::uint64_t value) {
  append_tag(out, field, WireType::fixed64);
  for (int shift = 0; shift < 64; shift += 8) out += static_cast<char>(value >> shift);
}

inline void append_double_field(std::string& out, std::uint32_t field, double value) {
  append_fixed64_field(out, field, std::bit_cast<std::uint64_t>(value));
}

/// A string, bytes, or a message that was written into a text of its own.
inline void append_bytes_field(std::string& out, std::uint32_t field, std::string_view value) {
  append_tag(out, field, WireType::bytes);
  append_varint(out, value.size());
  out += value;
}

/// The fields of a message, one after the other.
class ProtobufReader {
 public:
  explicit ProtobufReader(std::string_view text) noexcept : text_(text) {}

  /// False: the end, or something that is no message.
  bool next() noexcept {
    std::uint64_t tag = 0;
    if (text_.empty() || !take_varint(tag)) return false;
    field_ = static_cast<std::uint32_t>(tag >> 3);
    number_ = 0;
    bytes_ = {};
    switch (tag & 7) {
      case 0:
        return take_varint(number_);
      case 1:
        return take_bytes(8);
      case 2: {
        std::uint64_t length = 0;
        return take_varint(length) && take_bytes(length);
      }
      case 5:
        return take_bytes(4);
      default:
        return false;
    }
  }
  std::uint32_t field() const noexcept { return field_; }
  std::uint64_t number() const noexcept { return number_; }
  std::string_view bytes() const noexcept { return bytes_; }

 private:
  bool take_varint(std::uint64_t& value) noexcept {
    value = 0;
    for (int shift = 0; shift < 64 && !text_.empty(); shift += 7) {
      auto const byte = static_cast<unsigned char>(text_.front());
      text_.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }
  bool take_bytes(std::uint64_t count) noexcept {
    if (count > text_.size()) return false;
    bytes_ = text_.substr(0, static_cast<std::size_t>(count));
    text_.remove_prefix(static_cast<std::size_t>(count));
    return true;
  }

  std::string_view text_;
  std::uint32_t field_ = 0;
  std::uint64_t number_ = 0;
  std::string_view bytes_{};
};

}  // namespace stele::ship
