#include "wal/offline/offline_directory.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <utility>

#include "wal/error.hpp"
#include "wal/file/directory_handle.hpp"
#include "wal/format/aligned_buffer.hpp"
#include "wal/format/format.hpp"
#include "wal/pack/packed_directory.hpp"
#include "wal/recover/log_files.hpp"

namespace stele::wal {
namespace {

/// Of any device: what it wants at most.
constexpr std::size_t plain_alignment = AlignedBuffer::alignment;
constexpr auto no_such_file = boost::system::errc::no_such_file_or_directory;
/// A listing that is taken while a file is renamed may show it twice, or not at all.
constexpr int listings_max = 5;

/// What has been done, and is reported at the next poll() or wait().
struct Done {
  Completion* completion = nullptr;
  boost::system::error_code error{};
};
using DoneQueue = std::deque<Done>;

Result<std::size_t> read_all(int fd, std::string const& path, std::uint64_t offset,
                             std::span<std::byte> into) {
  std::size_t done = 0;
  // A count that is no multiple of the blocks is the end of the file.
  while (done < into.size() && done % commit_align_min == 0) {
    auto const rest = into.subspan(done);
    auto const count = ::pread(fd, rest.data(), rest.size(), static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      return disk_failure(path, "cannot read at offset " + std::to_string(offset + done), errno);
    }
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

boost::system::error_code write_all(int fd, std::uint64_t offset,
                                    std::span<std::byte const> bytes) {
  while (!bytes.empty()) {
    auto const count = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return disk_error(errno);
    if (count == 0) return Errc::short_write;
    offset += static_cast<std::uint64_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

class OfflineFile final : public File {
 public:
  OfflineFile(DoneQueue& done, UniqueFd fd, std::string path)
      : done_(done), fd_(std::move(fd)), path_(std::move(path)) {}

  Result<std::uint64_t> size() const override {
    struct stat found {};
    if (::fstat(fd_.get(), &found) != 0) return disk_failure(path_, "cannot inspect", errno);
    return static_cast<std::uint64_t>(found.st_size);
  }
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override {
    return read_all(fd_.get(), path_, offset, into);
  }
  void read(std::uint64_t offset, std::span<std::byte> into, Completion& completion) override {
    auto const count = read_at(offset, into);
    auto error = count ? boost::system::error_code{} : count.error().code;
    if (count && *count < into.size()) error = disk_error(EIO);
    done_.push_back({&completion, error});
  }
  void write_at(std::uint64_t offset, std::span<std::byte const> bytes, Persistence persistence,
                Completion& completion) override {
    auto error = write_all(fd_.get(), offset, bytes);
    if (!error && persistence == Persistence::durable && ::fdatasync(fd_.get()) != 0) {
      error = disk_error(errno);
    }
    done_.push_back({&completion, error});
  }
  void sync(Completion& completion) override {
    auto const failed = ::fdatasync(fd_.get()) != 0;
    done_.push_back({&completion, failed ? disk_error(errno) : boost::system::error_code{}});
  }

 private:
  DoneQueue& done_;
  UniqueFd fd_;
  std::string path_;
};

class OfflineLogDirectory final : public Directory {
 public:
  OfflineLogDirectory(DirectoryHandle place, OfflineAccess access,
                      std::optional<FileOwner> const& files_owner)
      : place_(std::move(place)), access_(access), files_owner_(files_owner) {}

  Result<void> lock() override { return refuse("lock"); }

  Result<std::vector<std::string>> list() override {
    auto names = list_regular_files(place_);
    for (int listings = 1; names && listings < listings_max; ++listings) {
      auto again = list_regular_files(place_);
      if (!again || *again == *names) return again;
      names = std::move(again);
    }
    return names;
  }

  Result<std::unique_ptr<File>> create(std::string_view name, std::uint64_t bytes) override {
    if (access_ == OfflineAccess::read) return refuse("create a file").error();
    if (auto const removed = remove(name); !removed && removed.error().code != no_such_file) {
      return removed.error();
    }
    auto fd = open_checked(place_, name, O_RDWR | O_CREAT | O_EXCL);
    if (!fd) return fd.error();
    if (files_owner_ && ::fchown(fd->get(), files_owner_->user, files_owner_->group) != 0) {
      return disk_failure(place_.path_of(name), "cannot give it to the log's owner", errno);
    }
    auto const length = static_cast<off_t>(bytes);
    if (int const error = ::posix_fallocate(fd->get(), 0, length); error != 0) {
      return disk_failure(place_.path_of(name), "cannot reserve " + std::to_string(bytes), error);
    }
    return make_file(std::move(*fd), name);
  }

  Result<std::unique_ptr<File>> open(std::string_view name) override {
    auto fd = open_checked(place_, name, O_RDONLY | O_DIRECT);
    if (!fd) return fd.error();
    return make_file(std::move(*fd), name);
  }

  Result<void> rename(std::string_view from, std::string_view to) override {
    if (access_ == OfflineAccess::read) return refuse("rename a file");
    std::string const source{from};
    std::string const target{to};
    if (::renameat(place_.fd.get(), source.c_str(), place_.fd.get(), target.c_str()) != 0) {
      return disk_failure(place_.path_of(from), "cannot rename to " + target, errno);
    }
    return {};
  }

  Result<void> remove(std::string_view name) override {
    if (access_ == OfflineAccess::read) return refuse("remove a file");
    if (::unlinkat(place_.fd.get(), std::string{name}.c_str(), 0) == 0) return {};
    return disk_failure(place_.path_of(name), "cannot remove", errno);
  }
  void release_zeros(std::string_view name, std::uint64_t offset) noexcept override {
    if (access_ == OfflineAccess::write) punch_zeros(place_, name, offset);
  }

  void sync(Completion& completion) override {
    auto const failed = ::fsync(place_.fd.get()) != 0;
    done_.push_back({&completion, failed ? disk_error(errno) : boost::system::error_code{}});
  }

  std::size_t alignment() const noexcept override { return plain_alignment; }
  int event_fd() const noexcept override { return -1; }
  std::size_t poll() override {
    std::size_t count = 0;
    for (; !done_.empty(); ++count) {
      auto const done = done_.front();
      done_.pop_front();
      done.completion->on_complete(done.error);
    }
    return count;
  }
  void wait() override { (void)poll(); }
  std::string describe() const override { return "plain system calls"; }

 private:
  std::unique_ptr<File> make_file(UniqueFd fd, std::string_view name) {
    return std::make_unique<OfflineFile>(done_, std::move(fd), place_.path_of(name));
  }
  Result<void> refuse(std::string_view what) const {
    return Failure{disk_error(EROFS),
                   place_.path + ": opened to be read: will not " + std::string(what)};
  }

  DirectoryHandle place_;
  OfflineAccess access_;
  std::optional<FileOwner> files_owner_;
  DoneQueue done_{};
};

/// Whether somebody holds the lock that a log offers to be asked for.
bool is_locked(std::string const& path, int flags) {
  UniqueFd const file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags)};
  if (!file) return false;
  struct flock asked {};
  asked.l_type = F_WRLCK;
  asked.l_whence = SEEK_SET;
  return ::fcntl(file.get(), F_OFD_GETLK, &asked) == 0 && asked.l_type != F_UNLCK;
}

}  // namespace

Result<bool> OfflineDirectory::may_take_copy() const {
  auto const names = list_all_names({UniqueFd{::dup(fd.get())}, path, owner.user});
  if (!names) return names.error();
  auto const files = list_log_files(*directory);
  if (!files) return files.error();
  return files->manifest || names->size() == files->unfinished.size();
}

Result<void> OfflineDirectory::give_to(FileOwner const& to) const {
  if (::fchown(fd.get(), to.user, to.group) == 0) return {};
  return disk_failure(path, "cannot give it to the log's owner", errno);
}

/// LOCK may have been removed, and the file system may have no such locks for directories.
bool OfflineDirectory::in_use() const {
  return is_locked(path, O_DIRECTORY) ||
         is_locked(path + "/" + std::string(lock_name), O_NOFOLLOW | O_NONBLOCK);
}

Result<OfflineDirectory> open_offline_directory(std::string const& path, OfflineAccess access,
                                                std::optional<FileOwner> const& files_owner) {
  // What is written to a place that somebody else chose may lie anywhere.
  int const flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  UniqueFd fd{::open(path.c_str(), access == OfflineAccess::write ? flags | O_NOFOLLOW : flags)};
  struct stat found {};
  if (!fd || ::fstat(fd.get(), &found) != 0) {
    return disk_failure(path, "cannot open the directory", errno);
  }
  UniqueFd handle{::dup(fd.get())};
  auto const user = files_owner ? files_owner->user : found.st_uid;
  DirectoryHandle place{std::move(fd), path, user};
  return OfflineDirectory{
      .directory = std::make_unique<PackedDirectory>(
          std::make_unique<OfflineLogDirectory>(std::move(place), access, files_owner)),
      .path = path,
      .fd = std::move(handle),
      .owner = {found.st_uid, found.st_gid}};
}

}  // namespace stele::wal
