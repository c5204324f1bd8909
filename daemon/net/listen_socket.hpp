// The socket in the file system that clients connect to.
#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <cstdint>
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

/// What the file of a socket is to be.
struct SocketFile {
  std::string path{};
  std::uint32_t mode = 0660;
  std::optional<std::uint32_t> owner{};  ///< Absent: those of the process.
  std::optional<std::uint32_t> group{};
};

/// A listening socket that this process made, or was handed. A file that it made, still ours, goes
/// with the object.
class ListenSocket {
 public:
  enum class Refusal : std::uint8_t {
    in_use = 1,  ///< Somebody answers on it.
    not_ours,    ///< Something else is at the path, or another user's socket.
    open_place,  ///< Everybody could put another socket in its place.
    owner,       ///< The process may not give it to this owner or group.
    passed,      ///< What systemd passed is not such a socket.
  };

  /// Binds with its mode from birth on, and listens once owner and group are right, so that nobody
  /// connects before. A socket file that nobody answers on, left by a
  /// process of this user that died, is replaced; anything else at the path stays untouched.
  static Result<ListenSocket> open(boost::asio::io_context& io, SocketFile const& file);
  /// Takes over a socket that listens already. Its file stays as it is and where it is.
  static Result<ListenSocket> adopt(boost::asio::io_context& io, PassedSocket const& passed);
  ListenSocket(ListenSocket&& other) noexcept;
  ListenSocket& operator=(ListenSocket&&) = delete;
  ~ListenSocket();

  boost::asio::local::stream_protocol::acceptor& acceptor() noexcept { return acceptor_; }
  std::string const& path() const noexcept { return path_; }

 private:
  ListenSocket(boost::asio::local::stream_protocol::acceptor acceptor, std::string path,
               bool made_here);

  boost::asio::local::stream_protocol::acceptor acceptor_;
  std::string path_;  ///< Empty: moved from.
  dev_t device_ = 0;
  ino_t inode_ = 0;
  bool made_here_ = true;
};

boost::system::error_code make_error_code(ListenSocket::Refusal refusal) noexcept;

}  // namespace stele::daemon

template <>
struct boost::system::is_error_code_enum<stele::daemon::ListenSocket::Refusal> : std::true_type {};
