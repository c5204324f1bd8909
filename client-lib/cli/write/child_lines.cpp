#include "client-lib/cli/write/child_lines.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <optional>
#include <utility>

#include "client-lib/cli/terminal/report.hpp"
#include "client-lib/process/unique_fd.hpp"
#include "stele/deadline.hpp"

namespace stele::cli {
namespace {

constexpr std::size_t pipe_bytes = 65'536;
constexpr int look_after_child_ms = 100;
/// How long what a command has left running may still print after a signal.
constexpr std::chrono::seconds last_lines_wait{2};

volatile std::sig_atomic_t running_child = 0;
volatile std::sig_atomic_t child_signal_seen = 0;
volatile std::sig_atomic_t child_signals = 0;

// A terminal sends SIGINT to the command as well: that is the kernel's doing.
extern "C" void pass_on(int number, siginfo_t* info, void* /*context*/) {
  child_signal_seen = number;
  if (child_signals < 2) child_signals = child_signals + 1;
  bool const has_it = number == SIGINT && info != nullptr && info->si_code == SI_KERNEL;
  if (running_child > 0 && !has_it) ::kill(running_child, number);
}

void handle_signals() noexcept {
  struct sigaction action {};
  action.sa_sigaction = pass_on;
  action.sa_flags = SA_SIGINFO;
  struct sigaction before {};
  ::sigaction(SIGHUP, nullptr, &before);
  bool const hangs_up = before.sa_handler != SIG_IGN;  // nohup
  for (int const number : {SIGTERM, SIGINT}) ::sigaction(number, &action, nullptr);
  if (hangs_up) ::sigaction(SIGHUP, &action, nullptr);
}

Failure system_failure(std::string const& what, int error) {
  auto const& category = boost::system::system_category();
  return {{error, category}, what + ": " + category.message(error)};
}

// A pipe whose ends are not inherited by what is executed.
struct Pipe {
  Pipe() {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) return;
    out = client::UniqueFd(ends[0]);
    in = client::UniqueFd(ends[1]);
  }
  client::UniqueFd out{};
  client::UniqueFd in{};
};

// How many bytes of `text`, of `most` at most, end behind a character. Bytes that are no UTF-8 are
// cut anywhere.
std::size_t whole_characters(std::string_view text, std::size_t most) noexcept {
  auto const is_inner = [&](std::size_t at) {
    return (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80U;
  };
  auto end = most;
  while (end > 0 && most - end < 4 && end < text.size() && is_inner(end)) --end;
  return end > 0 && most - end < 4 ? end : most;
}

// The lines of one stream.
class Stream {
 public:
  Stream(int fd, bool is_stderr, std::size_t part_bytes_max)
      : fd_(fd), is_stderr_(is_stderr), part_bytes_max_(part_bytes_max) {
    ::fcntl(fd, F_SETFL, O_NONBLOCK);
  }

  int fd() const noexcept { return is_open_ ? fd_ : -1; }
  bool is_open() const noexcept { return is_open_; }

  /// Reads what is there.
  void read(pid_t pid, std::function<void(ChildLine const&)> const& on_line) {
    std::array<char, pipe_bytes> buffer;
    auto const n = ::read(fd_, buffer.data(), buffer.size());
    if (n < 0) return;
    if (n == 0) return finish(pid, on_line);
    text_.append(buffer.data(), static_cast<std::size_t>(n));
    hand_out(pid, on_line);
  }

  /// What has come so far is the end.
  void finish(pid_t pid, std::function<void(ChildLine const&)> const& on_line) {
    if (!text_.empty() || parts_ > 0) hand_out_part(pid, on_line, text_, false);
    text_.clear();
    is_open_ = false;
  }

 private:
  void hand_out(pid_t pid, std::function<void(ChildLine const&)> const& on_line) {
    std::string_view rest = text_;
    for (;;) {
      auto const end = rest.find('\n');
      auto const line = rest.substr(0, end);
      if (line.size() > part_bytes_max_) {
        auto const part = line.substr(0, whole_characters(line, part_bytes_max_));
        hand_out_part(pid, on_line, part, true);
        rest.remove_prefix(part.size());
      } else if (end != rest.npos) {
        hand_out_part(pid, on_line, line, false);
        rest.remove_prefix(end + 1);
      } else {
        break;
      }
    }
    text_.erase(0, text_.size() - rest.size());
  }
  void hand_out_part(pid_t pid, std::function<void(ChildLine const&)> const& on_line,
                     std::string_view text, bool continues) {
    if (continues || parts_ > 0) ++parts_;
    on_line({.text = text,
             .is_stderr = is_stderr_,
             .pid = pid,
             .part = parts_,
             .continues = continues});
    if (!continues) parts_ = 0;
  }

  int fd_;
  bool is_stderr_;
  std::size_t part_bytes_max_;
  bool is_open_ = true;
  std::size_t parts_ = 0;  ///< Of the line that goes on.
  std::string text_{};
};

[[noreturn]] void become_command(std::vector<std::string> const& command, int out, int err,
                                 int failed) {
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  for (int const number : {SIGPIPE, SIGXFSZ}) std::signal(number, SIG_DFL);
  std::vector<char*> words;
  for (auto const& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  ::execvp(words.front(), words.data());
  int const error = errno;
  (void)!::write(failed, &error, sizeof error);
  ::_exit(exit_failed);
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
  running_child = 0;
  return exit_code_of(status);
}

// The error with which the command could not be executed; 0: it runs.
int execution_error(Pipe& failed) noexcept {
  failed.in.close();
  int error = 0;
  ssize_t n = 0;
  do {
    n = ::read(failed.out.get(), &error, sizeof error);
  } while (n < 0 && errno == EINTR);
  return n == static_cast<ssize_t>(sizeof error) ? error : 0;
}

ChildEnd read_streams(pid_t child, std::array<Stream, 2>& streams,
                      std::function<void(ChildLine const&)> const& on_line) {
  std::optional<int> exit_code;
  std::optional<Deadline> last_lines;
  bool is_cut = false;
  while (streams[0].is_open() || streams[1].is_open()) {
    std::array<pollfd, 2> watched{pollfd{streams[0].fd(), POLLIN, 0},
                                  pollfd{streams[1].fd(), POLLIN, 0}};
    ::poll(watched.data(), watched.size(), look_after_child_ms);
    for (auto& stream : streams) {
      if (stream.is_open()) stream.read(child, on_line);
    }
    if (!exit_code) exit_code = ended(child, WNOHANG);
    if (!exit_code || child_signals == 0) continue;
    if (!last_lines) last_lines.emplace(last_lines_wait);
    if (!last_lines->has_passed() && child_signals < 2) continue;
    for (auto& stream : streams) {
      if (!stream.is_open()) continue;
      stream.finish(child, on_line);
      is_cut = true;
    }
  }
  return {.exit_code = exit_code ? *exit_code : ended(child, 0).value_or(exit_failed),
          .output_is_cut = is_cut};
}

}  // namespace

bool child_was_signalled() noexcept { return child_signal_seen != 0; }

Result<ChildEnd> run_child(std::vector<std::string> const& command, ChildOptions const& options,
                           std::function<void(ChildLine const&)> const& on_line) {
  Pipe out;
  Pipe err;
  Pipe failed;
  if (!out.in || !err.in || !failed.in) {
    return system_failure("cannot make a pipe", errno);
  }
  handle_signals();
  pid_t const child = ::fork();
  if (child < 0) return system_failure("cannot start a process", errno);
  if (child == 0) become_command(command, out.in.get(), err.in.get(), failed.in.get());
  running_child = child;
  out.in.close();
  err.in.close();
  if (int const error = execution_error(failed); error != 0) {
    ended(child, 0);
    return system_failure("cannot run " + command.front(), error);
  }
  std::array<Stream, 2> streams{Stream{out.out.get(), false, options.part_bytes_max},
                                Stream{err.out.get(), true, options.part_bytes_max}};
  return read_streams(child, streams, on_line);
}

}  // namespace stele::cli
