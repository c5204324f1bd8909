// The version of this program, from the project's one definition of it.
#pragma once

#include <string_view>

namespace stele::daemon {

inline constexpr std::string_view version = STELE_VERSION;

}  // namespace stele::daemon
