#include "wal/io/disk_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/assert.hpp>
#include <cerrno>
#include <string>
#include <utility>

#include "wal/error.hpp"

namespace stele::wal {
namespace {

int direct_flag(DiskTraits const& traits) { return traits.direct ? O_DIRECT : 0; }

// Space for all of it, so that writes do not meet a full disk; and the size, so that they do not
// change it. Returns 0 or errno.
int reserve_space(int fd, std::uint64_t bytes) {
  if (bytes == 0) return 0;
  auto const length = static_cast<off_t>(bytes);
  int outcome = 0;
  do {
    outcome = ::fallocate(fd, 0, 0, length);
  } while (outcome != 0 && errno == EINTR);
  // A file system without reservations: at least the size is as it is elsewhere.
  if (outcome != 0 && errno == EOPNOTSUPP) outcome = ::ftruncate(fd, length);
  return outcome == 0 ? 0 : errno;
}

}  // namespace

DiskFile::DiskFile(IoChannel& channel, UniqueFd fd, std::string path, std::size_t alignment)
    : channel_(channel), fd_(std::move(fd)), path_(std::move(path)), alignment_(alignment) {}

Result<std::unique_ptr<File>> DiskFile::create(DirectoryHandle const& place, std::string_view name,
                                               std::uint64_t bytes, DiskTraits const& traits,
                                               IoChannel& channel) {
  auto file = reserve(place, name, 0, traits, channel);
  return file ? reserve(place, name, bytes, traits, channel) : std::move(file);
}

Result<std::unique_ptr<File>> DiskFile::reserve(DirectoryHandle const& place, std::string_view name,
                                                std::uint64_t bytes, DiskTraits const& traits,
                                                IoChannel& channel) {
  auto opened = open_checked(place, name, O_RDWR | O_CREAT | direct_flag(traits));
  if (!opened) return opened.error();
  UniqueFd fd = *std::move(opened);
  std::string path = place.path_of(name);
  struct stat found {};
  if (::fstat(fd.get(), &found) != 0) return disk_failure(path, "cannot inspect", errno);
  if (found.st_nlink > 1) {
    // A crash on a file system without a journal may leave two names of one file: the other one
    // keeps what it says.
    if (::unlinkat(place.fd.get(), std::string(name).c_str(), 0) != 0) {
      return disk_failure(path, "cannot remove", errno);
    }
    return reserve(place, name, bytes, traits, channel);
  }
  // Of a write that failed the page cache keeps the text, and ext4 that its block has been written:
  // written again it would be on disk, but still be read as zeros by the next mount.
  (void)::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);
  auto const kept = std::min(found.st_size, static_cast<off_t>(bytes));
  if (kept < found.st_size && ::ftruncate(fd.get(), kept) != 0) {
    return disk_failure(path, "cannot shorten", errno);
  }
  if (int const error = reserve_space(fd.get(), bytes); error != 0) {
    // What was reserved of the rest is of no use, but others may have a use for it.
    (void)!::ftruncate(fd.get(), kept);
    return disk_failure(path, "cannot reserve " + std::to_string(bytes) + " bytes", error);
  }
  return std::unique_ptr<File>{
      new DiskFile{channel, std::move(fd), std::move(path), traits.alignment}};
}

std::uint64_t DiskFile::space(DirectoryHandle const& place, std::string_view name) noexcept {
  struct stat found {};
  if (::fstatat(place.fd.get(), std::string(name).c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) {
    return 0;
  }
  constexpr std::uint64_t unit = 512;  // Whatever the blocks of the file system are.
  return static_cast<std::uint64_t>(found.st_blocks) * unit;
}

Result<std::unique_ptr<File>> DiskFile::open(DirectoryHandle const& place, std::string_view name,
                                             DiskTraits const& traits, IoChannel& channel) {
  auto opened = open_checked(place, name, O_RDONLY | direct_flag(traits));
  if (!opened) return opened.error();
  UniqueFd fd = *std::move(opened);
  // Where reads go through the page cache, forget what it says, as far as the kernel lets us.
  if (!traits.direct) ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);
  return std::unique_ptr<File>{
      new DiskFile{channel, std::move(fd), place.path_of(name), traits.alignment}};
}

bool DiskFile::has_name() const noexcept {
  struct stat found {};
  return ::fstat(fd_.get(), &found) != 0 || found.st_nlink > 0;
}

Result<std::uint64_t> DiskFile::size() const {
  struct stat found {};
  if (::fstat(fd_.get(), &found) != 0) return disk_failure(path_, "cannot inspect", errno);
  return static_cast<std::uint64_t>(found.st_size);
}

// A last block that is not whole needs no care of its own: it is asked for whole and comes back
// short, also with O_DIRECT. Only the read after it would be refused, as its offset is off the
// blocks; so a count that is no multiple of them ends the loop, and the size must agree.
Result<std::size_t> DiskFile::read_at(std::uint64_t offset, std::span<std::byte> into) {
  std::size_t done = 0;
  while (done < into.size() && done % alignment_ == 0) {
    auto const rest = into.subspan(done);
    auto const count =
        ::pread(fd_.get(), rest.data(), rest.size(), static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      return disk_failure(path_, "cannot read at offset " + std::to_string(offset + done), errno);
    }
    if (count == 0) return done;
    done += static_cast<std::size_t>(count);
  }
  if (done == into.size()) return done;
  auto const end = size();
  if (!end) return end.error();
  if (offset + done == *end) return done;
  return disk_failure(path_, "cut short at offset " + std::to_string(offset + done), EIO);
}

void DiskFile::read(std::uint64_t offset, std::span<std::byte> into, Completion& completion) {
  channel_.submit({.op = IoOp::read,
                   .fd = fd_.get(),
                   .offset = offset,
                   .bytes = into,
                   .completion = &completion});
}

void DiskFile::write_at(std::uint64_t offset, std::span<std::byte const> bytes,
                        Persistence persistence, Completion& completion) {
  BOOST_ASSERT(offset % alignment_ == 0);
  BOOST_ASSERT(bytes.size() % alignment_ == 0);
  bool const durable = persistence == Persistence::durable;
  channel_.submit({.op = durable ? IoOp::write_durable : IoOp::write,
                   .fd = fd_.get(),
                   .offset = offset,
                   .bytes = bytes,
                   .completion = &completion});
}

void DiskFile::sync(Completion& completion) {
  channel_.submit({.op = IoOp::sync_data, .fd = fd_.get(), .completion = &completion});
}

}  // namespace stele::wal
