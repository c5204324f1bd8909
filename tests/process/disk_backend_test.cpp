// What is particular to each backend: the order and signals of the thread, the limits of the ring.
#include <dlfcn.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "process/disk_fixture.hpp"
#include "wal/io/io_backend.hpp"
#include "wal/io/io_channel.hpp"

namespace {

/// What the next calls of io_uring_submit() say, in place of the kernel.
std::vector<int> refusals;

}  // namespace

/// In the place of liburing's: the program's own comes first.
extern "C" int io_uring_submit(io_uring* ring) {
  using Submit = int (*)(io_uring*);
  static auto const real = reinterpret_cast<Submit>(::dlsym(RTLD_NEXT, "io_uring_submit"));
  if (refusals.empty()) return real(ring);
  int const refusal = refusals.back();
  refusals.pop_back();
  return refusal;
}

namespace stele::wal::test {
namespace {

constexpr std::size_t block = 4096;

bool has_io_uring() {
  bool const has = std::ranges::any_of(
      all_modes(), [](Mode const& mode) { return mode.backend == Backend::io_uring; });
  if (!has) BOOST_TEST_MESSAGE("not tested: io_uring is not available");
  return has;
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

/// The outcome of a write to /dev/null, which takes every write and refuses every sync with EINVAL.
boost::system::error_code write_to_null(decltype(open_posix_backend)& open_backend, IoOp op,
                                        bool dsync) {
  UniqueFd event_fd{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  auto backend = open_backend(dsync, event_fd.get());
  BOOST_REQUIRE_MESSAGE(backend, backend.error().message);
  UniqueFd const null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  Bytes const bytes = pattern(block);
  Outcome outcome;
  IoChannel channel{std::move(event_fd), *std::move(backend)};
  channel.submit({.op = op, .fd = null.get(), .bytes = bytes, .completion = &outcome});
  while (outcome.runs == 0) channel.wait();
  return outcome.error;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(disk_backend_test)

BOOST_AUTO_TEST_CASE(without_dsync_a_durable_write_is_synced_in_a_second_step) {
  for (auto* const open_backend : {&open_posix_backend, &open_uring_backend}) {
    if (open_backend == &open_uring_backend && !has_io_uring()) continue;
    BOOST_TEST(write_to_null(*open_backend, IoOp::write_durable, false).value() == EINVAL);
    BOOST_TEST(!write_to_null(*open_backend, IoOp::write_durable, true));
    BOOST_TEST(!write_to_null(*open_backend, IoOp::write, false));
  }
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
  // A thread that has only just begun blocks all signals in any case.
  BOOST_REQUIRE(!sync(*directory));
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
    auto const file = (*fallen)->create("wal-0000000000000001.seg", block);
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

// The kernel has no memory for the moment, or completions that nobody has fetched: not an error of
// the disk.
BOOST_AUTO_TEST_CASE(ring_that_takes_no_requests_for_the_moment_is_asked_again) {
  if (!has_io_uring()) return;
  TemporaryDirectory const place;
  auto const directory = open_directory(place.path(), {Backend::io_uring, false});
  auto const file = directory->create("segment", 4 * block);
  Bytes const bytes = pattern(2 * block);
  std::span<std::byte const> const all(bytes);
  for (auto const& said : {std::vector{-EAGAIN}, std::vector{-EBUSY, -EAGAIN, -EBUSY, -EAGAIN},
                           std::vector{0}, std::vector(50, -EAGAIN)}) {
    refusals = said;
    std::array<Outcome, 3> outcomes;
    (*file)->write_at(0, all.first(block), Persistence::durable, outcomes[0]);
    (*file)->write_at(block, all.last(block), Persistence::cached, outcomes[1]);
    directory->sync(outcomes[2]);
    for (auto const& outcome : outcomes) {
      while (outcome.runs == 0) directory->wait();
      BOOST_TEST(outcome.runs == 1);
      BOOST_TEST(!outcome.error, outcome.error.message());
    }
    BOOST_TEST(refusals.empty());
    BOOST_TEST((read(**file, 2 * block) == bytes));
  }
}

// The loop does not spin until it has.
BOOST_AUTO_TEST_CASE(ring_that_takes_nothing_and_has_nothing_to_finish_is_asked_after_a_pause) {
  if (!has_io_uring()) return;
  TemporaryDirectory const place;
  auto const directory = open_directory(place.path(), {Backend::io_uring, false});
  auto const file = directory->create("segment", block);
  Bytes const bytes = pattern(block);
  constexpr int times = 30;
  refusals = std::vector(times, -EAGAIN);
  auto const begun = std::chrono::steady_clock::now();
  BOOST_TEST(!write(*directory, **file, 0, bytes, Persistence::durable));
  BOOST_TEST(refusals.empty());
  auto const taken = std::chrono::steady_clock::now() - begun;
  BOOST_TEST((taken >= times * std::chrono::milliseconds(1)));
}

// What was offered and not taken must fail with the rest, and never reach the disk.
BOOST_AUTO_TEST_CASE(ring_that_stops_working_fails_what_waits_for_it_too) {
  if (!has_io_uring()) return;
  TemporaryDirectory const place;
  auto const directory = open_directory(place.path(), {Backend::io_uring, false});
  auto const file = directory->create("segment", 4 * block);
  Bytes const bytes = pattern(block);
  refusals = {-EIO, -EAGAIN};
  std::array<Outcome, 3> outcomes;
  for (auto& outcome : outcomes) (*file)->write_at(0, bytes, Persistence::durable, outcome);
  for (auto const& outcome : outcomes) {
    while (outcome.runs == 0) directory->wait();
    BOOST_TEST(outcome.runs == 1);
    BOOST_TEST(outcome.error.value() == EIO);
  }
}

// The very ring of the directory, mapped a second time: what an intruder in the process would do.
BOOST_AUTO_TEST_CASE(ring_refuses_all_but_reads_writes_and_syncs) {
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
               io_uring_prep_recv(entry, 0, nullptr, 0, 0);
             }) == -EACCES);
  BOOST_TEST(answer(ring, [](io_uring_sqe* entry) {
               io_uring_prep_fsync(entry, -1, 0);
               entry->flags |= IOSQE_IO_LINK;
             }) == -EACCES);
  BOOST_TEST(answer(ring, [](io_uring_sqe* entry) { io_uring_prep_fsync(entry, -1, 0); }) ==
             -EBADF);
  BOOST_TEST(answer(ring, [](io_uring_sqe* entry) {
               io_uring_prep_read(entry, -1, nullptr, 0, 0);
             }) == -EBADF);
  BOOST_TEST(io_uring_unregister_eventfd(&ring) == -EACCES);
  io_uring_queue_exit(&ring);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace stele::wal::test
