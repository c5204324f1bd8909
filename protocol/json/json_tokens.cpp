#include "protocol/json/json_tokens.hpp"

#include <algorithm>

#include "protocol/limits.hpp"
#include "protocol/text/error_text.hpp"
#include "protocol/text/json_text.hpp"

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

/// Where the last `\u` up to `offset` begins that is an escape, or npos; not far before it.
std::size_t last_escape(std::string_view text, std::size_t offset) {
  constexpr std::size_t window_bytes = 16;
  auto const start = offset - std::min(offset, window_bytes);
  auto const window = text.substr(start, offset - start + 2);
  for (auto end = window.size(); end > 0;) {
    auto const found = window.rfind("\\u", end - 1);
    if (found == window.npos) break;
    auto const at = start + found;
    auto const before = text.find_last_not_of('\\', at);
    auto const backslashes = at - (before == text.npos ? 0 : before + 1);
    if (backslashes % 2 == 0) return at;
    end = found;
  }
  return text.npos;
}

constexpr std::size_t escape_bytes = 6;

/// Whether `\uD83D` stands there, or another escape of the first half of a surrogate pair.
bool is_first_half(std::string_view text, std::size_t at) noexcept {
  constexpr std::string_view first = "dD";
  constexpr std::string_view second = "89abAB";
  return at + escape_bytes <= text.size() && first.find(text[at + 2]) != first.npos &&
         second.find(text[at + 3]) != second.npos;
}

/// Where the escape begins that is half of a surrogate pair without the other half, if that is why
/// the parser stopped: in the escape or behind it, depending on what follows.
std::optional<std::size_t> find_lone_surrogate(std::string_view text, JsonFault const& fault) {
  using boost::json::error;
  auto const at = last_escape(text, fault.offset);
  if (at == text.npos) return std::nullopt;
  if (at >= escape_bytes && is_first_half(text, at - escape_bytes) &&
      last_escape(text, at - 1) == at - escape_bytes && fault.offset < at + escape_bytes &&
      fault.code != error::expected_hex_digit) {
    return at - escape_bytes;
  }
  if (fault.code == error::illegal_leading_surrogate ||
      fault.code == error::illegal_trailing_surrogate) {
    return at;
  }
  bool const is_behind = fault.offset <= at + escape_bytes + 1 && fault.offset >= at + escape_bytes;
  if (is_behind && is_first_half(text, at)) return at;
  return std::nullopt;
}

}  // namespace

Failure describe_bad_json(std::string_view text, JsonFault const& fault, std::size_t depth_max,
                          std::optional<std::string_view> path) {
  auto const code = fault.code;
  auto const offset = fault.offset;
  auto const detail_at = [path](std::size_t at) {
    Detail detail;
    if (path) detail.string("path", *path);
    detail.number("offset", at);
    return detail;
  };
  auto const bad_json = [&](std::string message, std::size_t at) {
    message += " at byte " + std::to_string(at);
    return Failure(Error::bad_json, std::move(message), detail_at(at).text());
  };
  // Boost.JSON reports invalid UTF-8 as a syntax error, or as a text that is not complete.
  auto const valid_bytes = valid_bytes_to(text, fault.taken_bytes, offset);
  if (valid_bytes < text.size() && code != boost::json::error::too_deep && valid_bytes <= offset) {
    return bad_json("the text is not valid UTF-8", valid_bytes);
  }
  if (code == boost::json::error::too_deep) {
    auto const where = path && !path->empty() ? std::string(*path) : std::string("the JSON");
    return Failure(Error::bad_json, where + " is nested deeper than " + std::to_string(depth_max),
                   detail_at(offset).number("depth_max", depth_max).text());
  }
  if (code == boost::json::error::incomplete) {
    return bad_json("the JSON text ends too early,", offset);
  }
  if (code == boost::json::error::extra_data) {
    return bad_json(
        "one JSON object is expected, but more follows it: " + excerpt(text.substr(offset)) + ",",
        offset);
  }
  if (auto const at = find_lone_surrogate(text, fault)) {
    return bad_json("an escape is half of a surrogate pair, which is no character,", *at);
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
  return shortened(token.text);
}

}  // namespace stele::protocol
