// Signals during work that should stop at a clean point.
#pragma once

namespace stele::cli {

/// From now on the first SIGINT, SIGTERM or SIGHUP only sets interrupted(); a second one ends the
/// process. SIGHUP stays ignored where it is (nohup).
void watch_for_interrupt() noexcept;
bool interrupted() noexcept;
/// 128 and the number of the signal that came.
int interrupted_exit_code() noexcept;

}  // namespace stele::cli
