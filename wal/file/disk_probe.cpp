#include "wal/file/disk_probe.hpp"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include "wal/error.hpp"

namespace stele::wal {
namespace {

constexpr std::size_t alignment_min = 512;
constexpr std::size_t alignment_max = 4096;

bool cannot_try(int error) {
  return error == ENOSPC || error == EDQUOT || error == EROFS || error == EACCES;
}

// Returns no file, and errno, if there cannot be one.
UniqueFd open_scratch(DirectoryHandle const& place, int flags) {
  int const all_flags = O_RDWR | O_CLOEXEC | flags;
  UniqueFd file{::openat(place.fd.get(), ".", all_flags | O_TMPFILE, 0600)};
  if (file || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT)) return file;
  // The file system has no nameless files.
  std::string const name = ".probe." + std::to_string(::getpid());
  file = UniqueFd{::openat(place.fd.get(), name.c_str(), all_flags | O_CREAT | O_EXCL, 0600)};
  if (file) ::unlinkat(place.fd.get(), name.c_str(), 0);
  return file;
}

// One block written and read back, at an offset and an address that are multiples of its size and
// of nothing larger. Returns 0 or errno.
int try_block(int fd, std::size_t size, int write_flags) {
  alignas(alignment_max) std::array<std::byte, 2 * alignment_max> bytes{};
  iovec const block{bytes.data() + size, size};
  auto const offset = static_cast<off_t>(size);
  auto count = ::pwritev2(fd, &block, 1, offset, write_flags);
  if (count >= 0) count = ::preadv(fd, &block, 1, offset);
  if (count < 0) return errno;
  return std::cmp_equal(count, size) ? 0 : EINVAL;
}

// The smallest block from `alignment` on that works, with RWF_DSYNC if that is known here.
// EINVAL: none does.
std::pair<DiskTraits, int> try_blocks(int fd, DiskTraits traits) {
  int error = EINVAL;
  for (; traits.alignment <= alignment_max && error == EINVAL; traits.alignment *= 2) {
    traits.dsync = true;
    error = try_block(fd, traits.alignment, RWF_DSYNC);
    if (error == EOPNOTSUPP || error == ENOSYS) {
      traits.dsync = false;
      error = try_block(fd, traits.alignment, 0);
    }
    if (error == 0) break;
  }
  return {traits, error};
}

// No traits: this combination does not work here, another may.
Result<std::optional<DiskTraits>> try_traits(DirectoryHandle const& place, DiskTraits wanted) {
  UniqueFd const scratch = open_scratch(place, wanted.direct ? O_DIRECT : 0);
  auto [traits, error] = scratch ? try_blocks(scratch.get(), wanted) : std::pair{wanted, errno};
  if (error == 0) return std::optional{traits};
  if (cannot_try(error)) return std::optional{DiskTraits{.direct = wanted.direct}};
  if (wanted.direct && error == EINVAL) return std::optional<DiskTraits>{};
  return disk_failure(place.path, "cannot write a file to try the disk", error);
}

struct RemoteFileSystem {
  std::uint32_t magic;
  std::string_view name;
};

// From linux/magic.h and statfs(2), which do not have all of them each.
constexpr std::array remote_file_systems{
    RemoteFileSystem{0x00006969, "NFS"},    RemoteFileSystem{0x0000517B, "SMB"},
    RemoteFileSystem{0xFF534D42, "CIFS"},   RemoteFileSystem{0xFE534D42, "SMB2"},
    RemoteFileSystem{0x0000564C, "NCP"},    RemoteFileSystem{0x5346414F, "AFS"},
    RemoteFileSystem{0x6B414653, "AFS"},    RemoteFileSystem{0x73757245, "Coda"},
    RemoteFileSystem{0x01021997, "9p"},     RemoteFileSystem{0x00C36400, "Ceph"},
    RemoteFileSystem{0x65735546, "FUSE"},   RemoteFileSystem{0x7461636F, "OCFS2"},
    RemoteFileSystem{0x01161970, "GFS2"},   RemoteFileSystem{0x0BD00BD0, "Lustre"},
    RemoteFileSystem{0x786F4256, "vboxsf"}, RemoteFileSystem{0x19830326, "BeeGFS"},
    RemoteFileSystem{0x47504653, "GPFS"},   RemoteFileSystem{0x20030528, "OrangeFS"},
};

}  // namespace

Result<DiskTraits> probe_disk(DirectoryHandle const& place, bool buffered) {
  if (!buffered) {
    auto traits = try_traits(place, {.direct = true, .alignment = alignment_min});
    if (!traits) return traits.error();
    if (*traits) return **traits;
  }
  auto traits = try_traits(place, {.direct = false, .alignment = alignment_max});
  if (!traits) return traits.error();
  return **traits;
}

std::string_view remote_file_system(std::uint32_t magic) noexcept {
  auto const* const found = std::ranges::find(remote_file_systems, magic, &RemoteFileSystem::magic);
  return found == remote_file_systems.end() ? std::string_view{} : found->name;
}

}  // namespace stele::wal
