// A file in memory for what reads one: bytes that a test changes, shards that cannot be read.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <span>
#include <vector>

#include "wal/storage.hpp"

namespace stele::test {

class MemoryFile final : public wal::File {
 public:
  static constexpr std::size_t block = 4096;

  explicit MemoryFile(std::vector<std::byte> content) : bytes(std::move(content)) {}

  wal::Result<std::uint64_t> size() const override { return bytes.size(); }
  wal::Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override {
    if (offset >= bytes.size()) return std::size_t{0};
    auto const count = std::min<std::uint64_t>(into.size(), bytes.size() - offset);
    auto const refused = unreadable.lower_bound(offset / block);
    if (refused != unreadable.end() && *refused * block < offset + count) {
      return wal::disk_failure("memory", "cannot read", EIO);
    }
    std::memcpy(into.data(), bytes.data() + offset, static_cast<std::size_t>(count));
    return static_cast<std::size_t>(count);
  }
  void read(std::uint64_t /*offset*/, std::span<std::byte> /*into*/,
            wal::Completion& completion) override {
    completion.on_complete(wal::disk_error(EIO));
  }
  void write_at(std::uint64_t /*offset*/, std::span<std::byte const> /*from*/,
                wal::Persistence /*persistence*/, wal::Completion& completion) override {
    completion.on_complete(wal::disk_error(EROFS));
  }
  void sync(wal::Completion& completion) override { completion.on_complete({}); }

  std::vector<std::byte> bytes;
  std::set<std::uint64_t> unreadable{};  ///< By their number, blocks that the device refuses.
};

}  // namespace stele::test
