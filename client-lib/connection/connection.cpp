#include "client-lib/connection/connection.hpp"

namespace stele::client {

// When sending fails there can still be a reply that says why; only the end of that stream ends
// the connection.
Result<void> Connection::move_bytes(Deadline const& deadline) {
  if (has_to_send()) {
    auto sent = stream_.send_some(state.unsent());
    if (sent) {
      state.sent(*sent);
    } else {
      send_failure_ = sent.error();
    }
  } else {
    auto received = receive_now();
    if (!received) return received.error();
    if (*received) return {};
  }
  auto ready = stream_.wait(has_to_send(), deadline);
  if (!ready) return ready;
  auto received = receive_now();
  if (!received) return received.error();
  return {};
}

// Whether bytes had arrived.
Result<bool> Connection::receive_now() {
  auto received = stream_.receive_some(state.receive_buffer());
  if (!received) return received.error();
  if (!received->has_value()) return false;
  if (**received == 0) {
    if (send_failure_) return *send_failure_;
    return Failure{ClientError::connection_lost, "the daemon closed the connection"};
  }
  state.received(**received);
  return true;
}

}  // namespace stele::client
