#include "client-lib/cli/text/utf16.hpp"

#include <algorithm>
#include <boost/locale/utf.hpp>
#include <cstddef>
#include <iterator>

#include "protocol/text/json_text.hpp"

namespace stele::cli {
namespace {

// Of a text without a byte order mark this many are looked at.
constexpr std::size_t looked_at_bytes_max = 4096;
constexpr std::size_t looked_at_bytes_min = 8;
/// Where one of them is a line end.
constexpr std::size_t line_bytes_min = 4;

void append_code_point(std::string& out, char32_t point) {
  boost::locale::utf::utf_traits<char>::encode(point, std::back_inserter(out));
}

// What a text would be in UTF-16.
struct Units {
  std::size_t count = 0;
  std::size_t ascii = 0;  ///< Letters, blanks and line ends.
  bool has_line_end = false;
  bool is_text = true;  ///< None of them is a control character, or no character at all.
};

Units units_of(std::string_view bytes, ByteOrder order) noexcept {
  Units code_units;
  bool is_high_before = false;
  for (std::size_t at = 0; at + 2 <= bytes.size(); at += 2) {
    auto const first = static_cast<unsigned char>(bytes[at]);
    auto const second = static_cast<unsigned char>(bytes[at + 1]);
    auto const unit = static_cast<unsigned>(order == ByteOrder::little ? second << 8 | first
                                                                       : first << 8 | second);
    bool const is_high = unit >= 0xd800 && unit < 0xdc00;
    bool const is_low = unit >= 0xdc00 && unit < 0xe000;
    bool const is_blank = (unit >= 9 && unit <= 13) || unit == 0x1b;
    ++code_units.count;
    if (is_blank || (unit >= 0x20 && unit < 0x7f)) ++code_units.ascii;
    code_units.has_line_end = code_units.has_line_end || unit == '\n';
    bool const is_private = unit >= 0xe000 && unit < 0xf900;
    if (is_low != is_high_before || is_private || unit >= 0xfffe || (unit < 0x20 && !is_blank)) {
      code_units.is_text = false;
    }
    is_high_before = is_high;
  }
  return code_units;
}

// Whether it would be text as it stands, too, but for its NULs.
bool is_text_of_bytes(std::string_view bytes) noexcept {
  bool const has_control = std::ranges::any_of(
      bytes, [](unsigned char c) { return c < 0x20 && c != 0 && (c < 9 || c > 13) && c != 0x1b; });
  return !has_control && protocol::utf8_valid_bytes(bytes) + 4 > bytes.size();
}

bool is_utf16(std::string_view bytes, ByteOrder order) noexcept {
  auto const code_units = units_of(bytes, order);
  if (!code_units.is_text || code_units.ascii < 2) return false;
  if (bytes.size() < (code_units.has_line_end ? line_bytes_min : looked_at_bytes_min)) return false;
  // Blanks, digits and line ends are in all scripts.
  return code_units.ascii * 10 >= code_units.count * 9 ||
         (code_units.ascii * 20 >= code_units.count && !is_text_of_bytes(bytes));
}

}  // namespace

std::optional<ByteOrder> utf16_byte_order(std::string_view first_bytes) noexcept {
  if (first_bytes.starts_with("\xff\xfe")) return ByteOrder::little;
  if (first_bytes.starts_with("\xfe\xff")) return ByteOrder::big;
  auto const judged = first_bytes.substr(0, looked_at_bytes_max);
  for (auto const order : {ByteOrder::little, ByteOrder::big}) {
    if (is_utf16(judged, order)) return order;
  }
  return std::nullopt;
}

void Utf16Decoder::append(std::string& out, std::string_view bytes) {
  for (char const c : bytes) {
    auto const byte = static_cast<unsigned char>(c);
    if (!first_byte_) {
      first_byte_ = byte;
      continue;
    }
    auto const first = std::exchange(first_byte_, std::nullopt);
    append_unit(out, order_ == ByteOrder::little ? char32_t{byte} << 8U | *first
                                                 : char32_t{*first} << 8U | byte);
  }
}

void Utf16Decoder::append_unit(std::string& out, char32_t unit) {
  bool const is_low = unit >= 0xdc00 && unit < 0xe000;
  if (high_surrogate_) {
    auto const high = *std::exchange(high_surrogate_, std::nullopt);
    if (is_low) return append_code_point(out, 0x10000 + ((high - 0xd800) << 10U) + (unit - 0xdc00));
    append_replacement(out);
  }
  if (unit >= 0xd800 && unit < 0xdc00) {
    high_surrogate_ = unit;
  } else if (is_low) {
    append_replacement(out);
  } else {
    append_code_point(out, unit);
  }
}

void Utf16Decoder::append_replacement(std::string& out) {
  append_code_point(out, 0xfffd);
  ++replaced_;
}

void Utf16Decoder::finish(std::string& out) {
  if (first_byte_ || high_surrogate_) append_replacement(out);
  first_byte_.reset();
  high_surrogate_.reset();
}

}  // namespace stele::cli
