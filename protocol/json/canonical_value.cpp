#include "protocol/json/canonical_value.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>

namespace stele::protocol {
namespace {

/// A number as 0.d1d2d3… × 10^exponent, d1 and the last digit not 0. Zero has no digits.
struct Decimal {
  bool is_negative = false;
  std::string digits{};
  std::int64_t exponent = 0;

  bool operator==(Decimal const&) const = default;
};

/// Nothing if the exponent does not let itself be added to.
std::optional<Decimal> read_decimal(std::string_view text) {
  constexpr std::int64_t exponent_max = 999'999'999'999'999;
  Decimal decimal;
  auto const e = std::min(text.find_first_of("eE"), text.size());
  if (auto exponent = text.substr(e); !exponent.empty()) {
    exponent.remove_prefix(exponent.starts_with("e+") || exponent.starts_with("E+") ? 2 : 1);
    auto const end = exponent.data() + exponent.size();
    auto const result = std::from_chars(exponent.data(), end, decimal.exponent);
    if (result.ec != std::errc{}) return std::nullopt;
    if (decimal.exponent > exponent_max || decimal.exponent < -exponent_max) return std::nullopt;
  }
  bool behind_point = false;
  for (char const c : text.substr(0, e)) {
    decimal.is_negative = decimal.is_negative || c == '-';
    behind_point = behind_point || c == '.';
    if (c < '0' || c > '9') continue;
    bool const leads = decimal.digits.empty() && c == '0';
    if (!leads) decimal.digits += c;
    if (!leads && !behind_point) ++decimal.exponent;
    if (leads && behind_point) --decimal.exponent;
  }
  decimal.digits.resize(decimal.digits.find_last_not_of('0') + 1);
  if (decimal.digits.empty()) decimal = {};
  return decimal;
}

bool is_same_number(std::string_view a, std::string_view b) {
  if (a == b) return true;
  auto const left = read_decimal(a);
  auto const right = read_decimal(b);
  return left && right && *left == *right;
}

/// The number at the front, or an empty text.
std::string_view front_number(std::string_view text) noexcept {
  if (text.find_first_of("-0123456789") != 0) return {};
  return text.substr(0, std::min(text.find_first_not_of("+-.0123456789Ee"), text.size()));
}

/// The length of the value that `text` starts with.
std::size_t value_bytes(std::string_view text) noexcept {
  std::size_t depth = 0;
  std::size_t at = 0;
  do {
    if (at >= text.size()) return text.size();
    switch (text[at]) {
      case '"':
        at += std::min(string_bytes(text.substr(at)), text.size() - at);
        break;
      case '{':
      case '[':
        ++depth;
        ++at;
        break;
      case '}':
      case ']':
        --depth;
        ++at;
        break;
      default:
        at = std::min(text.find_first_of(R"(",{}[])", at + 1), text.size());
    }
  } while (depth > 0);
  return at;
}

}  // namespace

std::size_t string_bytes(std::string_view text) noexcept {
  for (auto quote = text.find('"', 1); quote != text.npos; quote = text.find('"', quote + 1)) {
    auto const before = text.find_last_not_of('\\', quote - 1);
    if ((quote - before) % 2 == 1) return quote + 1;
  }
  return text.npos;
}

std::optional<MemberReader::Member> MemberReader::next() noexcept {
  if (rest_.size() <= 1 || rest_.front() == '}') return std::nullopt;
  rest_.remove_prefix(1);  // The brace, or the comma.
  if (!rest_.starts_with('"')) return std::nullopt;
  auto const name_bytes = string_bytes(rest_);
  if (name_bytes >= rest_.size()) return std::nullopt;
  Member const member{rest_.substr(0, name_bytes),
                      rest_.substr(name_bytes + 1, value_bytes(rest_.substr(name_bytes + 1)))};
  rest_.remove_prefix(name_bytes + 1 + member.value.size());
  return member;
}

bool is_same_value(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    std::size_t a_bytes = 1;
    std::size_t b_bytes = 1;
    auto const a_number = front_number(a);
    auto const b_number = front_number(b);
    if (!a_number.empty() && !b_number.empty()) {
      if (!is_same_number(a_number, b_number)) return false;
      a_bytes = a_number.size();
      b_bytes = b_number.size();
    } else {
      if (a.front() == '"') a_bytes = b_bytes = std::min(string_bytes(a), a.size());
      if (a.substr(0, a_bytes) != b.substr(0, b_bytes)) return false;
    }
    a.remove_prefix(a_bytes);
    b.remove_prefix(b_bytes);
  }
  return a.empty() && b.empty();
}

}  // namespace stele::protocol
