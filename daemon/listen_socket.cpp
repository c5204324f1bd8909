#include "daemon/listen_socket.hpp"

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/system/error_category.hpp>
#include <cerrno>
#include <optional>
#include <utility>

namespace stele::daemon {
namespace {

using boost::asio::local::stream_protocol;
using boost::system::error_code;

class Category final : public boost::system::error_category {
 public:
  char const* name() const noexcept override { return "stele.socket"; }
  std::string message(int value) const override {
    return static_cast<ListenSocket::Refusal>(value) == ListenSocket::Refusal::in_use
               ? "somebody answers on the socket"
               : "the path is not ours to replace";
  }
};

Failure system_failure(std::string what) {
  error_code const error(errno, boost::system::system_category());
  what += ": " + error.message();
  return {error, std::move(what)};
}

/// Removes a socket file that a dead process of this user left. Nothing if the path is free now.
std::optional<Failure> remove_stale_socket(boost::asio::io_context& io, std::string const& path) {
  using Refusal = ListenSocket::Refusal;
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return std::nullopt;
    return system_failure("cannot look at " + path);
  }
  if (!S_ISSOCK(status.st_mode)) {
    return Failure(Refusal::not_ours, path + " exists and is not a socket; it was left untouched");
  }
  stream_protocol::socket probe(io);
  error_code error;
  probe.connect(stream_protocol::endpoint(path), error);
  if (!error) {
    return Failure(Refusal::in_use, "somebody answers on " + path + "; is steled running already?");
  }
  if (error != boost::system::errc::connection_refused) {
    return Failure(error, "cannot tell whether " + path + " is in use: " + error.message());
  }
  if (status.st_uid != ::geteuid()) {
    return Failure(Refusal::not_ours, path + " is a socket of another user; it was left untouched");
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return system_failure("cannot remove the stale socket " + path);
  }
  return std::nullopt;
}

/// The umask while it lives: a socket's mode is right from the moment that it exists.
class ScopedUmask {
 public:
  explicit ScopedUmask(mode_t mask) noexcept : before_(::umask(mask)) {}
  ScopedUmask(ScopedUmask const&) = delete;
  ScopedUmask& operator=(ScopedUmask const&) = delete;
  ~ScopedUmask() { ::umask(before_); }

 private:
  mode_t before_;
};

}  // namespace

error_code make_error_code(ListenSocket::Refusal refusal) noexcept {
  static Category const category;
  return {static_cast<int>(refusal), category};
}

Result<ListenSocket> ListenSocket::open(boost::asio::io_context& io, std::string const& path,
                                        std::uint32_t mode) {
  if (auto failure = remove_stale_socket(io, path)) return *std::move(failure);
  stream_protocol::acceptor acceptor(io);
  error_code error;
  acceptor.open(stream_protocol(), error);
  if (!error) {
    ScopedUmask const mask(static_cast<mode_t>(~mode) & 0777U);
    acceptor.bind(stream_protocol::endpoint(path), error);
  }
  if (error) return Failure(error, "cannot make the socket " + path + ": " + error.message());
  ListenSocket socket(std::move(acceptor), path);
  // The most that the kernel allows; it lowers a larger number to net.core.somaxconn.
  socket.acceptor_.listen(boost::asio::socket_base::max_listen_connections, error);
  if (error) return Failure(error, "cannot listen on " + path + ": " + error.message());
  return socket;
}

ListenSocket::ListenSocket(stream_protocol::acceptor acceptor, std::string path)
    : acceptor_(std::move(acceptor)), path_(std::move(path)) {
  struct stat status {};
  if (::lstat(path_.c_str(), &status) != 0) return;
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

ListenSocket::ListenSocket(ListenSocket&& other) noexcept
    : acceptor_(std::move(other.acceptor_)),
      path_(std::exchange(other.path_, {})),
      device_(other.device_),
      inode_(other.inode_) {}

ListenSocket::~ListenSocket() {
  struct stat status {};
  if (path_.empty() || ::lstat(path_.c_str(), &status) != 0) return;
  if (status.st_dev == device_ && status.st_ino == inode_) ::unlink(path_.c_str());
}

}  // namespace stele::daemon
