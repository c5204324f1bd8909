// The shell around a ClientState: it moves bytes between the state and a socket, and waits.
#pragma once

#include <optional>
#include <utility>

#include "client-lib/connection/client_state.hpp"
#include "client-lib/connection/unix_stream.hpp"

namespace stele::client {

class Connection {
 public:
  explicit Connection(UnixStream stream) : stream_(std::move(stream)) {}

  ClientState state{};

  /// Sends and receives what is possible; waits first, until the deadline, if nothing can have
  /// arrived. A failure other than timed_out means that no more bytes will come.
  Result<void> move_bytes(Deadline const& deadline);

  /// For loops that wait by other means: what for, and for which descriptor.
  bool has_to_send() const noexcept { return !send_failure_ && !state.unsent().empty(); }
  int descriptor() const noexcept { return stream_.descriptor(); }

 private:
  Result<bool> receive_now();

  UnixStream stream_;
  std::optional<Failure> send_failure_{};
};

}  // namespace stele::client
