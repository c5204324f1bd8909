// What the tests on real directories share.
#pragma once

#include <boost/align/aligned_allocator.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "wal/io/disk_directory.hpp"

namespace stele::wal::test {

/// Under $TMPDIR or /tmp; removed with what it holds.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  TemporaryDirectory(TemporaryDirectory const&) = delete;
  TemporaryDirectory& operator=(TemporaryDirectory const&) = delete;
  ~TemporaryDirectory();

  std::string const& path() const { return path_; }
  std::string path_of(std::string_view name) const { return path_ + "/" + std::string{name}; }

 private:
  std::string path_;
};

/// One way to reach the disk; every test of requests runs in all of them.
struct Mode {
  Backend backend = Backend::posix;
  bool buffered = false;
};
std::ostream& operator<<(std::ostream& out, Mode const& mode);

/// Both backends, direct and buffered; io_uring only where the machine allows it.
std::vector<Mode> const& all_modes();

using Bytes = std::vector<std::byte, boost::alignment::aligned_allocator<std::byte, 4096>>;
/// Different at every offset, and for every seed.
Bytes pattern(std::size_t size, std::uint32_t seed = 1);

struct Outcome final : Completion {
  boost::system::error_code error{};
  int runs = 0;

  void on_complete(boost::system::error_code outcome) noexcept override {
    error = outcome;
    ++runs;
  }
};

/// Fails the test if it cannot be opened.
std::unique_ptr<Directory> open_directory(std::string const& path, Mode mode);

boost::system::error_code write(Directory& directory, File& file, std::uint64_t offset,
                                Bytes const& bytes, Persistence persistence);
boost::system::error_code sync(Directory& directory, File& file);
boost::system::error_code sync(Directory& directory);
/// From the start, at most `size` bytes.
Bytes read(File& file, std::size_t size);

/// Whether the descriptor becomes readable in time.
bool readable(int fd, int timeout_ms);

/// What another program sees in the file.
std::string content(std::string const& path);

}  // namespace stele::wal::test
