// One real file of the log.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "wal/file/directory_handle.hpp"
#include "wal/file/disk_probe.hpp"
#include "wal/io/io_channel.hpp"
#include "wal/storage.hpp"

namespace stele::wal {

/// Uses the channel of its directory, and so ends before the directory does.
class DiskFile final : public File {
 public:
  static Result<std::unique_ptr<File>> create(DirectoryHandle const& place, std::string_view name,
                                              std::uint64_t bytes, DiskTraits const& traits,
                                              IoChannel& channel);
  /// As Directory::reserve().
  static Result<std::unique_ptr<File>> reserve(DirectoryHandle const& place, std::string_view name,
                                               std::uint64_t bytes, DiskTraits const& traits,
                                               IoChannel& channel);
  /// As Directory::space().
  static std::uint64_t space(DirectoryHandle const& place, std::string_view name) noexcept;
  static Result<std::unique_ptr<File>> open(DirectoryHandle const& place, std::string_view name,
                                            DiskTraits const& traits, IoChannel& channel);

  Result<std::uint64_t> size() const override;
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override;
  void read(std::uint64_t offset, std::span<std::byte> into, Completion& completion) override;
  void write_at(std::uint64_t offset, std::span<std::byte const> bytes, Persistence persistence,
                Completion& completion) override;
  void sync(Completion& completion) override;
  bool has_name() const noexcept override;

  int fd() const noexcept { return fd_.get(); }

 private:
  DiskFile(IoChannel& channel, UniqueFd fd, std::string path, std::size_t alignment);

  IoChannel& channel_;
  UniqueFd fd_;
  std::string path_;
  std::size_t alignment_;
};

}  // namespace stele::wal
