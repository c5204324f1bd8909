#include "client-lib/cli/terminal/pager.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>

#include "client-lib/cli/terminal/interruption.hpp"

namespace stele::cli {
namespace {

// What cannot be run has read nothing: the text goes to the terminal as it is.
constexpr char const* run_or_show =
    "eval \"$STELE_CHOSEN_PAGER\"; s=$?; case $s in 126|127) echo "
    "\"stele: the pager '$STELE_CHOSEN_PAGER' cannot be run\" >&2; exec cat;; esac; exit $s";
constexpr char const* first_found = "command -v less >/dev/null && exec less; exec more";

// Quit if it fits the screen, keep colours, long lines and the screen; as systemd has it.
constexpr std::string_view less_options = "FRSXMK";

char const* chosen_pager() noexcept {
  if (auto const* own = std::getenv("STELE_PAGER")) return own;
  if (auto const* general = std::getenv("PAGER")) return general;
  return first_found;
}

[[noreturn]] void become_pager(int input, bool at_end) {
  ::dup2(input, STDIN_FILENO);
  ::close(input);
  std::signal(SIGPIPE, SIG_DFL);
  std::signal(SIGXFSZ, SIG_DFL);
  if (std::getenv("LESS") == nullptr || at_end) {
    auto const* given = std::getenv("LESS");
    std::string options{given == nullptr ? less_options : given};
    if (at_end) options += " +G";
    ::setenv("LESS", options.c_str(), 1);
  }
  ::setenv("STELE_CHOSEN_PAGER", chosen_pager(), 1);
  ::execl("/bin/sh", "sh", "-c", run_or_show, static_cast<char*>(nullptr));
  ::_exit(127);
}

}  // namespace

bool pager_is_refused() noexcept {
  std::string_view const pager = chosen_pager();
  auto const* const terminal = std::getenv("TERM");
  return pager.empty() || pager == "cat" || terminal == nullptr ||
         std::string_view{terminal} == "dumb";
}

void Pager::start(bool at_end) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) return;
  pid_ = ::fork();
  if (pid_ == 0) become_pager(ends[0], at_end);
  ::close(ends[0]);
  if (pid_ > 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    watch_for_interrupt();
  }
  ::close(ends[1]);
}

void Pager::finish() noexcept {
  if (pid_ <= 0) return;
  std::signal(SIGINT, SIG_IGN);  // From here on it is meant for the pager.
  ::close(STDOUT_FILENO);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
  pid_ = -1;
}

}  // namespace stele::cli
