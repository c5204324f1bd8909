// What a configuration that is read again changes in a daemon that runs.
#pragma once

#include <string_view>
#include <vector>

#include "daemon/config/config.hpp"

namespace stele::daemon {

struct ConfigChange {
  Config in_force{};  ///< What runs, with all that it takes of the new one.
  std::vector<std::string_view> applied{};
  std::vector<std::string_view> needs_restart{};
};

/// Names settings whose values differ.
ConfigChange compare(Config const& running, Config const& wanted);

}  // namespace stele::daemon
