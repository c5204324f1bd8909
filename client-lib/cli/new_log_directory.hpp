// A directory for a log that a command makes: it has its name when all of it is on disk.
#pragma once

#include <optional>
#include <string>

#include "wal/plain_directory.hpp"

namespace stele::cli {

/// The work is done under the name PATH.unfinished. What goes wrong is printed.
class NewLogDirectory {
 public:
  /// Nothing if PATH is there, or what an earlier command left of it.
  static std::optional<NewLogDirectory> make(std::string path);

  wal::Directory& directory() noexcept { return *opened_.directory; }

  /// Gives it its name, and to the owner of `source` if root does the work: a daemon that runs as
  /// the owner of the old log is to find its own files in the new one.
  bool finish(std::string const& source);
  /// Removes it if nothing was written yet.
  void give_up() noexcept;

 private:
  NewLogDirectory(std::string path, wal::PlainDirectory opened)
      : path_(std::move(path)), opened_(std::move(opened)) {}

  std::string path_;
  wal::PlainDirectory opened_;
};

/// Of a directory of a log and what is in it; by root only, else nothing happens.
void give_to_owner_of(std::string const& source, std::string const& target);

}  // namespace stele::cli
