#include "wal/io/disk_directory.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string_view>
#include <utility>

#include "wal/error.hpp"
#include "wal/file/directory_handle.hpp"
#include "wal/file/disk_probe.hpp"
#include "wal/io/disk_file.hpp"
#include "wal/io/io_backend.hpp"
#include "wal/io/io_channel.hpp"

namespace stele::wal {
namespace {

class DiskDirectory final : public Directory {
 public:
  DiskDirectory(DirectoryHandle place, bool remote, DiskTraits const& traits,
                std::string_view backend_name, UniqueFd event_fd,
                std::unique_ptr<IoBackend> backend)
      : place_(std::move(place)),
        remote_(remote),
        traits_(traits),
        backend_name_(backend_name),
        channel_(std::move(event_fd), std::move(backend)) {}

  Result<void> lock() override;
  Result<void> check_place(std::string_view name, File const* file) const override;
  Result<std::vector<std::string>> list() override { return list_regular_files(place_); }

  Result<std::unique_ptr<File>> create(std::string_view name, std::uint64_t bytes) override {
    return DiskFile::create(place_, name, bytes, traits_, channel_);
  }
  Result<std::unique_ptr<File>> open(std::string_view name) override {
    return DiskFile::open(place_, name, traits_, channel_);
  }
  Result<std::unique_ptr<File>> reserve(std::string_view name, std::uint64_t bytes) override {
    return DiskFile::reserve(place_, name, bytes, traits_, channel_);
  }
  std::uint64_t space(std::string_view name) const noexcept override {
    return DiskFile::space(place_, name);
  }
  Result<void> rename(std::string_view from, std::string_view to) override;
  Result<void> exchange(std::string_view from, std::string_view to) override;
  Result<void> remove(std::string_view name) override;
  void release_zeros(std::string_view name, std::uint64_t offset) noexcept override {
    punch_zeros(place_, name, offset);
  }

  void sync(Completion& completion) override {
    channel_.submit({.op = IoOp::sync_all, .fd = place_.fd.get(), .completion = &completion});
  }

  std::size_t alignment() const noexcept override { return traits_.alignment; }
  int event_fd() const noexcept override { return channel_.event_fd(); }
  std::size_t poll() override { return channel_.poll(); }
  void wait() override { channel_.wait(); }
  std::string describe() const override;

 private:
  DirectoryHandle place_;
  bool remote_;
  DiskTraits traits_;
  std::string_view backend_name_;
  UniqueFd lock_;
  IoChannel channel_;  ///< Last: its requests use the descriptors above.
};

Result<void> take_flock(int fd, std::string path) {
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return {};
  if (errno != EWOULDBLOCK) return disk_failure(path, "cannot lock", errno);
  path += ": another process uses this directory";
  return Failure{Errc::locked, std::move(path)};
}

/// Who has flock(2) has it all; this one is there to be asked for, and may be missing.
void offer_lock(int fd, short type) noexcept {
  struct flock offered {};
  offered.l_type = type;
  offered.l_whence = SEEK_SET;
  (void)::fcntl(fd, F_OFD_SETLK, &offered);
}

bool is_same(struct stat const& a, struct stat const& b) noexcept {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/// The directory itself decides: a LOCK can be removed, and the next one is another file. LOCK is
/// locked besides, for programs that know only that.
Result<void> DiskDirectory::lock() {
  auto const held = take_flock(place_.fd.get(), place_.path);
  // Other machines' file systems may lock files that are open for writing only.
  if (!held && !(remote_ && held.error().code != Errc::locked)) return held;
  offer_lock(place_.fd.get(), F_RDLCK);
  auto file = open_checked(place_, lock_name, O_RDWR | O_CREAT);
  if (!file) return file.error();
  auto const locked = take_flock((*file).get(), place_.path_of(lock_name));
  if (!locked) return locked;
  offer_lock((*file).get(), F_WRLCK);
  lock_ = *std::move(file);
  return {};
}

/// A path that cannot be looked at, by permissions or an error of the disk, proves nothing.
Result<void> DiskDirectory::check_place(std::string_view name, File const* file) const {
  auto const leads_to = [](int directory, char const* path, int fd, bool follow) {
    struct stat ours {};
    struct stat named {};
    if (::fstat(fd, &ours) != 0) return true;
    if (::fstatat(directory, path, &named, follow ? 0 : AT_SYMLINK_NOFOLLOW) == 0) {
      return is_same(ours, named);
    }
    return errno != ENOENT && errno != ENOTDIR && errno != ELOOP;
  };
  if (!leads_to(AT_FDCWD, place_.path.c_str(), place_.fd.get(), true)) {
    return Failure{Errc::replaced, place_.path + ": " + make_error_code(Errc::replaced).message()};
  }
  if (file == nullptr) return {};
  std::string const plain_name{name};
  auto const fd = static_cast<DiskFile const*>(file)->fd();
  if (leads_to(place_.fd.get(), plain_name.c_str(), fd, false)) return {};
  return Failure{Errc::replaced,
                 place_.path_of(name) + ": " + make_error_code(Errc::replaced).message()};
}

Result<void> DiskDirectory::rename(std::string_view from, std::string_view to) {
  std::string const source{from};
  std::string const target{to};
  if (::renameat(place_.fd.get(), source.c_str(), place_.fd.get(), target.c_str()) != 0) {
    return disk_failure(place_.path_of(from), "cannot rename to " + target, errno);
  }
  return {};
}

Result<void> DiskDirectory::exchange(std::string_view from, std::string_view to) {
  std::string const source{from};
  std::string const target{to};
  int const fd = place_.fd.get();
  if (::renameat2(fd, source.c_str(), fd, target.c_str(), RENAME_EXCHANGE) == 0) return {};
  // There is nothing in its place yet, or the file system cannot do it; if it is neither, that
  // fails, too.
  return rename(from, to);
}

Result<void> DiskDirectory::remove(std::string_view name) {
  std::string const plain_name{name};
  if (::unlinkat(place_.fd.get(), plain_name.c_str(), 0) != 0) {
    return disk_failure(place_.path_of(name), "cannot remove", errno);
  }
  return {};
}

std::string DiskDirectory::describe() const {
  std::string text{backend_name_};
  text += traits_.direct ? ", O_DIRECT" : ", page cache";
  text += traits_.dsync ? ", RWF_DSYNC, " : ", fdatasync, ";
  text += std::to_string(traits_.alignment);
  text += "-byte blocks";
  return text;
}

// A directory that we made is an entry of its parent, which must last too.
Result<void> make_directory(std::string const& path) {
  if (::mkdir(path.c_str(), 0700) != 0) {
    if (errno == EEXIST) return {};
    return disk_failure(path, "cannot make the directory", errno);
  }
  UniqueFd const parent{::open((path + "/..").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!parent || ::fsync(parent.get()) != 0) {
    return disk_failure(path, "cannot sync the parent directory", errno);
  }
  return {};
}

// Others may write into the directory through its group only: a shared group is somebody's choice,
// a directory open to everyone is not. Whoever may write can still not plant a file:
// directory_handle.hpp.
struct OpenPlace {
  DirectoryHandle place{};
  bool remote = false;
};

Result<OpenPlace> open_place(DiskOptions const& options) {
  if (auto made = make_directory(options.path); !made) return made.error();
  UniqueFd fd{::open(options.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!fd) return disk_failure(options.path, "cannot open the directory", errno);
  struct stat found {};
  struct statfs system {};
  if (::fstat(fd.get(), &found) != 0 || ::fstatfs(fd.get(), &system) != 0) {
    return disk_failure(options.path, "cannot inspect the directory", errno);
  }
  if ((found.st_mode & S_IWOTH) != 0) {
    return Failure{disk_error(EPERM), options.path + ": everyone may write here; try chmod o-w"};
  }
  auto const remote = remote_file_system(static_cast<std::uint32_t>(system.f_type));
  if (!remote.empty() && !options.allow_remote) {
    return Failure{Errc::not_local, options.path + ": not a local file system but " +
                                        std::string{remote} + "; its locks and syncs may not hold"};
  }
  DirectoryHandle place{std::move(fd), options.path, found.st_uid};
  // Before anything is made there, or removed.
  if (auto const checked = check_is_for_a_log(place); !checked) return checked.error();
  return OpenPlace{std::move(place), !remote.empty()};
}

struct ChosenBackend {
  std::string_view name;
  std::unique_ptr<IoBackend> backend;
};

Result<ChosenBackend> choose_backend(Backend wanted, bool dsync, int event_fd, std::string& note) {
  if (wanted != Backend::posix) {
    auto ring = open_uring_backend(dsync, event_fd);
    if (ring) return ChosenBackend{"io_uring", *std::move(ring)};
    if (wanted == Backend::io_uring) return ring.error();
    note = ring.error().message + "; using the POSIX backend instead.";
  }
  auto thread = open_posix_backend(dsync, event_fd);
  if (!thread) return thread.error();
  return ChosenBackend{"posix", *std::move(thread)};
}

}  // namespace

Result<std::unique_ptr<Directory>> open_disk_directory(DiskOptions const& options,
                                                       std::string& note) {
  auto opened = open_place(options);
  if (!opened) return opened.error();
  auto& [place, remote] = *opened;
  auto const traits = probe_disk(place, options.buffered);
  if (!traits) return traits.error();
  UniqueFd event_fd{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!event_fd) return disk_failure(options.path, "cannot make an eventfd", errno);
  auto chosen = choose_backend(options.backend, traits->dsync, event_fd.get(), note);
  if (!chosen) return chosen.error();
  return std::unique_ptr<Directory>{
      std::make_unique<DiskDirectory>(std::move(place), remote, *traits, chosen->name,
                                      std::move(event_fd), std::move(chosen->backend))};
}

}  // namespace stele::wal
