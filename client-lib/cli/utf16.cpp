#include "client-lib/cli/utf16.hpp"

#include <array>
#include <boost/locale/utf.hpp>
#include <cstddef>
#include <iterator>

namespace stele::cli {
namespace {

// Of a text without a byte order mark so many are looked at.
constexpr std::size_t looked_at_bytes_min = 8;
constexpr std::size_t looked_at_bytes_max = 256;

void append_code_point(std::string& out, char32_t point) {
  boost::locale::utf::utf_traits<char>::encode(point, std::back_inserter(out));
}

}  // namespace

std::optional<ByteOrder> utf16_byte_order(std::string_view first_bytes) noexcept {
  if (first_bytes.starts_with("\xff\xfe")) return ByteOrder::little;
  if (first_bytes.starts_with("\xfe\xff")) return ByteOrder::big;
  auto const judged = first_bytes.substr(0, looked_at_bytes_max & ~std::size_t{1});
  std::array<std::size_t, 2> zeros{};
  for (std::size_t i = 0; i < judged.size(); ++i) zeros[i % 2] += judged[i] == '\0' ? 1U : 0U;
  if (judged.size() < looked_at_bytes_min) return std::nullopt;
  auto const most = judged.size() / 2 * 9 / 10;
  if (zeros[1] >= most && zeros[0] == 0) return ByteOrder::little;
  if (zeros[0] >= most && zeros[1] == 0) return ByteOrder::big;
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
    append_code_point(out, 0xfffd);
  }
  if (unit >= 0xd800 && unit < 0xdc00) {
    high_surrogate_ = unit;
  } else {
    append_code_point(out, is_low ? char32_t{0xfffd} : unit);
  }
}

void Utf16Decoder::finish(std::string& out) {
  if (first_byte_ || high_surrogate_) append_code_point(out, 0xfffd);
  first_byte_.reset();
  high_surrogate_.reset();
}

}  // namespace stele::cli
