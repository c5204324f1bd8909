// What a reply that waits holds of the memory.
#pragma once

#include <cstddef>

#include "daemon/request/request_handler.hpp"

namespace stele::daemon {

/// A filter as it is kept: its texts, and what they are looked up with. At most about this.
inline constexpr std::size_t filter_bytes = std::size_t{10} << 10;

std::size_t held_bytes(PendingReply const& reply) noexcept;
/// Whether it may be larger than what a connection has without asking.
bool is_large(PendingReply const& reply) noexcept;

}  // namespace stele::daemon
