// A directory for a log that a command makes: it has its name when all of it is on disk.
#pragma once

#include <optional>
#include <string>

#include "wal/offline/offline_directory.hpp"

namespace stele::cli {

/// The work is done under the name PATH.unfinished. What goes wrong is printed.
class NewLogDirectory {
 public:
  /// Nothing if PATH is there, or what an earlier command left of it. If root does the work, it is
  /// the owner of `source` who gets the directory and the files: a daemon that runs as the owner of
  /// the old log is to find its own files in the new one.
  static std::optional<NewLogDirectory> make(std::string path, wal::OfflineDirectory const& source);

  wal::Directory& directory() noexcept { return *opened_.directory; }

  /// Gives it its name.
  bool finish();
  /// Removes it and what was written there: nobody can use a part, and a disk that is full needs
  /// the space. What then becomes of it, as the end of a sentence.
  std::string give_up();

 private:
  NewLogDirectory(std::string path, wal::OfflineDirectory opened)
      : path_(std::move(path)), opened_(std::move(opened)) {}

  std::string path_;
  wal::OfflineDirectory opened_;
};

/// Who gets the files of a copy: nothing, if not root does the work.
std::optional<wal::FileOwner> owner_of_copy(wal::OfflineDirectory const& source);

/// The same directory without what may follow its name: behind a slash a symbolic link would be
/// followed.
std::string without_slashes(std::string path);

}  // namespace stele::cli
