// A log directory as the offline tools see it: no lock is taken, no backend runs, and requests are
// done one after the other with plain system calls.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "wal/file/unique_fd.hpp"
#include "wal/storage.hpp"

namespace stele::wal {

/// A user and a group, by number.
struct FileOwner {
  std::uint32_t user = 0;
  std::uint32_t group = 0;
};

struct OfflineDirectory {
  std::unique_ptr<Directory> directory{};
  std::string path{};
  UniqueFd fd{};
  FileOwner owner{};  ///< Of the directory, when it was opened.

  /// Whether a copy of a log may be made there: it holds nothing, or what a log holds. Whose log
  /// that is, is not looked at.
  Result<bool> may_take_copy() const;
  /// Gives the directory itself to this user; what is in it stays as it is.
  Result<void> give_to(FileOwner const& owner) const;
  /// Whether a process has the log open. Asks for its lock, and does not take it.
  bool in_use() const;
};

enum class OfflineAccess : std::uint8_t {
  read,   ///< Nothing that changes the directory succeeds.
  write,  ///< For a log that nobody else can know of yet.
};

/// Opens a directory that is there, to be written to only if its name is no symbolic link. Reads
/// bypass the page cache where the file system allows it. `files_owner`: to whom root gives the
/// files that it makes there, and whose files it takes for its own.
Result<OfflineDirectory> open_offline_directory(std::string const& path, OfflineAccess access,
                                                std::optional<FileOwner> const& files_owner = {});

}  // namespace stele::wal
