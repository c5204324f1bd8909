// The log's directory, with the service manager notified of the calls that last as long as the
// disk.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/supervision/supervisor.hpp"
#include "wal/storage.hpp"

namespace stele::daemon {

/// Bytes are read, written and synced without the loop. Names are not: making, renaming and
/// removing files waits for the file system, and so for its disk. A loop that is in there is not
/// stuck; the disk is.
class WatchedDirectory final : public wal::Directory {
 public:
  /// `manager` outlives the directory.
  WatchedDirectory(std::unique_ptr<wal::Directory> directory, Supervisor& manager) noexcept
      : directory_(std::move(directory)), manager_(manager) {}

  wal::Result<void> lock() override { return directory_->lock(); }
  /// Often, and of what the system knows without the disk.
  wal::Result<void> check_place(std::string_view name, wal::File const* file) const override {
    return directory_->check_place(name, file);
  }
  wal::Result<std::vector<std::string>> list() override { return directory_->list(); }
  wal::Result<std::unique_ptr<wal::File>> create(std::string_view name,
                                                 std::uint64_t bytes) override {
    DiskCall const call(manager_);
    return directory_->create(name, bytes);
  }
  wal::Result<std::unique_ptr<wal::File>> open(std::string_view name) override {
    DiskCall const call(manager_);
    return directory_->open(name);
  }
  wal::Result<void> rename(std::string_view from, std::string_view to) override {
    DiskCall const call(manager_);
    return directory_->rename(from, to);
  }
  wal::Result<std::unique_ptr<wal::File>> reserve(std::string_view name,
                                                  std::uint64_t bytes) override {
    DiskCall const call(manager_);
    return directory_->reserve(name, bytes);
  }
  std::uint64_t space(std::string_view name) const noexcept override {
    return directory_->space(name);
  }
  wal::Result<void> exchange(std::string_view from, std::string_view to) override {
    DiskCall const call(manager_);
    return directory_->exchange(from, to);
  }
  wal::Result<void> remove(std::string_view name) override {
    DiskCall const call(manager_);
    return directory_->remove(name);
  }
  void release_zeros(std::string_view name, std::uint64_t offset) noexcept override {
    DiskCall const call(manager_);
    directory_->release_zeros(name, offset);
  }
  void sync(wal::Completion& completion) override { directory_->sync(completion); }
  std::size_t alignment() const noexcept override { return directory_->alignment(); }
  int event_fd() const noexcept override { return directory_->event_fd(); }
  std::size_t poll() override { return directory_->poll(); }
  void wait() override {
    DiskCall const call(manager_);
    directory_->wait();
  }
  std::string describe() const override { return directory_->describe(); }

 private:
  struct DiskCall {
    explicit DiskCall(Supervisor& supervisor) : manager(supervisor) { manager.begin_disk_call(); }
    DiskCall(DiskCall const&) = delete;
    DiskCall& operator=(DiskCall const&) = delete;
    ~DiskCall() { manager.end_disk_call(); }
    Supervisor& manager;
  };

  std::unique_ptr<wal::Directory> directory_;
  Supervisor& manager_;
};

}  // namespace stele::daemon
