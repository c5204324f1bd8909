// The members of JSON objects, each with the text that it has: nothing is parsed and written again.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stele::cli {

struct JsonMember {
  std::string name{};          ///< Unescaped.
  std::string_view spelled{};  ///< With its quotes.
  std::string_view value{};    ///< JSON text.
};

/// Those of a text that is a valid JSON object, in their order.
std::vector<JsonMember> members_of(std::string_view object);
/// What a valid JSON string says.
std::string text_of(std::string_view json_string);

enum class JsonKind {
  object,
  too_much,  ///< It may be one, but is too deep for an entry.
  other,     ///< Another value, or no JSON.
};
JsonKind json_kind(std::string_view text);
/// Whether two members of this object, or of one within it, have one name.
bool has_double_names(std::vector<JsonMember> const& members);

/// The value at a path: `a.b` is the member of that name, or else the member `b` of the object `a`.
std::optional<std::string_view> value_at(std::vector<JsonMember> const& members,
                                         std::string_view path);

/// The object without the values at these places, which are parts of its text, and without objects
/// that are empty then; a member `opened` that is an object gives its own members. Members whose
/// name begins with `dropped` are left out, if that is not empty.
std::string object_without(std::vector<JsonMember> const& members,
                           std::vector<std::string_view> const& places, std::string_view opened,
                           std::vector<std::string> const& dropped);

/// Gives the second of two members with one name another: `a#2`. Whether there were any.
bool rename_double_names(std::string& object);

/// Half of a surrogate pair, `\ud83d` alone, becomes `\ufffd`. Whether there were any.
bool replace_half_pairs(std::string& json);

}  // namespace stele::cli
