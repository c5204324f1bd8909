// The socket of one client: what travels over it without waiting.
#pragma once

#include <boost/system/result.hpp>
#include <cstddef>
#include <span>
#include <string_view>

#include "daemon/net/reply_batch.hpp"

namespace stele::daemon {

/// Non-blocking; closed once, with the object at the latest. Errors are those of the system calls;
/// errc::operation_would_block also stands for an interrupted one: both mean "later".
class ClientSocket {
 public:
  /// Owns `descriptor`.
  explicit ClientSocket(int descriptor) noexcept : descriptor_(descriptor) {}
  ClientSocket(ClientSocket&& other) noexcept;
  ClientSocket& operator=(ClientSocket&&) = delete;
  ~ClientSocket() { close(); }

  int descriptor() const noexcept { return descriptor_; }

  /// Returns how many bytes came; 0: the client has ended its side. Precondition: `into` has room.
  boost::system::result<std::size_t> receive(std::span<char> into) const noexcept;
  /// Returns how many bytes of `parts`, in order, the socket took.
  boost::system::result<std::size_t> send(std::span<std::string_view const> parts) const noexcept;

  void shutdown_send() const noexcept;
  void close() noexcept;

 private:
  int descriptor_;
};

}  // namespace stele::daemon
