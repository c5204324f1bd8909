// A log directory in which packs stand in the places of their segments.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "wal/pack/packed_segment.hpp"
#include "wal/storage.hpp"

namespace stele::wal {

/// Shows wal-n.pack as wal-n.seg to whoever lists, opens, renames or removes that; all else is the
/// directory's own. While both are there, the segment is shown: they say the same, and it goes when
/// the pack is durable. So who opens a segment finds one of them at every moment.
class PackedDirectory final : public Directory {
 public:
  /// `directory` outlives this.
  explicit PackedDirectory(Directory& directory) : directory_(directory) {}
  explicit PackedDirectory(std::unique_ptr<Directory> directory)
      : owned_(std::move(directory)), directory_(*owned_) {}
  ~PackedDirectory() override = default;

  /// The directory with packs under their own names.
  Directory& unpacked() noexcept { return directory_; }

  Result<std::vector<std::string>> list() override;
  Result<std::unique_ptr<File>> open(std::string_view name) override;
  Result<void> rename(std::string_view from, std::string_view to) override;
  Result<void> remove(std::string_view name) override;
  std::uint64_t space(std::string_view name) const noexcept override;
  void release_zeros(std::string_view name, std::uint64_t offset) noexcept override;
  std::size_t poll() override;
  void wait() override;

  Result<void> lock() override { return directory_.lock(); }
  Result<void> check_place(std::string_view name, File const* file) const override {
    return directory_.check_place(name, file);
  }
  Result<std::unique_ptr<File>> create(std::string_view name, std::uint64_t bytes) override {
    return directory_.create(name, bytes);
  }
  Result<std::unique_ptr<File>> reserve(std::string_view name, std::uint64_t bytes) override {
    return directory_.reserve(name, bytes);
  }
  Result<void> exchange(std::string_view from, std::string_view to) override {
    return directory_.exchange(from, to);
  }
  void sync(Completion& completion) override { directory_.sync(completion); }
  std::size_t alignment() const noexcept override { return directory_.alignment(); }
  int event_fd() const noexcept override { return directory_.event_fd(); }
  std::string describe() const override { return directory_.describe(); }

 private:
  bool has(std::string_view name) const;

  std::unique_ptr<Directory> owned_{};
  Directory& directory_;
  PendingReads pending_{};
};

}  // namespace stele::wal
