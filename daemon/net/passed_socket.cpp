#include "daemon/net/passed_socket.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <vector>

#include "daemon/net/listen_socket.hpp"

namespace stele::daemon {
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
