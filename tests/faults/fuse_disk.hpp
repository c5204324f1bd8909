// A disk whose every write and flush we see and may fail: one file in a FUSE file system, made for
// a loop device to stand on. The kernel's own block layer and file system lie above it.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "support/temp_dir.hpp"

struct fuse;

namespace stele::test {

using DiskBytes = std::vector<std::byte>;

/// Whether these are the first bytes of a commit of a log (wal/FORMAT.md): of all writes that reach
/// a disk only those begin so.
bool begins_commit(std::span<std::byte const> bytes) noexcept;

/// What the disk does with a request. Called in the order in which requests arrive, before they
/// take effect, by the one thread that serves them.
class DiskPolicy {
 public:
  virtual ~DiskPolicy() = default;
  /// 0, or the errno that the write fails with; `media` is what the disk holds now.
  virtual int on_write(DiskBytes& media, std::size_t offset, std::span<std::byte const> bytes) = 0;
  /// The same for a flush: until it has succeeded, what was written before it may be lost.
  virtual int on_flush(DiskBytes& media) = 0;
};

class FuseDisk {
 public:
  /// `policy` outlives the disk.
  FuseDisk(DiskBytes content, DiskPolicy& policy);
  FuseDisk(FuseDisk const&) = delete;
  FuseDisk& operator=(FuseDisk const&) = delete;
  /// Waits until nobody has the file open.
  ~FuseDisk();

  std::string file() const { return home_ / "mount/disk"; }
  /// What the disk holds now.
  DiskBytes snapshot();

 private:
  friend struct FuseDiskOperations;
  void serve();

  TempDir home_{};
  DiskPolicy& policy_;
  std::mutex mutex_{};  ///< Guards media_ and open_count_, and serialises the policy.
  std::condition_variable closed_{};
  DiskBytes media_;
  int open_count_ = 0;
  ::fuse* handle_ = nullptr;
  std::thread thread_{};
};

DiskBytes read_image(std::string const& path);
void write_image(std::string const& path, DiskBytes const& bytes);

}  // namespace stele::test
