#include "client-lib/connection/unix_stream.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

#include "client-lib/process/unique_fd.hpp"
#include "stele/client_error.hpp"

namespace stele::client {
namespace {

using namespace std::chrono_literals;

std::string system_text(int error) { return boost::system::system_category().message(error); }

Failure cannot_connect(std::string const& path, int error) {
  return {ClientError::cannot_connect, "cannot connect to " + path + ": " + system_text(error),
          "{\"errno\":" + std::to_string(error) + "}"};
}

Failure connection_lost(int error) {
  return {ClientError::connection_lost,
          "the connection to the daemon is lost: " + system_text(error),
          "{\"errno\":" + std::to_string(error) + "}"};
}

/// For SO_SNDTIMEO, where 0 is no limit.
timeval send_limit_of(Deadline const& deadline) {
  if (!deadline.is_set()) return {};
  using namespace std::chrono;
  auto const left =
      deadline.has_passed() ? 0us : ceil<microseconds>(deadline.when() - Deadline::Clock::now());
  timeval limit{};
  limit.tv_sec = left.count() / 1'000'000;
  limit.tv_usec = std::max<long>(left.count() % 1'000'000, limit.tv_sec == 0 ? 1 : 0);
  return limit;
}

}  // namespace

int poll_timeout_ms(Deadline const& deadline) {
  if (!deadline.is_set()) return -1;
  if (deadline.has_passed()) return 0;
  auto const left = deadline.when() - std::chrono::steady_clock::now();
  auto const left_ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  return static_cast<int>(std::clamp<decltype(left_ms)>(left_ms, 0, INT_MAX));
}

Failure no_answer_in_time() {
  return {ClientError::timed_out, "the daemon did not answer in time"};
}

Result<void> check_socket_path(std::string const& path) {
  if (path.find('\0') == std::string::npos) return {};
  return Failure{Error::bad_request, "the socket's path holds a NUL", R"({"path":"socket_path"})"};
}

Result<UnixStream> UnixStream::connect(std::string const& path, Deadline const& deadline) {
  // A Unix socket connects at once, or waits for a place in the listener's queue; that wait
  // follows the send timeout and ends with EAGAIN.
  auto stream = open_and_connect(path, 0, send_limit_of(deadline));
  if (!stream) return stream.error();
  if (*stream) return std::move(**stream);
  return Failure{ClientError::timed_out, "cannot connect to " + path + ": nobody accepted in time"};
}

Result<std::optional<UnixStream>> UnixStream::try_connect(std::string const& path) {
  return open_and_connect(path, SOCK_NONBLOCK, {});
}

/// Nothing: EAGAIN.
Result<std::optional<UnixStream>> UnixStream::open_and_connect(std::string const& path, int flags,
                                                               timeval const& send_limit) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return cannot_connect(path, path.empty() ? ENOENT : ENAMETOOLONG);
  }
  if (auto const valid = check_socket_path(path); !valid) return valid.error();
  std::memcpy(address.sun_path, path.data(), path.size());

  int const fd = above_standard(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
  if (fd < 0) return cannot_connect(path, errno);
  std::optional<UnixStream> stream{UnixStream{fd}};
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &send_limit, sizeof send_limit);
  int result = 0;
  do {
    result = ::connect(fd, reinterpret_cast<sockaddr const*>(&address), sizeof address);
  } while (result != 0 && errno == EINTR);
  if (result != 0 && errno != EAGAIN) return cannot_connect(path, errno);
  if (result != 0) stream.reset();
  return stream;
}

Result<void> UnixStream::wait(bool until_can_send, Deadline const& deadline) {
  pollfd watched{};
  watched.fd = fd_.get();
  watched.events = static_cast<short>(until_can_send ? POLLIN | POLLOUT : POLLIN);
  for (;;) {
    int const ready = ::poll(&watched, 1, poll_timeout_ms(deadline));
    if (ready > 0) return {};
    if (ready == 0) return no_answer_in_time();
    if (errno != EINTR) return connection_lost(errno);
  }
}

Result<std::size_t> UnixStream::send_some(std::string_view bytes) {
  for (;;) {
    auto const n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno == EAGAIN || errno == EWOULDBLOCK) return std::size_t{0};
    if (errno != EINTR) return connection_lost(errno);
  }
}

Result<std::optional<std::size_t>> UnixStream::receive_some(std::span<char> buffer) {
  for (;;) {
    auto const n = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n >= 0) return std::optional<std::size_t>{static_cast<std::size_t>(n)};
    if (errno == EAGAIN || errno == EWOULDBLOCK) return std::optional<std::size_t>{};
    if (errno != EINTR) return connection_lost(errno);
  }
}

}  // namespace stele::client
