// The names of the levels, as they travel.
#pragma once

#include <array>
#include <string_view>

namespace stele::protocol {

inline constexpr std::array<std::string_view, 6> level_names{"trace", "debug", "info",
                                                             "warn",  "error", "fatal"};

}  // namespace stele::protocol
