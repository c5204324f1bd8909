// What makes the parts of a block smaller, and gives them back.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "wal/pack/pack_format.hpp"

namespace stele::wal {

/// One for each thread that packs. What it makes of bytes depends on nothing else.
class Compressor {
 public:
  Compressor() = default;
  Compressor(Compressor const&) = delete;
  Compressor& operator=(Compressor const&) = delete;
  virtual ~Compressor() = default;

  /// Appends `bytes` to `out`, smaller if they shrink, else as they are; returns which.
  virtual PackedPart append(std::span<std::byte const> bytes, std::vector<std::byte>& out) = 0;
};

/// By zstd, at the level that README.md has measurements of.
std::unique_ptr<Compressor> make_zstd_compressor();
/// Leaves all as it is.
std::unique_ptr<Compressor> make_raw_compressor();

/// One for each thread that unpacks.
class Decompressor {
 public:
  Decompressor();
  Decompressor(Decompressor const&) = delete;
  Decompressor& operator=(Decompressor const&) = delete;
  ~Decompressor();

  /// The part.raw_bytes bytes of which `bytes` were made, whatever `bytes` are. False: they were
  /// not made of that many.
  bool unpack(PackedPart const& part, std::span<std::byte const> bytes,
              std::vector<std::byte>& out);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace stele::wal
