// A directory that passes everything on, for tests that change one of its calls.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "wal/storage.hpp"

namespace stele::test {

class ForwardingDirectory : public wal::Directory {
 public:
  explicit ForwardingDirectory(wal::Directory& directory) : directory_(directory) {}

  wal::Result<void> lock() override { return directory_.lock(); }
  wal::Result<std::vector<std::string>> list() override { return directory_.list(); }
  wal::Result<std::unique_ptr<wal::File>> create(std::string_view name,
                                                 std::uint64_t bytes) override {
    return directory_.create(name, bytes);
  }
  wal::Result<std::unique_ptr<wal::File>> open(std::string_view name) override {
    return directory_.open(name);
  }
  wal::Result<void> rename(std::string_view from, std::string_view to) override {
    return directory_.rename(from, to);
  }
  wal::Result<void> remove(std::string_view name) override { return directory_.remove(name); }
  void release_zeros(std::string_view name, std::uint64_t offset) noexcept override {
    directory_.release_zeros(name, offset);
  }
  void sync(wal::Completion& completion) override { directory_.sync(completion); }
  std::size_t alignment() const noexcept override { return directory_.alignment(); }
  int event_fd() const noexcept override { return directory_.event_fd(); }
  std::size_t poll() override { return directory_.poll(); }
  void wait() override { directory_.wait(); }
  std::string describe() const override { return directory_.describe(); }

 private:
  wal::Directory& directory_;
};

}  // namespace stele::test
