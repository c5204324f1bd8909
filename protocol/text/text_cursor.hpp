// A text that is taken from its front, piece by piece, by those who know what should stand there.
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "protocol/text/eight_bytes.hpp"
#include "stele/log_entry.hpp"

namespace stele::protocol {

/// Each take_… passes what it names. It returns false if something else stands there; then the
/// position means nothing.
class TextCursor {
 public:
  explicit TextCursor(std::string_view text) noexcept
      : at_(text.data()), end_(text.data() + text.size()) {}

  char const* position() const noexcept { return at_; }
  std::size_t bytes_left() const noexcept { return static_cast<std::size_t>(end_ - at_); }
  bool at_end() const noexcept { return at_ == end_; }

  /// These two stay where they are if something else stands there.
  bool take(char byte) noexcept {
    if (at_ == end_ || *at_ != byte) return false;
    ++at_;
    return true;
  }
  /// A template, so that each comparison is of a size that the compiler knows.
  template <std::string_view const& piece>
  bool take() noexcept {
    if (bytes_left() < piece.size() || std::memcmp(at_, piece.data(), piece.size()) != 0) {
      return false;
    }
    at_ += piece.size();
    return true;
  }

  /// Decimal digits, however many zeros lead, whose value fits.
  bool take_number(std::uint64_t& value) noexcept {
    value = 0;
    auto const* const start = at_;
    while (bytes_left() >= 8 && at_ - start < 16) {
      auto const eight = load_eight(at_);
      auto const marks = mark_non_digits(eight);
      if (marks == 0) {
        value = value * 100'000'000 + eight_digits(eight);
        at_ += 8;
        continue;
      }
      auto const digits = bytes_before_mark(marks);
      if (digits > 0) {
        value = value * powers_of_ten[digits] + eight_digits(eight << (64 - 8 * digits));
        at_ += digits;
      }
      return at_ != start;
    }
    if (at_ - start == 16) {
      // Nineteen digits fit for certain.
      for (; at_ != end_ && is_digit(*at_) && at_ - start < 19; ++at_) {
        value = value * 10 + static_cast<unsigned char>(*at_ - '0');
      }
      if (at_ == end_ || !is_digit(*at_)) return true;
    }
    // A number that is longer, or that the text ends soon after.
    at_ = start;
    return take_any_number(value);
  }

  /// The name without quotes.
  bool take_level(Level& level) noexcept {
    for (Level const candidate : levels) {
      auto const name = to_string(candidate);
      if (!std::string_view(at_, bytes_left()).starts_with(name)) continue;
      at_ += name.size();
      level = candidate;
      return true;
    }
    return false;
  }

 protected:
  static bool is_digit(char byte) noexcept { return byte >= '0' && byte <= '9'; }

  template <class Integer>
  bool take_any_number(Integer& value) noexcept {
    auto const result = std::from_chars(at_, end_, value);
    at_ = result.ptr;
    return result.ec == std::errc{};
  }

  char const* at_;
  char const* end_;

 private:
  static constexpr std::array<std::uint64_t, 8> powers_of_ten{
      1, 10, 100, 1'000, 10'000, 100'000, 1'000'000, 10'000'000};
  /// The commonest first.
  static constexpr Level levels[] = {Level::info,  Level::warn,  Level::error,
                                     Level::debug, Level::trace, Level::fatal};
};

}  // namespace stele::protocol
