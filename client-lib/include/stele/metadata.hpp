// The metadata of an entry, member by member: made of values, and read.
#pragma once

#include "stele/toolchain.hpp"  // First.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "stele/error.hpp"

namespace stele {

/// A JSON object with its members in the order of adding:
///
///   entry.metadata = stele::Metadata{}.add("disk", "sda").add("used", 0.91).text();
///
/// The daemon refuses two members of the same name.
class Metadata {
 public:
  /// Text: bytes that are not UTF-8 become U+FFFD, in names too; a `char` is text of one character,
  /// a null `char const*` is null. Numbers: the shortest digits that give the same one; not a
  /// number and infinity become null. Besides: bool, nullptr, another Metadata, and ranges of all
  /// these, as arrays. What else a value could be taken for by accident, such as a pointer for a
  /// bool, does not compile.
  template <class Value>
  Metadata& add(std::string_view name, Value const& value) {
    Metadata made;
    made.put(value);
    return add_made(name, made.members_);
  }
  template <class Value>
  Metadata& add(std::string_view name, std::initializer_list<Value> values) {
    Metadata made;
    made.put_array(values);
    return add_made(name, made.members_);
  }

  /// As LogEntry takes it.
  std::string text() const { return members_.empty() ? "{}" : members_ + '}'; }

 private:
  template <class Value>
  static constexpr bool is_number =
      std::is_arithmetic_v<Value> && !std::same_as<Value, bool> && !std::same_as<Value, char> &&
      !std::same_as<Value, wchar_t> && !std::same_as<Value, char8_t> &&
      !std::same_as<Value, char16_t> && !std::same_as<Value, char32_t>;

  template <class Value>
  void put(Value const& value) {
    if constexpr (std::same_as<Value, std::nullptr_t>) {
      members_ += "null";
    } else if constexpr (std::convertible_to<Value const&, char const*>) {
      put_c_string(value);
    } else if constexpr (std::convertible_to<Value const&, std::string_view>) {
      put_text(value);
    } else if constexpr (std::same_as<Value, char>) {
      put_text(std::string_view{&value, 1});
    } else if constexpr (std::same_as<Value, bool>) {
      members_ += value ? "true" : "false";
    } else if constexpr (std::same_as<Value, Metadata>) {
      members_ += value.text();
    } else if constexpr (std::same_as<Value, float>) {
      put_float(value);
    } else if constexpr (std::floating_point<Value>) {
      put_double(static_cast<double>(value));
    } else if constexpr (is_number<Value> && std::is_signed_v<Value>) {
      put_signed(value);
    } else if constexpr (is_number<Value>) {
      put_unsigned(value);
    } else {
      static_assert(std::ranges::input_range<Value const&> && !std::is_array_v<Value>,
                    "metadata has no value of this type: convert it to text or a number");
      put_array(value);
    }
  }
  template <class Range>
  void put_array(Range const& values) {
    using Value = std::ranges::range_value_t<Range const&>;
    static_assert(!std::same_as<Value, Range>, "convert it to text");
    members_ += '[';
    bool is_first = true;
    for (auto const& value : values) {
      if (!is_first) members_ += ',';
      is_first = false;
      put<Value>(value);
    }
    members_ += ']';
  }
  Metadata& add_made(std::string_view name, std::string_view value);
  void put_text(std::string_view value);
  void put_c_string(char const* value);
  void put_float(float value);
  void put_double(double value);
  void put_signed(std::int64_t value);
  void put_unsigned(std::uint64_t value);

  std::string members_{};  ///< With the opening brace, once there is a member.
};

/// Reads metadata. A member that is not there, or is of another kind, is absent.
///
///   auto read = stele::MetadataReader::parse(entry.metadata);
///   bool const is_nearly_full = read && read->number("used") > 0.9;
class MetadataReader {
 public:
  /// Fails with invalid_entry if it is not the text of a JSON object.
  [[nodiscard]] static Result<MetadataReader> parse(std::string_view text);

  std::vector<std::string> names() const;  ///< In their order.
  bool has(std::string_view name) const;
  std::optional<std::string> text(std::string_view name) const;  ///< Of a string.
  std::optional<std::int64_t> integer(std::string_view name) const;
  std::optional<std::uint64_t> unsigned_integer(std::string_view name) const;
  std::optional<double> number(std::string_view name) const;  ///< Of any number.
  std::optional<bool> boolean(std::string_view name) const;
  std::optional<MetadataReader> object(std::string_view name) const;
  /// The elements of an array, each under its index ("0", "1", …).
  std::optional<MetadataReader> array(std::string_view name) const;

 private:
  struct Value;
  explicit MetadataReader(std::shared_ptr<Value const> value) noexcept;

  std::shared_ptr<Value const> value_;
};

}  // namespace stele
