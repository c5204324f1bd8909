#include "wal/file/directory_listing.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "wal/file/disk_error.hpp"
#include "wal/format/segment_name.hpp"

namespace stele::wal {
namespace {

mode_t type_of(int directory_fd, dirent const& entry) {
  if (entry.d_type != DT_UNKNOWN) return DTTOIF(entry.d_type);
  struct stat found {};
  if (::fstatat(directory_fd, entry.d_name, &found, AT_SYMLINK_NOFOLLOW) != 0) return 0;
  return found.st_mode & S_IFMT;
}

bool is_regular(int directory_fd, dirent const& entry) {
  return type_of(directory_fd, entry) == S_IFREG;
}

/// Sockets lie where their services put them, and a file system of its own has a directory for what
/// its check finds.
bool may_be_strange(int directory_fd, dirent const& entry) {
  constexpr std::string_view found_by_fsck = "lost+found";
  return type_of(directory_fd, entry) != S_IFSOCK && entry.d_name != found_by_fsck;
}

/// Those for which `wanted` says so, sorted.
Result<std::vector<std::string>> list_names(DirectoryHandle const& place,
                                            bool (*wanted)(int, dirent const&)) {
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
    std::string_view const name = entry->d_name;
    if (name != "." && name != ".." && wanted(fd, *entry)) names.emplace_back(name);
    errno = 0;
  }
  if (errno != 0) return disk_failure(place.path, "cannot list", errno);
  std::ranges::sort(names);
  return names;
}

}  // namespace

Result<std::vector<std::string>> list_all_names(DirectoryHandle const& place) {
  return list_names(place, [](int, dirent const&) { return true; });
}

Result<std::vector<std::string>> list_regular_files(DirectoryHandle const& place) {
  return list_names(place, [](int fd, dirent const& entry) {
    return entry.d_name != lock_name && is_regular(fd, entry);
  });
}

Result<void> check_is_for_a_log(DirectoryHandle const& place) {
  auto const names = list_names(place, &may_be_strange);
  if (!names) return names.error();
  std::string const* strange = nullptr;
  for (auto const& name : *names) {
    if (name == manifest_name || parse_segment_name(name)) return {};
    if (!is_unfinished_name(name) && name != lock_name) strange = &name;
  }
  if (strange == nullptr) return {};
  return Failure{Errc::not_empty, place.path + ": holds no log, and other files, such as " +
                                      *strange + "; name a new or an empty directory"};
}

}  // namespace stele::wal
