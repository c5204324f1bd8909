// A log directory that changes while it is read: between any two sectors the log that is open in it
// may go on. What a reader beside a real daemon sees, made deterministic.
#pragma once

#include <algorithm>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/simulated_disk.hpp"

namespace stele::test {

/// For reading only. `step` runs before each name and each sector that is looked at; the sectors of
/// a read come in an order of its own.
class MovingDirectory final : public wal::Directory {
 public:
  MovingDirectory(SimulatedDisk const& disk, std::function<void()> step,
                  std::function<std::uint64_t(std::uint64_t)> random)
      : disk_(disk), step_(std::move(step)), random_(std::move(random)) {}

  wal::Result<void> lock() override { return refused(); }
  wal::Result<std::vector<std::string>> list() override {
    step_();
    return disk_.names();
  }
  wal::Result<std::unique_ptr<wal::File>> create(std::string_view, std::uint64_t) override {
    return refused();
  }
  wal::Result<std::unique_ptr<wal::File>> open(std::string_view name) override {
    step_();
    if (!disk_.has(std::string(name))) {
      return wal::Failure{make_error_code(boost::system::errc::no_such_file_or_directory),
                          std::string(name) + ": cannot open: No such file or directory"};
    }
    return std::make_unique<MovingFile>(*this, std::string(name));
  }
  wal::Result<void> rename(std::string_view, std::string_view) override { return refused(); }
  wal::Result<void> remove(std::string_view) override { return refused(); }
  void release_zeros(std::string_view, std::uint64_t) noexcept override {}
  void sync(wal::Completion&) override {}
  std::size_t alignment() const noexcept override { return sector_bytes; }
  int event_fd() const noexcept override { return -1; }
  std::size_t poll() override { return 0; }
  void wait() override {
    auto const done = done_.front();
    done_.pop_front();
    done.first->on_complete(done.second);
  }
  std::string describe() const override { return "moving"; }

 private:
  static constexpr std::size_t sector_bytes = 512;

  class MovingFile final : public wal::File {
   public:
    MovingFile(MovingDirectory& directory, std::string name)
        : directory_(directory), name_(std::move(name)), last_(directory.disk_.bytes(name_)) {}

    wal::Result<std::uint64_t> size() const override { return last_.size(); }
    wal::Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override {
      if (offset >= last_.size()) return std::size_t{0};
      auto const count = std::min<std::size_t>(into.size(), last_.size() - offset);
      auto const sectors = (count + sector_bytes - 1) / sector_bytes;
      auto const order = directory_.random_(3);
      for (std::size_t i = 0; i < sectors; ++i) {
        directory_.step_();
        auto const sector = order == 0 ? sectors - 1 - i : i;
        auto const begin = sector * sector_bytes;
        auto const bytes = std::min(sector_bytes, count - begin);
        std::memcpy(into.data() + begin, now().data() + offset + begin, bytes);
      }
      return count;
    }
    void read(std::uint64_t offset, std::span<std::byte> into,
              wal::Completion& completion) override {
      (void)read_at(offset, into);
      directory_.done_.emplace_back(&completion, boost::system::error_code{});
    }
    void write_at(std::uint64_t, std::span<std::byte const>, wal::Persistence,
                  wal::Completion&) override {}
    void sync(wal::Completion&) override {}

   private:
    /// A file that was removed is for who has it open as it was then.
    std::vector<std::byte> const& now() const {
      return directory_.disk_.has(name_) ? directory_.disk_.bytes(name_) : last_;
    }
    MovingDirectory& directory_;
    std::string name_;
    std::vector<std::byte> last_;
  };

  static wal::Failure refused() {
    return {make_error_code(boost::system::errc::read_only_file_system), "only to be read"};
  }

  SimulatedDisk const& disk_;
  std::function<void()> step_;
  std::function<std::uint64_t(std::uint64_t)> random_;
  std::deque<std::pair<wal::Completion*, boost::system::error_code>> done_{};
};

}  // namespace stele::test
