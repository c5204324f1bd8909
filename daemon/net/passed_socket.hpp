// The listening socket that systemd made and hands over, as sd_listen_fds(3) has it.
#pragma once

#include <optional>
#include <string>

#include "stele/error.hpp"

namespace stele::daemon {

/// FileDescriptorName= of the socket unit.
inline constexpr char passed_socket_name[] = "stele";

struct PassedSocket {
  int descriptor = -1;
  std::string path{};  ///< Where clients connect.
};

/// Nothing: none was passed. A failure: what was passed is not one listening stream socket of the
/// Unix domain with the name above. Call once, from main's thread: the environment is changed.
Result<std::optional<PassedSocket>> take_passed_socket();

}  // namespace stele::daemon
