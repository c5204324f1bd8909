// A real directory on a local file system, through one of two backends.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "wal/pack_worker.hpp"
#include "wal/storage.hpp"

namespace stele::wal {

enum class Backend : std::uint8_t { automatic, io_uring, posix };

struct DiskOptions {
  std::string path{};
  Backend backend = Backend::automatic;
  /// Accept network file systems, whose locks and syncs may not hold.
  bool allow_remote = false;
  /// Never bypass the page cache, also where the file system allows it.
  bool buffered = false;
};

/// Opens the directory, which is made (mode 0700) if it is missing; its parent must exist.
/// Probes what the file system can do with a file that it removes again: O_DIRECT, the smallest
/// aligned write, RWF_DSYNC; and, for `automatic`, whether io_uring is there. `note` receives one
/// sentence if automatic falls back to POSIX.
Result<std::unique_ptr<Directory>> open_disk_directory(DiskOptions const& options,
                                                       std::string& note);

/// A thread of the lowest priority, for Options::packing; it makes event_fd() of the directory
/// readable, which outlives it. Throws std::system_error if the system has no thread.
std::unique_ptr<PackWorker> start_pack_thread(Directory const& directory);

}  // namespace stele::wal
