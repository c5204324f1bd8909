// The life of the daemon: open the log, fill the store, listen, serve, seal.
#pragma once

#include "daemon/config.hpp"

namespace stele::daemon {

/// Runs until a signal or a failure ends it; returns the exit code.
int run_service(Config const& config);

}  // namespace stele::daemon
