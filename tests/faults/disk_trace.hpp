// What a disk was asked to do, in order, and what it may hold when the power fails at any moment of
// that.
#pragma once

#include <atomic>
#include <cstddef>
#include <random>
#include <span>
#include <vector>

#include "faults/fuse_disk.hpp"

namespace stele::test {

struct DiskOperation {
  enum class Kind : std::uint8_t { write, flush };
  Kind kind = Kind::flush;
  bool is_commit = false;  ///< A write of a commit of the log, or of a part of one.
  std::size_t offset = 0;
  DiskBytes bytes{};
};
using DiskTrace = std::vector<DiskOperation>;

/// Lets everything succeed and keeps the record.
class DiskRecorder final : public DiskPolicy {
 public:
  int on_write(DiskBytes& media, std::size_t offset, std::span<std::byte const> bytes) override;
  int on_flush(DiskBytes& media) override;

  /// How many operations there were so far; from any thread.
  std::size_t position() const noexcept { return position_; }
  /// When the disk is gone.
  DiskTrace take() { return std::move(trace_); }

 private:
  DiskTrace trace_{};
  std::atomic<std::size_t> position_ = 0;
};

/// The images that power cuts leave, cut after cut in the order of time. What was written since the
/// last flush is kept, lost, or torn (commits at 512 bytes, all else at 4096: ext4 itself does not
/// survive torn superblocks), and takes effect in any order.
class PowerCuts {
 public:
  enum class Flushes : std::uint8_t {
    honest,  ///< What a flush has answered is on the media.
    lying,   ///< The last commits stay in the cache of the drive for some more writes.
  };
  /// `trace` outlives this object.
  PowerCuts(DiskBytes start, DiskTrace const& trace, Flushes flushes);

  /// The image after a cut behind the first `operations`, no fewer than the time before.
  DiskBytes image_at(std::size_t operations, std::mt19937_64& random);

 private:
  void flush();

  DiskBytes durable_;
  DiskTrace const& trace_;
  Flushes flushes_;
  std::size_t position_ = 0;
  std::vector<DiskOperation const*> pending_{};
};

}  // namespace stele::test
