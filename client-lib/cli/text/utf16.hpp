// UTF-16 of a stream of bytes, made into UTF-8.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stele::cli {

enum class ByteOrder { little, big };

/// What the first bytes of a text say: a byte order mark, or that they are text as UTF-16 alone.
/// Nothing for other texts.
std::optional<ByteOrder> utf16_byte_order(std::string_view first_bytes) noexcept;

class Utf16Decoder {
 public:
  explicit Utf16Decoder(ByteOrder order) : order_(order) {}

  /// Appends what is whole. Half of a pair, or of a unit, waits for the next bytes.
  void append(std::string& out, std::string_view bytes);
  /// The end of the stream: what waits becomes U+FFFD, as does half of a pair anywhere.
  void finish(std::string& out);
  /// How many of these there were.
  std::uint64_t replaced() const noexcept { return replaced_; }

 private:
  void append_replacement(std::string& out);
  void append_unit(std::string& out, char32_t unit);

  ByteOrder order_;
  std::optional<unsigned char> first_byte_{};
  std::optional<char32_t> high_surrogate_{};
  std::uint64_t replaced_ = 0;
};

}  // namespace stele::cli
