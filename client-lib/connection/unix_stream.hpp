// A connected Unix stream socket with deadlines. Knows no protocol.
#pragma once

#include <sys/time.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "client-lib/process/unique_fd.hpp"
#include "stele/deadline.hpp"
#include "stele/error.hpp"

namespace stele::client {

/// What a call fails with when its deadline has passed.
Failure no_answer_in_time();

/// For poll(2): -1 waits for ever; rounded up, so that it never wakes just before the deadline.
int poll_timeout_ms(Deadline const& deadline);

/// Whether a socket can have this path at all: it holds no NUL. bad_request otherwise.
Result<void> check_socket_path(std::string const& path);

class UnixStream {
 public:
  /// Fails with cannot_connect, timed_out or bad_request. The descriptor is never 0, 1 or 2.
  static Result<UnixStream> connect(std::string const& path, Deadline const& deadline);

  /// The same without waiting: nothing, if the listener's queue is full now.
  static Result<std::optional<UnixStream>> try_connect(std::string const& path);

  /// Until bytes can be received, or (if wanted) sent. Fails with timed_out.
  Result<void> wait(bool until_can_send, Deadline const& deadline);

  /// Its descriptor, to wait for by other means; it stays the stream's.
  int descriptor() const noexcept { return fd_.get(); }

  // These never block. They fail with connection_lost.

  /// How many bytes the kernel took; 0 if it has no room now.
  Result<std::size_t> send_some(std::string_view bytes);
  /// 0: the daemon has closed the connection. Nothing: no bytes have arrived yet.
  Result<std::optional<std::size_t>> receive_some(std::span<char> buffer);

 private:
  static Result<std::optional<UnixStream>> open_and_connect(std::string const& path, int flags,
                                                            timeval const& send_limit);
  explicit UnixStream(int fd) noexcept : fd_(fd) {}

  client::UniqueFd fd_;
};

}  // namespace stele::client
