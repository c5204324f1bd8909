#include "support/program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "support/subject.hpp"
#include "support/temp_dir.hpp"

namespace stele::test {
namespace {

/// A program that counts which of its lines run (tests/coverage.sh) writes the counts when it ends,
/// and one that is killed does not.
constexpr bool counts_lines = STELE_COVERAGE != 0;
constexpr std::chrono::seconds gentle_patience{10};

void redirect(std::string const& path, int flags, int target) {
  int const fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  if (fd < 0 || ::dup2(fd, target) < 0) ::_exit(127);
}

[[noreturn]] void become(std::vector<char*> const& words, Program::Files const& files) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  redirect(files.in, O_RDONLY, STDIN_FILENO);
  redirect(files.out, O_WRONLY | O_CREAT | O_APPEND, STDOUT_FILENO);
  redirect(files.err.empty() ? files.out : files.err, O_WRONLY | O_CREAT | O_APPEND, STDERR_FILENO);
  // A command ends at once, and the search for what it leaks would take half of its time; the same
  // code is searched in the tests that call it.
  if (words[0] == stele_path()) {
    char const* const others = std::getenv("ASAN_OPTIONS");
    auto const options = std::string(others != nullptr ? others : "") + ":detect_leaks=0";
    ::setenv("ASAN_OPTIONS", options.c_str(), 1);
  }
  ::execv(words[0], words.data());
  ::_exit(127);
}

}  // namespace

Program::Program(std::vector<std::string> const& words, Files const& files) {
  std::vector<char*> pointers;
  for (auto const& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("cannot fork");
  if (pid_ == 0) become(pointers, files);
  pid_fd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  if (pid_fd_ < 0) throw std::runtime_error("pidfd_open is missing: Linux 5.3 or later is needed");
}

Program::~Program() {
  if (counts_lines) {
    signal(SIGTERM);
    wait_for(gentle_patience);
  }
  if (!exit_code_) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ::close(pid_fd_);
}

void Program::signal(int number) const {
  if (!exit_code_) ::kill(pid_, number);
}

std::optional<int> Program::wait_for(std::chrono::microseconds longest) {
  if (exit_code_) return exit_code_;
  pollfd watched{pid_fd_, POLLIN, 0};
  auto const until = std::chrono::steady_clock::now() + longest;
  for (;;) {
    auto const left = std::chrono::duration_cast<std::chrono::nanoseconds>(
        until - std::chrono::steady_clock::now());
    timespec const timeout{left.count() > 0 ? left.count() / 1'000'000'000 : 0,
                           left.count() > 0 ? left.count() % 1'000'000'000 : 0};
    int const ready = ::ppoll(&watched, 1, &timeout, nullptr);
    if (ready == 0) return std::nullopt;
    if (ready > 0) break;
    if (errno != EINTR) throw std::runtime_error("poll of a child failed");
  }
  int status = 0;
  ::waitpid(pid_, &status, 0);
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return exit_code_;
}

int Program::wait() {
  if (auto const code = wait_for(patience)) return *code;
  throw std::runtime_error("process " + std::to_string(pid_) + " does not end");
}

Finished run_program(std::vector<std::string> const& words, std::string_view input) {
  TempDir const files;
  write_file(files / "in", input);
  Program program(words, {files / "in", files / "out", files / "err"});
  Finished finished;
  finished.exit_code = program.wait();
  finished.out = read_file(files / "out");
  finished.err = read_file(files / "err");
  return finished;
}

bool exists_program(std::string const& name) {
  return run_program({"/bin/sh", "-c", "command -v " + name}).exit_code == 0;
}

std::string read_file(std::string const& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return std::move(content).str();
}

void write_file(std::string const& path, std::string_view content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

}  // namespace stele::test
