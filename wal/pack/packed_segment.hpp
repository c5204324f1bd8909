// A pack in the place of its segment: a file that reads as that one did.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "wal/pack/pack_reader.hpp"
#include "wal/pack/packed_commits.hpp"
#include "wal/storage.hpp"

namespace stele::wal {

/// Reads of which a completion is to be run by the next Directory::poll() or wait().
using PendingReads = std::deque<std::pair<Completion*, boost::system::error_code>>;

/// For reading only. All of the segment is there: both headers, its commits, what lay behind them,
/// zeros up to its size. Bytes of commits that need what is lost are refused as a device refuses
/// bytes. In rising order each block is unpacked once.
class PackedSegment final : public File {
 public:
  /// `pending` outlives this.
  static Result<std::unique_ptr<PackedSegment>> open(std::unique_ptr<File> file, std::string name,
                                                     PendingReads& pending);

  Result<std::uint64_t> size() const override;
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override;
  void read(std::uint64_t offset, std::span<std::byte> into, Completion& completion) override;
  void write_at(std::uint64_t offset, std::span<std::byte const> bytes, Persistence persistence,
                Completion& completion) override;
  void sync(Completion& completion) override { file_->sync(completion); }
  bool has_name() const noexcept override { return file_->has_name(); }

  PackReader& pack() noexcept { return *pack_; }

 private:
  PackedSegment(std::unique_ptr<File> file, std::string name, std::unique_ptr<PackReader> pack,
                PendingReads& pending);
  void copy_headers(std::uint64_t offset, std::span<std::byte> into) const;
  void copy_patches(std::uint64_t offset, std::span<std::byte> into) const;
  bool copy_commits(std::uint64_t offset, std::span<std::byte> into);

  std::unique_ptr<File> file_;
  std::string name_;
  std::unique_ptr<PackReader> pack_;
  PendingReads& pending_;
  PackedCommits commits_;
  NextCommit current_{};  ///< Not yet behind what is read.
};

}  // namespace stele::wal
