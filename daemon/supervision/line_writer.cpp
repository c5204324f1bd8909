#include "daemon/supervision/line_writer.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>

namespace stele::daemon {

/// A flag set on the descriptor would be set for everybody who shares it, such as the shell; so a
/// pipe or a terminal is opened again. Not a file: it would be written from its beginning.
LineWriter::LineWriter(int descriptor) : descriptor_(descriptor), way_(Way::none) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return;
  way_ = Way::polled;
  if (S_ISREG(status.st_mode)) way_ = Way::plain;
  if (S_ISSOCK(status.st_mode)) way_ = Way::socket;
  if (way_ != Way::polled) return;
  auto const path = "/proc/self/fd/" + std::to_string(descriptor);
  int const twin = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (twin < 0) return;
  descriptor_ = twin;
  way_ = Way::twin;
}

LineWriter::~LineWriter() {
  if (way_ == Way::twin) ::close(descriptor_);
}

bool LineWriter::write(std::string_view line) {
  if (way_ == Way::none) return false;
  std::size_t const taken = flush() ? write_some(line) : 0;
  if (taken == 0 && !line.empty()) {
    ++dropped_;
    return false;
  }
  rest_.assign(line.substr(taken));
  return true;
}

bool LineWriter::flush() {
  if (!rest_.empty()) rest_.erase(0, write_some(rest_));
  return rest_.empty();
}

/// How much was taken; 0 also after an error, since nothing better can be done about it.
std::size_t LineWriter::write_some(std::string_view bytes) const noexcept {
  ssize_t taken = 0;
  if (way_ == Way::socket) {
    taken = ::send(descriptor_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  } else if (way_ == Way::polled) {
    pollfd polled{.fd = descriptor_, .events = POLLOUT, .revents = 0};
    if (::poll(&polled, 1, 0) != 1 || (polled.revents & POLLOUT) == 0) return 0;
    taken = ::write(descriptor_, bytes.data(), std::min<std::size_t>(bytes.size(), PIPE_BUF));
  } else {
    taken = ::write(descriptor_, bytes.data(), bytes.size());
  }
  return taken > 0 ? static_cast<std::size_t>(taken) : 0;
}

}  // namespace stele::daemon
