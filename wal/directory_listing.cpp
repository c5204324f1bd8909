#include "wal/directory_listing.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "wal/disk_error.hpp"

namespace stele::wal {
namespace {

bool is_regular(int directory_fd, dirent const& entry) {
  if (entry.d_type != DT_UNKNOWN) return entry.d_type == DT_REG;
  struct stat found {};
  return ::fstatat(directory_fd, entry.d_name, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISREG(found.st_mode);
}

}  // namespace

Result<std::vector<std::string>> list_regular_files(DirectoryPlace const& place) {
  // A descriptor of its own: closedir closes it, and its position is fresh.
  int const fd = ::openat(place.fd.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return disk_failure(place.path, "cannot list", errno);
  std::unique_ptr<DIR, int (*)(DIR*)> const stream{::fdopendir(fd), &::closedir};
  if (!stream) {
    int const error = errno;
    ::close(fd);
    return disk_failure(place.path, "cannot list", error);
  }
  std::vector<std::string> names;
  errno = 0;
  while (dirent const* const entry = ::readdir(stream.get())) {
    if (is_regular(fd, *entry) && entry->d_name != lock_name) names.emplace_back(entry->d_name);
    errno = 0;
  }
  if (errno != 0) return disk_failure(place.path, "cannot list", errno);
  std::ranges::sort(names);
  return names;
}

}  // namespace stele::wal
