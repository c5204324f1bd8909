#include "daemon/net/listen_socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <boost/system/error_category.hpp>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace stele::daemon {
namespace {

using boost::asio::local::stream_protocol;
using boost::system::error_code;

class Category final : public boost::system::error_category {
 public:
  char const* name() const noexcept override { return "stele.socket"; }
  std::string message(int value) const override {
    switch (static_cast<ListenSocket::Refusal>(value)) {
      case ListenSocket::Refusal::in_use:
        return "somebody answers on the socket";
      case ListenSocket::Refusal::not_ours:
        return "the path is not ours to replace";
      case ListenSocket::Refusal::open_place:
        return "everybody may write to the socket's directory";
      case ListenSocket::Refusal::owner:
        return "the socket cannot be given to this owner or group";
      case ListenSocket::Refusal::passed:
        return "what was passed is not a socket to listen on";
    }
    return "unknown";
  }
};

Failure system_failure(std::string what) {
  error_code const error(errno, boost::system::system_category());
  what += ": " + error.message();
  return {error, std::move(what)};
}

/// Who may write to a directory may put a socket of his own in the place of ours, unless the
/// directory is sticky.
std::optional<Failure> check_place(std::string const& path) {
  auto const slash = path.rfind('/');
  auto const place = slash == path.npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  struct stat status {};
  if (::stat(place.c_str(), &status) != 0) return system_failure("cannot look at " + place);
  if ((status.st_mode & S_IWOTH) == 0 || (status.st_mode & S_ISVTX) != 0) return std::nullopt;
  return Failure(ListenSocket::Refusal::open_place,
                 place + " may be written to by everybody, so that anybody could put a socket in " +
                     "the place of " + path);
}

/// Removes a socket file that a dead process of this user left. Nothing if the path is free now.
std::optional<Failure> remove_stale_socket(boost::asio::io_context& io, SocketFile const& file) {
  using Refusal = ListenSocket::Refusal;
  std::string const& path = file.path;
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
    return Failure(error, "cannot find out whether " + path + " is in use: " + error.message());
  }
  if (status.st_uid != ::geteuid() && status.st_uid != file.owner) {
    return Failure(Refusal::not_ours, path + " is a socket of another user; it was left untouched");
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return system_failure("cannot remove the stale socket " + path);
  }
  return std::nullopt;
}

Result<void> give_away(int bound, SocketFile const& file) {
  struct stat status {};
  if (::fstat(bound, &status) != 0) return system_failure("cannot look at " + file.path);
  if (!S_ISSOCK(status.st_mode) || status.st_uid != ::geteuid() || status.st_nlink != 1) {
    return Failure(ListenSocket::Refusal::not_ours, file.path + " was replaced by another file");
  }
  constexpr auto no_change = static_cast<std::uint32_t>(-1);
  if (::fchownat(bound, "", file.owner.value_or(no_change), file.group.value_or(no_change),
                 AT_EMPTY_PATH) == 0) {
    return {};
  }
  auto failure = system_failure("cannot give " + file.path + " to socket-owner and socket-group");
  failure.code = ListenSocket::Refusal::owner;
  return failure;
}

/// Gives the file that was just bound to its owner and group: that file, whatever else may have
/// come to its path meanwhile.
Result<void> give_away(SocketFile const& file) {
  if (!file.owner && !file.group) return {};
  int const bound = ::open(file.path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (bound < 0) return system_failure("cannot look at " + file.path);
  auto const given = give_away(bound, file);
  ::close(bound);
  return given;
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

Result<ListenSocket> ListenSocket::open(boost::asio::io_context& io, SocketFile const& file) {
  std::string const& path = file.path;
  if (auto failure = check_place(path)) return *std::move(failure);
  if (auto failure = remove_stale_socket(io, file)) return *std::move(failure);
  stream_protocol::acceptor acceptor(io);
  error_code error;
  acceptor.open(stream_protocol(), error);
  if (!error) {
    ScopedUmask const mask(static_cast<mode_t>(~file.mode) & 0777U);
    acceptor.bind(stream_protocol::endpoint(path), error);
  }
  if (error) return Failure(error, "cannot make the socket " + path + ": " + error.message());
  ListenSocket socket(std::move(acceptor), path, true);
  if (auto const given = give_away(file); !given) return given.error();
  // The most that the kernel allows; it lowers a larger number to net.core.somaxconn.
  socket.acceptor_.listen(boost::asio::socket_base::max_listen_connections, error);
  if (error) return Failure(error, "cannot listen on " + path + ": " + error.message());
  return socket;
}

Result<ListenSocket> ListenSocket::adopt(boost::asio::io_context& io, PassedSocket const& passed) {
  stream_protocol::acceptor acceptor(io);
  error_code error;
  acceptor.assign(stream_protocol(), passed.descriptor, error);
  if (error) {
    return Failure(error, "cannot take over the socket " + passed.path + ": " + error.message());
  }
  return ListenSocket(std::move(acceptor), passed.path, false);
}

ListenSocket::ListenSocket(stream_protocol::acceptor acceptor, std::string path, bool made_here)
    : acceptor_(std::move(acceptor)), path_(std::move(path)), made_here_(made_here) {
  struct stat status {};
  if (::lstat(path_.c_str(), &status) != 0) return;
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

ListenSocket::ListenSocket(ListenSocket&& other) noexcept
    : acceptor_(std::move(other.acceptor_)),
      path_(std::exchange(other.path_, {})),
      device_(other.device_),
      inode_(other.inode_),
      made_here_(other.made_here_) {}

ListenSocket::~ListenSocket() {
  struct stat status {};
  if (!made_here_ || path_.empty() || ::lstat(path_.c_str(), &status) != 0) return;
  if (status.st_dev == device_ && status.st_ino == inode_) ::unlink(path_.c_str());
}

namespace {

Failure refusal(std::string why) {
  return {ListenSocket::Refusal::passed,
          "systemd passed " + std::move(why) + "; one AF_UNIX stream socket that listens, with " +
              "FileDescriptorName=" + passed_socket_name + ", is taken"};
}

/// The names of what was passed, in the order of the descriptors; they are not inherited further.
Result<std::vector<std::string>> take_names() {
  char** names = nullptr;
  int const count = ::sd_listen_fds_with_names(1, &names);
  if (count < 0) {
    return refusal("what cannot be read: " + std::generic_category().message(-count));
  }
  std::vector<std::string> taken;
  for (int i = 0; i < count; ++i) {
    taken.emplace_back(names[i]);
    std::free(names[i]);
  }
  std::free(names);
  return taken;
}

std::string path_of(int descriptor) {
  sockaddr_un address{};
  socklen_t bytes = sizeof address;
  auto* const asked = reinterpret_cast<sockaddr*>(&address);
  if (::getsockname(descriptor, asked, &bytes) != 0) return "a socket without a name";
  std::string path(address.sun_path, bytes - offsetof(sockaddr_un, sun_path));
  if (!path.empty() && path.front() == '\0') path.front() = '@';
  return path.substr(0, path.find('\0'));
}

}  // namespace

Result<std::optional<PassedSocket>> take_passed_socket() {
  auto const names = take_names();
  if (!names) return names.error();
  if (names->empty()) return std::optional<PassedSocket>();
  if (names->size() > 1) return refusal(std::to_string(names->size()) + " sockets");
  if (names->front() != passed_socket_name) {
    return refusal("a socket with the name \"" + names->front() + "\"");
  }
  int const descriptor = SD_LISTEN_FDS_START;
  if (::sd_is_socket_unix(descriptor, SOCK_STREAM, 1, nullptr, 0) <= 0) {
    return refusal("another kind of socket");
  }
  return std::optional(PassedSocket{descriptor, path_of(descriptor)});
}

}  // namespace stele::daemon
