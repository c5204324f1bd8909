// Walks and compares JSON values in the canonical spelling (see canonical_object.hpp) by quotes and
// brackets, without parsing them.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace stele::protocol {

/// The length of the string that `text` starts with, its quotes included; npos if it has no end.
std::size_t string_bytes(std::string_view text) noexcept;

/// The members of one object, in their order.
class MemberReader {
 public:
  /// `object` from its `{` to its `}`.
  explicit MemberReader(std::string_view object) noexcept : rest_(object) {}

  struct Member {
    std::string_view name{};  ///< With its quotes; equal names have equal texts.
    std::string_view value{};
  };
  /// Nothing at the end.
  std::optional<Member> next() noexcept;

 private:
  std::string_view rest_;
};

/// Whether two values are equal: strings by their characters, numbers by their value in the decimal
/// system, however many digits they have (`1`, `1.0` and `10e-1` are one), arrays and objects by
/// their parts, in order. Numbers whose exponents have more than 15 digits are equal as texts only.
bool is_same_value(std::string_view a, std::string_view b);

}  // namespace stele::protocol
