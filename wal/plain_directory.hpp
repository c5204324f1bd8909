// A log directory as the offline tools see it: no lock is taken, no backend runs, and requests are
// done one after the other with plain system calls.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "wal/storage.hpp"

namespace stele::wal {

struct PlainDirectory {
  std::unique_ptr<Directory> directory{};
  std::string path{};

  /// Whether a process has the log open. Asks for its lock, and does not take it.
  bool in_use() const;
};

enum class PlainAccess : std::uint8_t {
  read,   ///< Nothing that changes the directory succeeds.
  write,  ///< For a log that nobody else can know of yet.
};

/// Opens a directory that is there. Reads bypass the page cache where the file system allows it.
Result<PlainDirectory> open_plain_directory(std::string const& path, PlainAccess access);

}  // namespace stele::wal
