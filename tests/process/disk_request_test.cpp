// Requests to a real disk: when they end, how they fail, and what the ring refuses.
#include <liburing.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <span>
#include <string>
#include <vector>

#include "process/disk_fixture.hpp"
#include "wal/io_backend.hpp"

namespace stele::wal::test {
namespace {

constexpr std::size_t block = 4096;

bool has_io_uring() {
  bool const has = std::ranges::any_of(
      all_modes(), [](Mode const& mode) { return mode.backend == Backend::io_uring; });
  if (!has) BOOST_TEST_MESSAGE("not tested: io_uring is not available");
  return has;
}

bool readable(int fd, int timeout_ms) {
  pollfd event{fd, POLLIN, 0};
  int count = 0;
  do {
    count = ::poll(&event, 1, timeout_ms);
  } while (count < 0 && errno == EINTR);
  return count == 1;
}

/// Makes one system call fail with EPERM, for the calling thread and those that it starts.
void forbid(long call) {
  std::array program{
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),  // seccomp_data.nr
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call), 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog const filter{static_cast<unsigned short>(program.size()), program.data()};
  BOOST_REQUIRE_EQUAL(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  BOOST_REQUIRE_EQUAL(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0);
}

/// Runs it on a thread of its own, so that what it forbids stays there.
template <class Action>
void apart(Action action) {
  std::async(std::launch::async, action).get();
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

/// The descriptor of this process's only ring.
int ring_fd() {
  for (auto const& entry : std::filesystem::directory_iterator{"/proc/self/fd"}) {
    std::error_code gone;
    if (std::filesystem::read_symlink(entry, gone) == "anon_inode:[io_uring]") {
      return std::stoi(entry.path().filename());
    }
  }
  return -1;
}

/// What the ring answers to this operation.
int answer(io_uring& ring, void (*prepare)(io_uring_sqe*)) {
  prepare(io_uring_get_sqe(&ring));
  BOOST_REQUIRE_EQUAL(io_uring_submit(&ring), 1);
  io_uring_cqe* entry = nullptr;
  BOOST_REQUIRE_EQUAL(io_uring_wait_cqe(&ring, &entry), 0);
  int const result = entry->res;
  io_uring_cqe_seen(&ring, entry);
  return result;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(disk_request_test)

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

// One thread serves all requests of this backend: a commit must not wait for a spare segment.
BOOST_AUTO_TEST_CASE(posix_commit_overtakes_what_waits) {
  TemporaryDirectory const place;
  auto const directory = open_directory(place.path(), {Backend::posix, false});
  std::size_t const slice = std::size_t{4} << 20;
  auto const spare = directory->create("spare", slice);
  auto const active = directory->create("active", block);
  Bytes const zeros(slice);
  Bytes const commit = pattern(block);
  std::array<Outcome, 32> slices;
  for (auto& outcome : slices) (*spare)->write_at(0, zeros, Persistence::cached, outcome);
  Outcome committed;
  (*active)->write_at(0, commit, Persistence::durable, committed);
  while (committed.runs == 0) directory->wait();
  BOOST_TEST(slices.back().runs == 0);
  while (slices.back().runs == 0) directory->wait();
}

BOOST_AUTO_TEST_CASE(posix_thread_takes_no_signals) {
  TemporaryDirectory const place;
  auto const directory = open_directory(place.path(), {Backend::posix, false});
  std::size_t threads = 0;
  for (auto const& task : std::filesystem::directory_iterator{"/proc/self/task"}) {
    if (task.path().filename() == std::to_string(::getpid())) continue;
    ++threads;
    std::ifstream status{task.path() / "status"};
    std::string word;
    while (status >> word && word != "SigBlk:") continue;
    unsigned long long blocked = 0;
    status >> std::hex >> blocked;
    for (int const signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGXFSZ}) {
      BOOST_TEST((blocked >> (signal - 1) & 1U) == 1U);
    }
  }
  BOOST_TEST(threads >= 1U);
}

BOOST_AUTO_TEST_CASE(automatic_prefers_io_uring_and_falls_back_with_one_sentence) {
  TemporaryDirectory const place;
  std::string note;
  if (has_io_uring()) {
    auto const opened = open_disk_directory({.path = place.path()}, note);
    BOOST_TEST((*opened)->describe().starts_with("io_uring, "));
    BOOST_TEST(note == "");
  }
  apart([&] {
    forbid(SYS_io_uring_setup);
    auto const fallen = open_disk_directory({.path = place.path()}, note);
    BOOST_REQUIRE(fallen);
    BOOST_TEST((*fallen)->describe().starts_with("posix, "));
    BOOST_TEST(note ==
               "io_uring: cannot make a ring: Operation not permitted; "
               "using the POSIX backend instead.");
    auto const file = (*fallen)->create("segment", block);
    BOOST_TEST(!write(**fallen, **file, 0, pattern(block), Persistence::durable));
    auto const refused =
        open_disk_directory({.path = place.path(), .backend = Backend::io_uring}, note);
    BOOST_REQUIRE(!refused);
    BOOST_TEST(refused.error().code.value() == EPERM);
  });
}

BOOST_AUTO_TEST_CASE(ring_that_cannot_be_restricted_is_not_used) {
  if (!has_io_uring()) return;
  TemporaryDirectory const place;
  apart([&] {
    forbid(SYS_io_uring_register);
    std::string note;
    auto const fallen = open_disk_directory({.path = place.path()}, note);
    BOOST_REQUIRE(fallen);
    BOOST_TEST((*fallen)->describe().starts_with("posix, "));
    BOOST_TEST(ring_fd() == -1);
  });
}

BOOST_AUTO_TEST_CASE(ring_that_stops_working_fails_every_request) {
  if (!has_io_uring()) return;
  TemporaryDirectory const place;
  apart([&] {
    auto const directory = open_directory(place.path(), {Backend::io_uring, false});
    auto const file = directory->create("segment", block);
    Bytes const bytes = pattern(block);
    BOOST_TEST(!write(*directory, **file, 0, bytes, Persistence::durable));
    forbid(SYS_io_uring_enter);
    for (int const round : {1, 2}) {
      Outcome outcome;
      (*file)->write_at(0, bytes, Persistence::durable, outcome);
      BOOST_TEST(outcome.runs == 0, "round " << round);
      BOOST_TEST(readable(directory->event_fd(), 10'000));
      BOOST_TEST(directory->poll() == 1U);
      BOOST_TEST(outcome.error.value() == EPERM);
    }
    Outcome outcome;
    directory->sync(outcome);
    directory->wait();
    BOOST_TEST(outcome.error.value() == EPERM);
  });
}

// The very ring of the directory, mapped a second time: what an intruder in the process would do.
BOOST_AUTO_TEST_CASE(ring_refuses_all_but_writes_and_syncs) {
  if (!has_io_uring()) return;
  io_uring_params layout{};
  layout.flags = IORING_SETUP_R_DISABLED;
  int const same_size = io_uring_setup(io_requests_max, &layout);
  BOOST_REQUIRE(same_size >= 0);
  ::close(same_size);
  TemporaryDirectory const place;
  auto const directory = open_directory(place.path(), {Backend::io_uring, false});
  int const fd = ring_fd();
  BOOST_REQUIRE(fd >= 0);
  io_uring ring{};
  BOOST_REQUIRE_EQUAL(io_uring_queue_mmap(::dup(fd), &layout, &ring), 0);

  BOOST_TEST(answer(ring, [](io_uring_sqe* entry) {
               io_uring_prep_openat(entry, AT_FDCWD, "/etc/passwd", O_RDONLY, 0);
             }) == -EACCES);
  BOOST_TEST(answer(ring, [](io_uring_sqe* entry) {
               io_uring_prep_socket(entry, AF_UNIX, SOCK_STREAM, 0, 0);
             }) == -EACCES);
  BOOST_TEST(answer(ring, [](io_uring_sqe* entry) {
               io_uring_prep_read(entry, 0, nullptr, 0, 0);
             }) == -EACCES);
  BOOST_TEST(answer(ring, [](io_uring_sqe* entry) {
               io_uring_prep_fsync(entry, -1, 0);
               entry->flags |= IOSQE_IO_LINK;
             }) == -EACCES);
  BOOST_TEST(answer(ring, [](io_uring_sqe* entry) { io_uring_prep_fsync(entry, -1, 0); }) ==
             -EBADF);
  BOOST_TEST(io_uring_unregister_eventfd(&ring) == -EACCES);
  io_uring_queue_exit(&ring);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace stele::wal::test
