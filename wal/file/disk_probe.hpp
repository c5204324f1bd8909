// What a directory's file system can do, found out by doing it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wal/error.hpp"
#include "wal/file/directory_handle.hpp"

namespace stele::wal {

struct DiskTraits {
  bool direct = false;  ///< O_DIRECT: reads and writes bypass the page cache.
  bool dsync = false;   ///< pwritev2 takes RWF_DSYNC.
  /// Through the page cache this is the cache's page, not the sector: write-back rewrites whole
  /// pages, and bytes once acknowledged must not be written again.
  std::size_t alignment = 4096;
};

/// Writes and reads a temporary file, which has no name where the file system allows. On a full or
/// read-only file system, where nothing can be tried, the answer is the cautious one: O_DIRECT if a
/// file takes it, blocks of 4096 bytes, no RWF_DSYNC.
Result<DiskTraits> probe_disk(DirectoryHandle const& place, bool buffered);

/// The name of a file system whose locks or syncs depend on another machine or program, by its
/// statfs(2) magic; empty for a local one.
std::string_view remote_file_system(std::uint32_t magic) noexcept;

}  // namespace stele::wal
