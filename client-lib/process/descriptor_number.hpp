// Which numbers the library's descriptors have.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace stele::client {

/// A descriptor that was just opened, under a number that a program's own output or input cannot
/// meet: where a standard descriptor was closed, a new one takes its number, and a line printed
/// there would be a request, or a wake-up. -1 with errno: the system has no more, or `fd` is -1.
inline int above_standard(int fd) noexcept {
  if (fd < 0 || fd > STDERR_FILENO) return fd;
  int const moved = ::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  int const error = errno;
  ::close(fd);
  errno = error;
  return moved;
}

}  // namespace stele::client
