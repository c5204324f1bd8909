// Reads a file a window at a time, when it is asked to: for who may not wait for a directory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "wal/format/aligned_buffer.hpp"
#include "wal/storage.hpp"

namespace stele::wal {

/// Blocks in read(). The window grows while the file is read from front to back, so that a few
/// bytes here and there cost little. Any thread may use one, if nobody else uses it or writes to
/// the file.
class WindowReader {
 public:
  /// `file` outlives this.
  explicit WindowReader(File& file) : file_(file) {}

  /// Whether all of `into` was filled. False: the device does not give the bytes, or the file ends
  /// before them.
  bool read(std::uint64_t offset, std::span<std::byte> into);

 private:
  bool load(std::uint64_t offset);

  File& file_;
  AlignedBuffer window_{};
  std::uint64_t begin_ = 0;  ///< Of what is in it.
  std::uint64_t end_ = 0;
  std::size_t window_bytes_ = 0;  ///< What the last load() asked for.
};

}  // namespace stele::wal
