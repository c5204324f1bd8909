#include "wal/file/checked_open.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/assert.hpp>
#include <cerrno>

#include "wal/file/disk_error.hpp"

namespace stele::wal {
namespace {

Failure refused(std::string path, std::string_view why) {
  path += ": ";
  path += why;
  return {disk_error(EPERM), std::move(path)};
}

Result<void> check(DirectoryHandle const& place, std::string const& path, int fd) {
  struct stat found {};
  if (::fstat(fd, &found) != 0) return disk_failure(path, "cannot inspect", errno);
  if (!S_ISREG(found.st_mode)) return refused(path, "not a regular file");
  if (found.st_nlink != 1) return refused(path, "has further names (hard links)");
  if (found.st_uid != ::geteuid() && found.st_uid != place.owner) {
    return refused(path, "belongs to another user");
  }
  return {};
}

}  // namespace

std::string DirectoryHandle::path_of(std::string_view name) const {
  std::string full = path;
  if (!full.ends_with('/')) full += '/';
  full += name;
  return full;
}

Result<UniqueFd> open_checked(DirectoryHandle const& place, std::string_view name, int flags) {
  BOOST_ASSERT((flags & O_TRUNC) == 0);
  std::string const plain_name{name};
  std::string const path = place.path_of(name);
  // O_NONBLOCK: a planted FIFO must not hold us up.
  int const all_flags = flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
  int granted = all_flags;
  int fd = ::openat(place.fd.get(), plain_name.c_str(), granted, 0600);
  if (fd < 0 && errno == EINVAL && (flags & O_DIRECT) != 0) {
    granted &= ~O_DIRECT;
    fd = ::openat(place.fd.get(), plain_name.c_str(), granted, 0600);
  }
  if (fd < 0 && errno == ELOOP) return refused(path, "a symbolic link");
  if (fd < 0) return disk_failure(path, "cannot open", errno);
  UniqueFd file{fd};
  if (auto checked = check(place, path, fd); !checked) return checked.error();
  if (::fcntl(fd, F_SETFL, granted & (O_DIRECT | O_ACCMODE)) != 0) {
    return disk_failure(path, "cannot set flags", errno);
  }
  return file;
}

void punch_zeros(DirectoryHandle const& place, std::string_view name,
                 std::uint64_t offset) noexcept {
  auto const file = open_checked(place, name, O_RDWR);
  struct stat found {};
  if (!file || ::fstat(file->get(), &found) != 0) return;
  auto const begin = static_cast<off_t>(offset);
  if (begin >= found.st_size) return;
  (void)::fallocate(file->get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, begin,
                    found.st_size - begin);
}

}  // namespace stele::wal
