// Makes files as a whole, for what writes a log that nobody has open: each is written under another
// name, synced, and renamed.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "wal/format/manifest.hpp"
#include "wal/storage.hpp"

namespace stele::wal {

/// Blocks in each call. What has failed leaves a file of the other name, which means nothing.
class NewFile {
 public:
  static Result<NewFile> create(Directory& directory, std::string_view name, std::uint64_t bytes);
  /// As create(), in the space that is reserved for it already.
  static Result<NewFile> create_reserved(Directory& directory, std::string_view name,
                                         std::uint64_t bytes);

  /// Offset, length and address are multiples of Directory::alignment().
  Result<void> write(std::uint64_t offset, std::span<std::byte const> bytes);
  /// All of it has been written, from `zeros_from` on with zeros. The file gets its name, which is
  /// on disk after sync_names().
  Result<void> finish(std::uint64_t zeros_from);
  /// As finish(); what had the name before has the other one then: the space of the next one.
  Result<void> exchange();

 private:
  NewFile(Directory& directory, std::string_view name);
  Result<void> sync();

  Directory* directory_;
  std::string name_;
  std::string unfinished_name_;
  std::uint64_t bytes_ = 0;
  std::unique_ptr<File> file_{};
};

Result<void> write_file(Directory& directory, std::string_view name,
                        std::span<std::byte const> bytes);
Result<void> sync_names(Directory& directory);
/// In place of the one that is there; on disk, its name too, when this returns.
Result<void> write_manifest(Directory& directory, Manifest const& manifest);
/// As write_manifest(), of a log that is open: without more space than it has reserved for that.
Result<void> exchange_manifest(Directory& directory, Manifest const& manifest);

}  // namespace stele::wal
