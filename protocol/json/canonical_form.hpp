// The fixed pieces of the canonical form of an entry, in order, for those who write and read it.
#pragma once

#include <string_view>

#include "protocol/limits.hpp"

namespace stele::protocol::canonical {

inline constexpr std::string_view before_seq = R"({"seq":)";
inline constexpr std::string_view before_timestamp = R"(,"timestamp":)";
inline constexpr std::string_view before_level = R"(,"level":")";
inline constexpr std::string_view before_message = R"(","message":)";
inline constexpr std::string_view before_metadata = R"(,"metadata":)";
inline constexpr std::string_view before_pid = R"(,"version":1,"origin":{"pid":)";
inline constexpr std::string_view before_uid = R"(,"uid":)";
inline constexpr std::string_view before_gid = R"(,"gid":)";
inline constexpr std::string_view after_gid = "}}";
static_assert(entry_version == 1, "the version stands in before_pid");

/// What may follow a backslash in a string: a letter, or the start of a control character.
inline constexpr std::string_view escape_letters = R"("\bfnrt)";
inline constexpr std::string_view escaped_control = "u00";

}  // namespace stele::protocol::canonical
