// What a process cannot do any more behind confine_process(). Each case is a process of its own,
// since there is no way back.
#include "daemon/security/confinement.hpp"

#include <fcntl.h>
#include <linux/io_uring.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace {

constexpr int code_yes = 0;
constexpr int code_no = 1;
constexpr int code_not_confined = 2;

/// Whether `act` says yes in a process that has first made itself confined.
template <class Act>
bool in_confined_process(Act const& act) {
  pid_t const child = ::fork();
  BOOST_TEST_REQUIRE(child >= 0);
  if (child == 0) {
    if (stele::daemon::confine_process()) ::_exit(code_not_confined);
    ::_exit(act() ? code_yes : code_no);
  }
  int status = 0;
  BOOST_TEST_REQUIRE(::waitpid(child, &status, 0) == child);
  BOOST_TEST_REQUIRE(WIFEXITED(status));
  BOOST_TEST_REQUIRE(WEXITSTATUS(status) != code_not_confined);
  return WEXITSTATUS(status) == code_yes;
}

bool is_denied(long result) { return result == -1 && errno == EPERM; }

bool socket_is_denied() { return is_denied(::socket(AF_UNIX, SOCK_STREAM, 0)); }

}  // namespace

BOOST_AUTO_TEST_SUITE(confinement_test)

BOOST_AUTO_TEST_CASE(no_program_is_run) {
  BOOST_TEST(in_confined_process([] {
    char const* const words[] = {"/bin/true", nullptr};
    return is_denied(::execve(words[0], const_cast<char* const*>(words), nullptr));
  }));
  BOOST_TEST(in_confined_process([] {
    char const* const words[] = {"/bin/true", nullptr};
    return is_denied(::syscall(SYS_execveat, AT_FDCWD, words[0], words, nullptr, 0));
  }));
}

BOOST_AUTO_TEST_CASE(no_socket_is_made_bound_or_connected) {
  BOOST_TEST(in_confined_process(socket_is_denied));
  BOOST_TEST(in_confined_process([] {
    int pair[2];
    return is_denied(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  }));
  BOOST_TEST(in_confined_process([] {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    return is_denied(::connect(0, reinterpret_cast<sockaddr*>(&address), sizeof address));
  }));
  BOOST_TEST(in_confined_process([] {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    return is_denied(::bind(0, reinterpret_cast<sockaddr*>(&address), sizeof address));
  }));
  BOOST_TEST(in_confined_process([] { return is_denied(::listen(0, 1)); }));
}

BOOST_AUTO_TEST_CASE(no_ring_is_made) {
  BOOST_TEST(in_confined_process([] {
    io_uring_params parameters{};
    return is_denied(::syscall(SYS_io_uring_setup, 8, &parameters));
  }));
}

BOOST_AUTO_TEST_CASE(no_other_process_is_looked_into) {
  BOOST_TEST(in_confined_process([] {
    return is_denied(::syscall(SYS_process_vm_readv, ::getppid(), nullptr, 0, nullptr, 0, 0));
  }));
  BOOST_TEST(in_confined_process([] {
    return is_denied(::syscall(SYS_process_vm_writev, ::getppid(), nullptr, 0, nullptr, 0, 0));
  }));
  BOOST_TEST(in_confined_process([] { return is_denied(::syscall(SYS_pidfd_getfd, 0, 0, 0)); }));
}

BOOST_AUTO_TEST_CASE(threads_that_were_there_before_are_confined_too) {
  BOOST_TEST(in_confined_process([] {
    bool denied = false;
    std::thread([&] { denied = socket_is_denied(); }).join();
    return denied;
  }));
  pid_t const child = ::fork();
  BOOST_TEST_REQUIRE(child >= 0);
  if (child == 0) {
    std::mutex mutex;
    std::condition_variable changed;
    bool confined = false;
    bool denied = false;
    std::thread before([&] {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return confined; });
      denied = socket_is_denied();
    });
    {
      std::lock_guard const lock(mutex);
      confined = !stele::daemon::confine_process();
      if (!confined) ::_exit(code_not_confined);
    }
    changed.notify_one();
    before.join();
    ::_exit(denied ? code_yes : code_no);
  }
  int status = 0;
  BOOST_TEST_REQUIRE(::waitpid(child, &status, 0) == child);
  BOOST_TEST(status == 0);
}

BOOST_AUTO_TEST_CASE(files_go_on_working) {
  BOOST_TEST(in_confined_process([] {
    int const file = ::open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    char byte = 0;
    return file >= 0 && ::read(file, &byte, 1) == 1;
  }));
}

BOOST_AUTO_TEST_SUITE_END()
