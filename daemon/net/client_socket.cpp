#include "daemon/net/client_socket.hpp"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/assert.hpp>
#include <cerrno>
#include <utility>

namespace stele::daemon {
namespace {

boost::system::result<std::size_t> outcome(ssize_t bytes) noexcept {
  if (bytes >= 0) return static_cast<std::size_t>(bytes);
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
    return make_error_code(boost::system::errc::operation_would_block);
  }
  return boost::system::error_code(errno, boost::system::system_category());
}

}  // namespace

ClientSocket::ClientSocket(ClientSocket&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

boost::system::result<std::size_t> ClientSocket::receive(std::span<char> into) const noexcept {
  BOOST_ASSERT(!into.empty());
  return outcome(::recv(descriptor_, into.data(), into.size(), MSG_DONTWAIT));
}

boost::system::result<std::size_t> ClientSocket::send(
    std::span<std::string_view const> parts) const noexcept {
  // One part needs no vector, and the kernel takes it sooner.
  if (parts.size() == 1) {
    auto const part = parts.front();
    return outcome(::send(descriptor_, part.data(), part.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
  }
  BOOST_ASSERT(parts.size() <= ReplyBatch::parts_max);
  std::array<iovec, ReplyBatch::parts_max> vectors;
  std::transform(parts.begin(), parts.end(), vectors.begin(), [](std::string_view part) {
    return iovec{const_cast<char*>(part.data()), part.size()};
  });
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = parts.size();
  return outcome(::sendmsg(descriptor_, &message, MSG_DONTWAIT | MSG_NOSIGNAL));
}

void ClientSocket::shutdown_send() const noexcept { ::shutdown(descriptor_, SHUT_WR); }

void ClientSocket::close() noexcept {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

}  // namespace stele::daemon
