// Requests to a real disk: when they end, and how they fail. The same with both backends.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "process/disk_fixture.hpp"
#include "wal/file/unique_fd.hpp"
#include "wal/io/io_backend.hpp"

namespace stele::wal::test {
BOOST_AUTO_TEST_SUITE(disk_request_test)

namespace {

constexpr std::size_t block = 4096;

std::vector<Mode> buffered_modes() {
  std::vector<Mode> modes = all_modes();
  std::erase_if(modes, [](Mode const& mode) { return !mode.buffered; });
  return modes;
}

/// Pages of the file that the page cache holds and the disk does not. Linux 6.5; 0 if unknown.
std::uint64_t dirty_pages(std::string const& path) {
  struct {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
  } const whole;
  struct {
    std::uint64_t cached = 0;
    std::uint64_t dirty = 0;
    std::uint64_t in_writeback = 0;
    std::uint64_t evicted = 0;
    std::uint64_t recently_evicted = 0;
  } pages;
  constexpr long cachestat = 451;
  UniqueFd const file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (::syscall(cachestat, file.get(), &whole, &pages, 0) != 0) return 0;
  return pages.dirty + pages.in_writeback;
}

class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit const now{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  FileSizeLimit(FileSizeLimit const&) = delete;
  FileSizeLimit& operator=(FileSizeLimit const&) = delete;
  ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace

BOOST_DATA_TEST_CASE(completion_waits_for_poll, all_modes(), mode) {
  TemporaryDirectory const place;
  auto const directory = open_directory(place.path(), mode);
  auto const file = directory->create("segment", block);
  Bytes const bytes = pattern(block);
  Outcome outcome;
  BOOST_TEST(directory->poll() == 0U);
  BOOST_TEST(!readable(directory->event_fd(), 0));
  for (int const round : {1, 2, 3}) {
    (*file)->write_at(0, bytes, Persistence::durable, outcome);
    BOOST_TEST(readable(directory->event_fd(), 10'000));
    BOOST_TEST(outcome.runs == round - 1);
    BOOST_TEST(directory->poll() == 1U);
    BOOST_TEST(outcome.runs == round);
    BOOST_TEST(!outcome.error);
    BOOST_TEST(!readable(directory->event_fd(), 0));
  }
  directory->wait();  // Nothing is in flight: it returns.
}

BOOST_DATA_TEST_CASE(thousand_writes_in_sequence, all_modes(), mode) {
  TemporaryDirectory const place;
  auto const directory = open_directory(place.path(), mode);
  std::size_t const size = directory->alignment();
  auto const file = directory->create("segment", 1000 * size);
  Bytes const whole = pattern(1000 * size);
  for (std::size_t i = 0; i < 1000; ++i) {
    auto const from = whole.begin() + static_cast<std::ptrdiff_t>(i * size);
    Bytes const bytes(from, from + static_cast<std::ptrdiff_t>(size));
    auto const persistence = i % 4 == 0 ? Persistence::durable : Persistence::cached;
    BOOST_REQUIRE(!write(*directory, **file, i * size, bytes, persistence));
  }
  BOOST_TEST(!sync(*directory, **file));
  BOOST_TEST(!sync(*directory));
  BOOST_TEST((read(**directory->open("segment"), 1000 * size) == whole));
}

// Through the page cache, where what the disk lacks can be counted.
BOOST_DATA_TEST_CASE(durable_write_and_sync_leave_nothing_dirty, buffered_modes(), mode) {
  TemporaryDirectory const place;
  auto const directory = open_directory(place.path(), mode);
  auto const file = directory->create("segment", 4 * block);
  std::string const path = place.path_of("segment");
  Bytes const bytes = pattern(4 * block);
  BOOST_TEST(!write(*directory, **file, 0, bytes, Persistence::cached));
  if (dirty_pages(path) == 0) {
    BOOST_TEST_MESSAGE("not tested: dirty pages cannot be counted here");
    return;
  }
  BOOST_TEST(!sync(*directory, **file));
  if (dirty_pages(path) != 0) {
    BOOST_TEST_MESSAGE("not tested: a file system in memory");
    return;
  }
  BOOST_TEST(!write(*directory, **file, 0, bytes, Persistence::durable));
  BOOST_TEST(dirty_pages(path) == 0U);
}

BOOST_DATA_TEST_CASE(as_many_requests_as_the_limit_are_in_flight_at_once, all_modes(), mode) {
  TemporaryDirectory const place;
  auto const directory = open_directory(place.path(), mode);
  auto const file = directory->create("segment", io_requests_max * block);
  Bytes const whole = pattern(io_requests_max * block);
  for (int const round : {1, 2}) {
    std::vector<Outcome> outcomes(io_requests_max);
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      auto const bytes = std::span{whole}.subspan(i * block, block);
      auto const persistence = i % 2 == 0 ? Persistence::durable : Persistence::cached;
      (*file)->write_at(i * block, bytes, persistence, outcomes[i]);
    }
    auto const ended = [](Outcome const& outcome) { return outcome.runs == 1; };
    while (!std::ranges::all_of(outcomes, ended)) directory->wait();
    for (auto const& outcome : outcomes) BOOST_TEST(!outcome.error);
    BOOST_TEST((read(**file, whole.size()) == whole), "round " << round);
  }
}

// As the log does: what a completion tells begins the next request.
BOOST_DATA_TEST_CASE(completion_may_submit_again, all_modes(), mode) {
  struct Chain final : Completion {
    File& file;
    Bytes const& bytes;
    std::size_t ended = 0;
    boost::system::error_code error{};

    Chain(File& target, Bytes const& what) : file(target), bytes(what) {}
    void begin() { file.write_at(ended * block, bytes, Persistence::durable, *this); }
    void on_complete(boost::system::error_code outcome) noexcept override {
      error = outcome;
      if (++ended < 100 && !error) begin();
    }
  };
  TemporaryDirectory const place;
  auto const directory = open_directory(place.path(), mode);
  auto const file = directory->create("segment", 100 * block);
  Bytes const bytes = pattern(block);
  Chain chain{**file, bytes};
  chain.begin();
  while (chain.ended < 100 && !chain.error) directory->wait();
  BOOST_TEST(!chain.error);
  BOOST_TEST((*file)->size().value() == 100 * block);
}

BOOST_DATA_TEST_CASE(end_of_the_directory_waits_and_tells_nobody, all_modes(), mode) {
  TemporaryDirectory const place;
  auto directory = open_directory(place.path(), mode);
  auto file = *directory->create("segment", 16 << 20);
  std::array<Outcome, 4> outcomes;
  {
    Bytes bytes = pattern(4 << 20);
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      file->write_at(i * bytes.size(), bytes, Persistence::cached, outcomes[i]);
    }
    directory.reset();
    std::ranges::fill(bytes, std::byte{0});
  }
  for (auto const& outcome : outcomes) BOOST_TEST(outcome.runs == 0);
  Bytes const once = pattern(4 << 20);
  Bytes expected;
  for (int i = 0; i < 4; ++i) expected.insert(expected.end(), once.begin(), once.end());
  BOOST_TEST((read(*file, 16 << 20) == expected));
}

BOOST_DATA_TEST_CASE(short_write_is_an_error, all_modes(), mode) {
  TemporaryDirectory const place;
  auto const directory = open_directory(place.path(), mode);
  auto const file = directory->create("segment", 0);
  Bytes const bytes = pattern(32 * block);
  for (auto const persistence : {Persistence::durable, Persistence::cached}) {
    boost::system::error_code cut;
    boost::system::error_code beyond;
    {
      FileSizeLimit const limit{16 * block};
      cut = write(*directory, **file, 0, bytes, persistence);
      beyond = write(*directory, **file, 16 * block, bytes, persistence);
    }
    // The thread asks for the reason by writing on; the ring does not.
    if (mode.backend == Backend::io_uring) {
      BOOST_TEST(cut == make_error_code(Errc::short_write));
    } else {
      BOOST_TEST(cut.value() == EFBIG);
    }
    BOOST_TEST(beyond.value() == EFBIG);
    BOOST_TEST((beyond.category() == boost::system::system_category()));
  }
}

BOOST_DATA_TEST_CASE(refused_write_ends_with_its_errno, all_modes(), mode) {
  TemporaryDirectory const place;
  auto const directory = open_directory(place.path(), mode);
  BOOST_REQUIRE(directory->create("segment", block));
  auto const read_only = directory->open("segment");
  auto const error = write(*directory, **read_only, 0, pattern(block), Persistence::durable);
  BOOST_TEST(error.value() == EBADF);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace stele::wal::test
