// What interrupts work: signals that should stop it at a clean point, and a daemon that goes away.
#pragma once

#include "stele/client.hpp"

namespace stele::cli {

/// From now on the first SIGINT, SIGTERM or SIGHUP only sets interrupted(); a second one ends the
/// process. SIGHUP stays ignored where it is (nohup).
void watch_for_interrupt() noexcept;
bool interrupted() noexcept;
/// 128 and the number of the signal that came.
int interrupted_exit_code() noexcept;

/// Whether another connection may succeed where this call failed.
bool ends_with_connection(Failure const& failure) noexcept;

/// Says that the daemon is gone, and connects when it is back, with growing pauses. Fails at the
/// deadline, at an interrupt, and if the daemon is there but cannot be used.
Result<Client> wait_for_daemon(ClientOptions const& options, Deadline const& deadline = {});

/// Connects, or waits as above if the daemon is not there.
Result<Client> connect_or_wait(ClientOptions const& options);

}  // namespace stele::cli
