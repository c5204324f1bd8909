// The socket in the file system that clients connect to.
#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <cstdint>
#include <string>

#include "stele/error.hpp"

namespace stele::daemon {

/// A listening socket that this process made. Its file, still ours, goes with the object.
class ListenSocket {
 public:
  enum class Refusal : std::uint8_t {
    in_use = 1,  ///< Somebody answers on it.
    not_ours,    ///< Something else is at the path, or another user's socket.
  };

  /// Binds with `mode` from birth on, and listens. A socket file that nobody answers on, left by a
  /// process of this user that died, is replaced; anything else at the path stays untouched.
  static Result<ListenSocket> open(boost::asio::io_context& io, std::string const& path,
                                   std::uint32_t mode);
  ListenSocket(ListenSocket&& other) noexcept;
  ListenSocket& operator=(ListenSocket&&) = delete;
  ~ListenSocket();

  boost::asio::local::stream_protocol::acceptor& acceptor() noexcept { return acceptor_; }
  std::string const& path() const noexcept { return path_; }

 private:
  ListenSocket(boost::asio::local::stream_protocol::acceptor acceptor, std::string path);

  boost::asio::local::stream_protocol::acceptor acceptor_;
  std::string path_;  ///< Empty: moved from.
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

boost::system::error_code make_error_code(ListenSocket::Refusal refusal) noexcept;

}  // namespace stele::daemon

template <>
struct boost::system::is_error_code_enum<stele::daemon::ListenSocket::Refusal> : std::true_type {};
