// Work that goes on when the daemon comes back.
#pragma once

#include "stele/client.hpp"

namespace stele::cli {

/// Whether another connection may succeed where this call failed.
bool ends_with_connection(Failure const& failure) noexcept;

/// Says that the daemon is gone, and connects when it is back, with growing pauses. Fails at the
/// deadline, at an interrupt, and if the daemon is there but cannot be used.
Result<Client> wait_for_daemon(ClientOptions const& options, Deadline const& deadline = {});

/// Connects, or waits as above if the daemon is not there.
Result<Client> connect_or_wait(ClientOptions const& options);

}  // namespace stele::cli
