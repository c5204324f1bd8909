#include "faults/fuse_disk.hpp"

#define FUSE_USE_VERSION 31
#include <fuse3/fuse.h>
#include <linux/falloc.h>
#include <signal.h>
#include <sys/mount.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "support/program.hpp"

namespace stele::test {
namespace {

FuseDisk& this_disk() { return *static_cast<FuseDisk*>(::fuse_get_context()->private_data); }

bool is_disk(char const* path) { return std::strcmp(path, "/disk") == 0; }

}  // namespace

/// What the kernel asks of the one file.
struct FuseDiskOperations {
  static void* init(fuse_conn_info*, fuse_config* config) {
    // What was written is never read back from the page cache of this file.
    config->direct_io = 1;
    return ::fuse_get_context()->private_data;
  }

  static int getattr(char const* path, struct stat* found, fuse_file_info*) {
    *found = {};
    found->st_nlink = 1;
    if (!is_disk(path)) {
      found->st_mode = S_IFDIR | 0700;
      return std::strcmp(path, "/") == 0 ? 0 : -ENOENT;
    }
    found->st_mode = S_IFREG | 0600;
    found->st_size = static_cast<off_t>(this_disk().media_.size());
    return 0;
  }

  static int open(char const* path, fuse_file_info*) {
    if (!is_disk(path)) return -ENOENT;
    std::scoped_lock const guard{this_disk().mutex_};
    ++this_disk().open_count_;
    return 0;
  }

  static int release(char const*, fuse_file_info*) {
    std::scoped_lock const guard{this_disk().mutex_};
    --this_disk().open_count_;
    this_disk().closed_.notify_all();
    return 0;
  }

  static int read(char const*, char* into, std::size_t bytes, off_t offset, fuse_file_info*) {
    auto& disk = this_disk();
    std::scoped_lock const guard{disk.mutex_};
    auto const from = std::min(static_cast<std::size_t>(offset), disk.media_.size());
    auto const count = std::min(bytes, disk.media_.size() - from);
    std::memcpy(into, disk.media_.data() + from, count);
    return static_cast<int>(count);
  }

  static int write(char const*, char const* from, std::size_t bytes, off_t offset,
                   fuse_file_info*) {
    return store(static_cast<std::size_t>(offset), std::as_bytes(std::span(from, bytes)));
  }

  static int fsync(char const*, int, fuse_file_info*) {
    auto& disk = this_disk();
    std::scoped_lock const guard{disk.mutex_};
    return -disk.policy_.on_flush(disk.media_);
  }

  /// The loop device's way to write zeros or to discard.
  static int fallocate(char const*, int mode, off_t offset, off_t length, fuse_file_info*) {
    if ((mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) == 0) return -EOPNOTSUPP;
    DiskBytes const zeros(static_cast<std::size_t>(length));
    int const outcome = store(static_cast<std::size_t>(offset), zeros);
    return outcome < 0 ? outcome : 0;
  }

 private:
  static int store(std::size_t offset, std::span<std::byte const> bytes) {
    auto& disk = this_disk();
    std::scoped_lock const guard{disk.mutex_};
    if (offset > disk.media_.size() || bytes.size() > disk.media_.size() - offset) return -EFBIG;
    if (int const error = disk.policy_.on_write(disk.media_, offset, bytes)) return -error;
    std::ranges::copy(bytes, disk.media_.begin() + static_cast<std::ptrdiff_t>(offset));
    return static_cast<int>(bytes.size());
  }
};

bool begins_commit(std::span<std::byte const> bytes) noexcept {
  return bytes.size() >= 4 && std::memcmp(bytes.data(), "SCMT", 4) == 0;
}

FuseDisk::FuseDisk(DiskBytes content, DiskPolicy& policy)
    : policy_(policy), media_(std::move(content)) {
  fuse_operations operations{};
  operations.init = &FuseDiskOperations::init;
  operations.getattr = &FuseDiskOperations::getattr;
  operations.open = &FuseDiskOperations::open;
  operations.release = &FuseDiskOperations::release;
  operations.read = &FuseDiskOperations::read;
  operations.write = &FuseDiskOperations::write;
  operations.fsync = &FuseDiskOperations::fsync;
  operations.fallocate = &FuseDiskOperations::fallocate;
  std::string name = "stele-fault-disk";
  std::array<char*, 2> words{name.data(), nullptr};
  fuse_args arguments = FUSE_ARGS_INIT(1, words.data());
  handle_ = ::fuse_new(&arguments, &operations, sizeof operations, this);
  ::fuse_opt_free_args(&arguments);  // fuse_new() extends them, in memory of its own.
  if (handle_ == nullptr) throw std::runtime_error("cannot make a FUSE file system");
  std::filesystem::create_directory(home_ / "mount");
  if (::fuse_mount(handle_, (home_ / "mount").c_str()) != 0) {
    ::fuse_destroy(handle_);
    throw std::runtime_error("cannot mount a FUSE file system");
  }
  thread_ = std::thread([this] { serve(); });
}

FuseDisk::~FuseDisk() {
  {
    std::unique_lock guard{mutex_};
    closed_.wait_for(guard, patience, [this] { return open_count_ == 0; });
  }
  // Without its mount the connection ends, and with it the loop that serves it.
  ::umount2((home_ / "mount").c_str(), MNT_DETACH);
  thread_.join();
  ::fuse_unmount(handle_);
  ::fuse_destroy(handle_);
}

void FuseDisk::serve() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  ::fuse_loop(handle_);
}

DiskBytes FuseDisk::snapshot() {
  std::scoped_lock const guard{mutex_};
  return media_;
}

DiskBytes read_image(std::string const& path) {
  DiskBytes bytes(std::filesystem::file_size(path));
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file) throw std::runtime_error("cannot read " + path);
  return bytes;
}

void write_image(std::string const& path, DiskBytes const& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<char const*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

}  // namespace stele::test
