// The life of the daemon: open the log, fill the store, listen, serve, seal.
#pragma once

#include <functional>
#include <optional>

#include "daemon/config/config.hpp"

namespace stele::daemon {

/// Reads the settings again from where they came; the errors, if they are not valid.
using RereadConfig = std::function<std::optional<ConfigErrors>(Config& config)>;

/// Runs until a signal or a failure ends it; returns the exit code. SIGHUP asks for `reread`.
int run_service(Config const& config, RereadConfig reread);

}  // namespace stele::daemon
