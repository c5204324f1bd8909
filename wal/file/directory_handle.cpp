#include "wal/file/directory_handle.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/assert.hpp>
#include <cerrno>
#include <memory>

#include "wal/error.hpp"
#include "wal/format/segment_name.hpp"

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

namespace {

mode_t type_of(int directory_fd, dirent const& entry) {
  if (entry.d_type != DT_UNKNOWN) return static_cast<mode_t>(DTTOIF(entry.d_type));
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
    if (name == manifest_name || parse_segment_name(name) || parse_pack_name(name)) return {};
    if (!is_unfinished_name(name) && name != lock_name) strange = &name;
  }
  if (strange == nullptr) return {};
  return Failure{Errc::not_empty, place.path + ": holds no log, and other files, such as " +
                                      *strange + "; name a new or an empty directory"};
}

}  // namespace stele::wal
