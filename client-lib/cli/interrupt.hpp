// Ctrl-C during work that should stop at a clean point.
#pragma once

namespace stele::cli {

/// From now on the first SIGINT only sets interrupted(); a second one ends the process.
void watch_for_interrupt() noexcept;
bool interrupted() noexcept;

}  // namespace stele::cli
