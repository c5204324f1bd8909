#include "client-lib/cli/child_lines.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <optional>
#include <utility>

#include "client-lib/cli/exit_code.hpp"

namespace stele::cli {
namespace {

constexpr std::size_t pipe_bytes = 65'536;
constexpr std::size_t part_bytes_max = std::size_t{1} << 20;
constexpr int look_after_child_ms = 100;

volatile std::sig_atomic_t signalled_child = 0;

extern "C" void pass_on(int number) {
  if (signalled_child > 0) ::kill(signalled_child, number);
}

void handle_signals(pid_t child) noexcept {
  signalled_child = child;
  struct sigaction action {};
  action.sa_handler = pass_on;
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGHUP, &action, nullptr);
  std::signal(SIGINT, SIG_IGN);  // A terminal sends it to the command as well.
}

Failure system_failure(std::string const& what, int error) {
  auto const& category = boost::system::system_category();
  return {{error, category}, what + ": " + category.message(error)};
}

// The lines of one stream.
class Stream {
 public:
  Stream(int fd, bool is_stderr) : fd_(fd), is_stderr_(is_stderr) {
    ::fcntl(fd, F_SETFL, O_NONBLOCK);
  }
  Stream(Stream const&) = delete;
  Stream& operator=(Stream const&) = delete;
  ~Stream() { close(); }

  int fd() const noexcept { return fd_; }
  bool is_open() const noexcept { return fd_ >= 0; }

  /// Reads what is there; false: nothing was.
  bool read(pid_t pid, std::function<void(ChildLine const&)> const& on_line) {
    std::array<char, pipe_bytes> buffer;
    auto const n = ::read(fd_, buffer.data(), buffer.size());
    if (n < 0) return errno == EINTR;
    if (n == 0) {
      hand_out(pid, on_line, true);
      close();
      return false;
    }
    text_.append(buffer.data(), static_cast<std::size_t>(n));
    hand_out(pid, on_line, false);
    return true;
  }

  /// What has come so far is the end.
  void finish(pid_t pid, std::function<void(ChildLine const&)> const& on_line) {
    hand_out(pid, on_line, true);
    close();
  }

 private:
  void hand_out(pid_t pid, std::function<void(ChildLine const&)> const& on_line, bool at_end) {
    std::string_view rest = text_;
    for (;;) {
      auto const end = rest.find('\n');
      bool const whole = end != rest.npos;
      if (!whole && rest.size() < part_bytes_max && !(at_end && !rest.empty())) break;
      auto const part = rest.substr(0, whole ? end : part_bytes_max);
      on_line({.text = part, .is_stderr = is_stderr_, .pid = pid});
      rest.remove_prefix(part.size() + (whole ? 1 : 0));
    }
    text_.erase(0, text_.size() - rest.size());
  }
  void close() noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

  int fd_;
  bool is_stderr_;
  std::string text_{};
};

[[noreturn]] void become_command(std::vector<std::string> const& command, int out, int err) {
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  std::signal(SIGPIPE, SIG_DFL);
  std::signal(SIGXFSZ, SIG_DFL);
  std::vector<char*> words;
  for (auto const& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  ::execvp(words.front(), words.data());
  int const error = errno;
  auto const text = "stele: cannot run " + command.front() + ": " +
                    boost::system::system_category().message(error) + '\n';
  (void)!::write(STDERR_FILENO, text.data(), text.size());
  ::_exit(error == ENOENT ? 127 : 126);  // As a shell has it.
}

int exit_code_of(int status) noexcept {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

std::optional<int> ended(pid_t child, int flags) noexcept {
  int status = 0;
  pid_t result = 0;
  do {
    result = ::waitpid(child, &status, flags);
  } while (result < 0 && errno == EINTR);
  if (result != child) return std::nullopt;
  return exit_code_of(status);
}

}  // namespace

Result<int> run_child(std::vector<std::string> const& command,
                      std::function<void(ChildLine const&)> const& on_line) {
  int out[2];
  int err[2];
  if (::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0) {
    return system_failure("cannot make a pipe", errno);
  }
  pid_t const child = ::fork();
  if (child < 0) return system_failure("cannot start a process", errno);
  if (child == 0) become_command(command, out[1], err[1]);
  ::close(out[1]);
  ::close(err[1]);
  handle_signals(child);
  std::array<Stream, 2> streams{Stream{out[0], false}, Stream{err[0], true}};

  std::optional<int> exit_code;
  while (streams[0].is_open() || streams[1].is_open()) {
    std::array<pollfd, 2> watched{pollfd{streams[0].fd(), POLLIN, 0},
                                  pollfd{streams[1].fd(), POLLIN, 0}};
    ::poll(watched.data(), watched.size(), look_after_child_ms);
    bool something = false;
    for (auto& stream : streams) {
      if (stream.is_open()) something = stream.read(child, on_line) || something;
    }
    if (something) continue;
    if (exit_code) {
      for (auto& stream : streams) {
        if (stream.is_open()) stream.finish(child, on_line);
      }
    } else {
      exit_code = ended(child, WNOHANG);
    }
  }
  return exit_code ? *exit_code : ended(child, 0).value_or(exit_failed);
}

}  // namespace stele::cli
