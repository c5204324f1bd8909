#include "bench/unix_socket.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace stele::bench {
namespace {

sockaddr_un address_of(std::string const& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw Stop("too long for a socket: " + path);
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

FileDescriptor make_socket() {
  FileDescriptor made(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (made.get() < 0) stop_with_errno("socket");
  return made;
}

}  // namespace

void stop_with_errno(std::string const& what) {
  throw Stop(what + ": " + std::generic_category().message(errno));
}

FileDescriptor::~FileDescriptor() {
  if (number_ >= 0) ::close(number_);
}

FileDescriptor connect_unix(std::string const& path) {
  auto const address = address_of(path);
  auto made = make_socket();
  if (::connect(made.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0) {
    stop_with_errno(path);
  }
  return made;
}

FileDescriptor listen_unix(std::string const& path) {
  auto const address = address_of(path);
  auto made = make_socket();
  if (::bind(made.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0 ||
      ::listen(made.get(), 8) != 0) {
    stop_with_errno(path);
  }
  return made;
}

FileDescriptor accept_unix(int listener) {
  FileDescriptor accepted(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
  if (accepted.get() < 0) stop_with_errno("accept");
  return accepted;
}

void send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    auto const sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) stop_with_errno("send");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::size_t receive_some(int socket, std::span<char> into) {
  auto const received = ::recv(socket, into.data(), into.size(), 0);
  if (received < 0) stop_with_errno("receive");
  if (received == 0) throw Stop("the server closed the connection");
  return static_cast<std::size_t>(received);
}

}  // namespace stele::bench
