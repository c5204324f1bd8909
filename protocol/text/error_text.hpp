// The words of error messages: what was got, what is allowed, what was meant.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace stele::protocol {

/// Bytes from a client inside quotes, harmless in a terminal and valid UTF-8: cut at
/// excerpt_bytes_max (then `…` follows), control bytes and invalid UTF-8 written as \xNN.
std::string excerpt(std::string_view bytes);

/// At most excerpt_bytes_max bytes of well-formed UTF-8 text, never ending inside a character.
std::string_view cut(std::string_view text) noexcept;

/// The same with `…` behind it, if anything was cut.
std::string shortened(std::string_view text);

/// `a, b, c`
std::string list_names(std::span<std::string_view const> names);

/// `; did you mean "x"?` if one of the names is near to what was given, else nothing.
std::string did_you_mean(std::string_view given, std::span<std::string_view const> names);

/// Builds the text of Failure::detail: one JSON object.
class Detail {
 public:
  Detail& string(std::string_view name, std::string_view value);
  Detail& number(std::string_view name, std::uint64_t value);
  Detail& strings(std::string_view name, std::span<std::string_view const> values);
  std::string text() const { return text_ + '}'; }

 private:
  std::string text_ = "{";
};

}  // namespace stele::protocol
