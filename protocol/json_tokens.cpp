#include "protocol/json_tokens.hpp"

#include <algorithm>

#include "protocol/error_text.hpp"
#include "protocol/json_text.hpp"
#include "protocol/limits.hpp"

namespace stele::protocol {

namespace {

/// As utf8_valid_bytes(), of a text whose first `valid_bytes` are valid but for a character that
/// may end behind them; and no further than to the end of the character at `offset`.
std::size_t valid_bytes_to(std::string_view text, std::size_t valid_bytes, std::size_t offset) {
  constexpr std::size_t character_bytes_max = 4;
  // Back to the start of the character that the bytes end with.
  for (std::size_t i = 0; i < character_bytes_max && valid_bytes > 0; ++i) {
    auto const last = static_cast<unsigned char>(text[valid_bytes - 1]);
    if (last < 0x80) break;
    --valid_bytes;
    if (last >= 0xc0) break;
  }
  auto const end = std::min(text.size(), offset + character_bytes_max);
  return valid_bytes + utf8_valid_bytes(text.substr(valid_bytes, end - valid_bytes));
}

}  // namespace

Failure describe_bad_json(std::string_view text, boost::system::error_code code, std::size_t offset,
                          std::size_t taken_bytes, std::size_t depth_max) {
  auto const bad_json = [](std::string message, std::size_t at) {
    message += " at byte " + std::to_string(at);
    return Failure(Error::bad_json, std::move(message), Detail().number("offset", at).text());
  };
  // Boost.JSON reports invalid UTF-8 as a syntax error, or as a text that is not complete.
  auto const valid_bytes = valid_bytes_to(text, taken_bytes, offset);
  if (valid_bytes < text.size() && code != boost::json::error::too_deep && valid_bytes <= offset) {
    return bad_json("the text is not valid UTF-8", valid_bytes);
  }
  if (code == boost::json::error::too_deep) {
    return Failure(Error::bad_json, "the JSON is nested deeper than " + std::to_string(depth_max),
                   Detail().number("depth_max", depth_max).number("offset", offset).text());
  }
  if (code == boost::json::error::incomplete) {
    return bad_json("the JSON text ends too early,", offset);
  }
  if (code == boost::json::error::extra_data) {
    return bad_json(
        "one JSON object is expected, but more follows it: " + excerpt(text.substr(offset)) + ",",
        offset);
  }
  if (code == boost::json::error::exponent_overflow) {
    return bad_json("a number's exponent is too large,", offset);
  }
  if (offset == 0 && text.starts_with("\xEF\xBB\xBF")) {
    return bad_json("the text starts with a byte order mark, which JSON does not allow,", 0);
  }
  return bad_json("the text is not valid JSON: unexpected " + excerpt(text.substr(offset)) + ",",
                  offset);
}

std::string describe_token(JsonToken const& token) {
  switch (token.kind) {
    case JsonToken::Kind::object_begin:
    case JsonToken::Kind::object_end:
      return "an object";
    case JsonToken::Kind::array_begin:
    case JsonToken::Kind::array_end:
      return "an array";
    case JsonToken::Kind::key:
    case JsonToken::Kind::string:
      return excerpt(token.text);
    case JsonToken::Kind::integer:
    case JsonToken::Kind::real:
    case JsonToken::Kind::boolean:
    case JsonToken::Kind::null:
      break;
  }
  auto const shown = cut(token.text);
  return std::string(shown) + (shown.size() < token.text.size() ? "…" : "");
}

}  // namespace stele::protocol
