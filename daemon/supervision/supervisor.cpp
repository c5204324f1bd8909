#include "daemon/supervision/supervisor.hpp"

#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <system_error>

namespace stele::daemon {
namespace {

/// A path, or with '@' before it a name in the abstract space. -1, and errno, if nobody is there.
int connect_to(std::string_view name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name.size() < 2 || name.size() >= sizeof address.sun_path) {
    errno = EINVAL;
    return -1;
  }
  name.copy(address.sun_path, name.size());
  if (name.front() == '@') address.sun_path[0] = '\0';
  auto const bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  int const made = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (made < 0) return -1;
  if (::connect(made, reinterpret_cast<sockaddr const*>(&address), bytes) == 0) return made;
  int const error = errno;
  ::close(made);
  errno = error;
  return -1;
}

std::string status_line(std::string_view status) {
  return status.empty() ? std::string() : "STATUS=" + std::string(status) + "\n";
}

std::string watchdog_line(std::chrono::microseconds timeout) {
  return "WATCHDOG_USEC=" + std::to_string(timeout.count()) + "\n";
}

}  // namespace

Supervisor::Supervisor() {
  char const* const name = std::getenv("NOTIFY_SOCKET");
  if (name == nullptr) return;
  socket_ = connect_to(name);
  if (socket_ < 0) {
    spdlog::warn("the service manager cannot be notified: NOTIFY_SOCKET={}: {}", name,
                 std::generic_category().message(errno));
    return;
  }
  std::uint64_t timeout_us = 0;
  if (::sd_watchdog_enabled(0, &timeout_us) > 0) {
    watchdog_timeout_ = std::chrono::microseconds(timeout_us);
  }
}

Supervisor::~Supervisor() {
  if (socket_ >= 0) ::close(socket_);
}

void Supervisor::extend_start(std::chrono::seconds more, std::string_view status) {
  auto const more_us = std::chrono::microseconds(more).count();
  send("EXTEND_TIMEOUT_USEC=" + std::to_string(more_us) + "\n" + status_line(status),
       Urgency::waits);
}

void Supervisor::ready(std::string_view status) {
  watched_ = watchdog_timeout_.count() > 0;
  send("READY=1\n" + status_line(status), Urgency::waits);
}

/// systemd 253 and later knows by the time that this belongs to the reload that it asked for.
void Supervisor::reloading(Instant now) {
  auto const now_us =
      std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
  send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now_us) + "\n", Urgency::waits);
}

void Supervisor::stopping(std::string_view status) {
  send("STOPPING=1\n" + status_line(status), Urgency::waits);
}

void Supervisor::feed() {
  if (watched_) send("WATCHDOG=1\n", Urgency::may_be_lost);
}

void Supervisor::report(std::string_view status) {
  send(status_line(status), Urgency::may_be_lost);
}

void Supervisor::begin_disk_call() {
  if (watched_) send(watchdog_line({}), Urgency::waits);
}

void Supervisor::end_disk_call() {
  if (watched_) send(watchdog_line(watchdog_timeout_), Urgency::waits);
}

/// What will be said again does not hold up the loop where systemd itself is slow.
void Supervisor::send(std::string const& message, Urgency urgency) {
  if (socket_ < 0) return;
  int const flags = MSG_NOSIGNAL | (urgency == Urgency::waits ? 0 : MSG_DONTWAIT);
  while (::send(socket_, message.data(), message.size(), flags) < 0 && errno == EINTR) {
  }
}

}  // namespace stele::daemon
