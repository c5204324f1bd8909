// What a simulated disk keeps of each file, and what it is asked to do.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "wal/storage.hpp"

namespace stele::test {

struct UnsyncedWrite {
  std::uint64_t offset = 0;
  std::vector<std::byte> bytes{};
  bool durable = false;  ///< It holds, whatever becomes of those before it.
};

/// `cache` is what readers see; `device` is what survives a power cut for sure.
struct Inode {
  std::vector<std::byte> cache{};
  std::vector<std::byte> device{};
  std::vector<UnsyncedWrite> unsynced{};  ///< Since the last sync, in their order.
  /// What it takes of the disk: what was given back at its end is not there.
  std::uint64_t space() const noexcept {
    return released_from == 0 ? cache.size() : std::min<std::uint64_t>(released_from, cache.size());
  }
  bool handed_out = false;  ///< Somebody may have changed `cache` behind our back.
  std::uint64_t released_from = 0;
  std::uint64_t unreadable_begin = 0;
  std::uint64_t unreadable_end = 0;
};
using InodePtr = std::shared_ptr<Inode>;
using NameTable = std::map<std::string, InodePtr>;

struct Request {
  enum class Kind : std::uint8_t { read, write, sync_file, sync_names };
  Kind kind{};
  InodePtr inode{};
  std::uint64_t offset = 0;
  std::span<std::byte const> bytes{};
  std::span<std::byte> into{};
  wal::Persistence persistence = wal::Persistence::cached;
  wal::Completion* completion = nullptr;
  bool aborted = false;  ///< Its fate is settled; only the completion is still owed.
};

}  // namespace stele::test
