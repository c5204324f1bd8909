// A cursor over a short text that is parsed by hand.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

namespace stele::cli {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

inline bool is_blank(std::string_view line) noexcept {
  return line.find_first_not_of(" \t\r") == line.npos;
}

/// Digits alone, at most 2^64-1.
inline std::optional<std::uint64_t> parse_number(std::string_view text) noexcept {
  std::uint64_t value = 0;
  auto const [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// What is left of the text that is being parsed. Each take_ function consumes what it returns, and
// nothing if it returns nothing.
class TextScanner {
 public:
  explicit TextScanner(std::string_view text) : rest_(text) {}

  bool at_end() const noexcept { return rest_.empty(); }
  std::string_view rest() const noexcept { return rest_; }

  bool take(std::string_view word) noexcept {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  void skip_blanks() noexcept {
    while (take(" ")) continue;
  }

  /// All digits that follow; nothing if there are none, or too many for the type.
  std::optional<std::uint64_t> take_number() noexcept {
    std::uint64_t value = 0;
    auto const [end, ec] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (ec != std::errc{}) return std::nullopt;
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return value;
  }

  /// Exactly `count` digits.
  std::optional<int> take_digits(std::size_t count) noexcept {
    if (rest_.size() < count) return std::nullopt;
    int value = 0;
    for (char const c : rest_.substr(0, count)) {
      if (!is_digit(c)) return std::nullopt;
      value = value * 10 + (c - '0');
    }
    rest_.remove_prefix(count);
    return value;
  }

  /// `.5` -> 500000; nothing follows: 0; a point without digits: nothing.
  std::optional<std::uint64_t> take_fraction_us() noexcept {
    if (!take(".")) return 0;
    std::uint64_t value = 0;
    std::uint64_t scale = 1'000'000;
    std::size_t digits = 0;
    for (; digits < rest_.size() && is_digit(rest_[digits]); ++digits) {
      scale /= 10;
      value += scale * static_cast<std::uint64_t>(rest_[digits] - '0');
    }
    rest_.remove_prefix(digits);
    if (digits == 0) return std::nullopt;
    return value;
  }

  std::string_view take_letters() noexcept {
    std::size_t n = 0;
    while (n < rest_.size() && ((rest_[n] >= 'a' && rest_[n] <= 'z') || rest_[n] == 'M')) ++n;
    auto const letters = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return letters;
  }

 private:
  std::string_view rest_;
};

}  // namespace stele::cli
