#include "client-lib/cli/terminal/streams.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <utility>

#include "client-lib/cli/terminal/interruption.hpp"
#include "client-lib/cli/terminal/report.hpp"
#include "client-lib/cli/times/civil_time.hpp"

namespace stele::cli {
namespace {

constexpr int idle_after_ms = 500;
constexpr std::size_t output_bytes = std::size_t{256} << 10;

std::string system_text(int error) { return boost::system::system_category().message(error); }

Failure input_failure(std::string const& what, int error) {
  return {{error, boost::system::system_category()}, what + ": " + system_text(error)};
}

}  // namespace

Result<InputFile> InputFile::open(std::string const& path) {
  if (path == "-") return InputFile{STDIN_FILENO, "standard input"};
  int const fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return input_failure("cannot open " + path, errno);
  return InputFile{fd, path};
}

InputFile::InputFile(InputFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      name_(std::move(other.name_)),
      idle_(std::move(other.idle_)) {}

InputFile::~InputFile() {
  if (fd_ > STDIN_FILENO) ::close(fd_);
}

// False: a signal came, or nobody waits any more.
bool InputFile::wait() const {
  for (;;) {
    pollfd watched{fd_, POLLIN, 0};
    auto const ready = ::poll(&watched, 1, idle_after_ms);
    if (interrupted()) return false;
    if (ready > 0 || (ready < 0 && errno != EINTR)) return true;
    if (ready == 0 && !idle_()) return false;
  }
}

Result<std::optional<std::size_t>> InputFile::read_some(std::span<char> buffer) {
  if (idle_ && !wait()) return std::optional<std::size_t>{};
  auto const n = ::read(fd_, buffer.data(), buffer.size());
  if (n >= 0) return std::optional<std::size_t>{static_cast<std::size_t>(n)};
  if (errno == EINTR) return std::optional<std::size_t>{};
  return input_failure("cannot read " + name_, errno);
}

bool InputFile::is_named() const noexcept { return fd_ != STDIN_FILENO; }

bool InputFile::is_named_file() const noexcept { return is_named() && size().has_value(); }

std::optional<std::uint64_t> InputFile::size() const noexcept {
  struct stat status {};
  if (::fstat(fd_, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return static_cast<std::uint64_t>(status.st_size);
}

std::optional<std::uint64_t> InputFile::modified_us() const noexcept {
  struct stat status {};
  if (::fstat(fd_, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  auto const& time = status.st_mtim;
  if (time.tv_sec < 0) return 0;
  return static_cast<std::uint64_t>(time.tv_sec) * second_us +
         static_cast<std::uint64_t>(time.tv_nsec) / 1'000;
}

void Output::flush_if_large() {
  if (text_.size() >= output_bytes) flush();
}

void Output::flush() {
  std::string_view left = text_;
  while (!left.empty() && ok()) {
    auto const n = ::write(STDOUT_FILENO, left.data(), left.size());
    if (n >= 0) {
      left.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno != EINTR) {
      error_ = errno;
    }
  }
  text_.clear();
}

int Output::finish() {
  flush();
  if (ok() || error_ == EPIPE) return exit_ok;
  print_error("cannot write to standard output: " + system_text(error_));
  return exit_failed;
}

bool is_terminal(int fd) noexcept { return ::isatty(fd) == 1; }

}  // namespace stele::cli
