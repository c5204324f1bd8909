#include "process/disk_fixture.hpp"

#include <poll.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace stele::wal::test {

TemporaryDirectory::TemporaryDirectory()
    : path_((std::filesystem::temp_directory_path() / "stele-test-XXXXXX").string()) {
  BOOST_REQUIRE(::mkdtemp(path_.data()) != nullptr);
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::ostream& operator<<(std::ostream& out, Mode const& mode) {
  return out << (mode.backend == Backend::posix ? "posix" : "io_uring")
             << (mode.buffered ? " buffered" : " direct");
}

std::vector<Mode> const& all_modes() {
  static std::vector<Mode> const modes = [] {
    std::vector<Mode> found{{Backend::posix, false}, {Backend::posix, true}};
    TemporaryDirectory const place;
    std::string note;
    auto const opened =
        open_disk_directory({.path = place.path(), .backend = Backend::io_uring}, note);
    if (opened) {
      found.push_back({Backend::io_uring, false});
      found.push_back({Backend::io_uring, true});
    } else {
      BOOST_TEST_MESSAGE("io_uring is not tested: " << opened.error().message);
    }
    return found;
  }();
  return modes;
}

Bytes pattern(std::size_t size, std::uint32_t seed) {
  Bytes bytes(size);
  std::uint32_t state = seed;
  for (auto& byte : bytes) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<std::byte>(state >> 24);
  }
  return bytes;
}

std::unique_ptr<Directory> open_directory(std::string const& path, Mode mode) {
  std::string note;
  auto opened =
      open_disk_directory({.path = path, .backend = mode.backend, .buffered = mode.buffered}, note);
  BOOST_REQUIRE_MESSAGE(opened, opened.error().message);
  BOOST_TEST(note == "");
  return *std::move(opened);
}

boost::system::error_code write(Directory& directory, File& file, std::uint64_t offset,
                                Bytes const& bytes, Persistence persistence) {
  Outcome outcome;
  file.write_at(offset, bytes, persistence, outcome);
  while (outcome.runs == 0) directory.wait();
  return outcome.error;
}

boost::system::error_code sync(Directory& directory, File& file) {
  Outcome outcome;
  file.sync(outcome);
  while (outcome.runs == 0) directory.wait();
  return outcome.error;
}

boost::system::error_code sync(Directory& directory) {
  Outcome outcome;
  directory.sync(outcome);
  while (outcome.runs == 0) directory.wait();
  return outcome.error;
}

Bytes read(File& file, std::size_t size) {
  Bytes bytes(size);
  auto const count = file.read_at(0, bytes);
  BOOST_REQUIRE_MESSAGE(count, count.error().message);
  bytes.resize(*count);
  return bytes;
}

bool readable(int fd, int timeout_ms) {
  pollfd event{fd, POLLIN, 0};
  int count = 0;
  do {
    count = ::poll(&event, 1, timeout_ms);
  } while (count < 0 && errno == EINTR);
  return count == 1;
}

std::string content(std::string const& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

}  // namespace stele::wal::test
