// The requests in flight of one directory: room for them, their completions, and the wait for them.
#pragma once

#include <array>
#include <cstddef>
#include <memory>

#include "wal/file/unique_fd.hpp"
#include "wal/io/io_backend.hpp"

namespace stele::wal {

class IoChannel {
 public:
  /// `event_fd` is the one that the backend signals.
  IoChannel(UniqueFd event_fd, std::unique_ptr<IoBackend> backend) noexcept;
  /// Waits for what is in flight, so that no buffer is used after its end. Runs no completion.
  ~IoChannel();
  IoChannel(IoChannel const&) = delete;
  IoChannel& operator=(IoChannel const&) = delete;

  /// Begins a request; `next` and `error` are not for the caller. Precondition: fewer than
  /// io_requests_max are in flight, and it has at most io_bytes_max bytes.
  void submit(IoRequest const& request) noexcept;

  int event_fd() const noexcept { return event_fd_.get(); }
  /// Runs the completions that are due; they may submit again, but not poll.
  std::size_t poll() noexcept;
  /// Blocks until one has run; returns at once if nothing is in flight.
  void wait() noexcept;

 private:
  IoQueue take_finished() noexcept;
  void await_event() const noexcept;

  UniqueFd event_fd_;
  std::unique_ptr<IoBackend> backend_;
  std::array<IoRequest, io_requests_max> slots_{};
  IoQueue free_;
  std::size_t in_flight_ = 0;
};

}  // namespace stele::wal
