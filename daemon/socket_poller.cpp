#include "daemon/socket_poller.hpp"

#include <sys/epoll.h>

#include <array>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>
#include <cerrno>
#include <utility>

namespace stele::daemon {
namespace {

/// Sockets that one turn serves; the rest come in the next.
constexpr int events_max = 256;

int open_epoll() {
  int const descriptor = ::epoll_create1(EPOLL_CLOEXEC);
  if (descriptor >= 0) return descriptor;
  throw boost::system::system_error(errno, boost::system::system_category(), "epoll_create1");
}

epoll_event event_of(SocketOwner& owner, SocketPoller::Interest interest) noexcept {
  epoll_event event{};
  // A hang-up is reported whatever is asked for. Nobody would do anything about it while neither is
  // wanted, so then it is told once, not always.
  event.events = interest == SocketPoller::Interest{} ? static_cast<std::uint32_t>(EPOLLET) : 0U;
  if (interest.read) event.events |= EPOLLIN;
  if (interest.write) event.events |= EPOLLOUT;
  event.data.ptr = &owner;
  return event;
}

}  // namespace

SocketPoller::SocketPoller(boost::asio::io_context& io) : io_(io), epoll_(io, open_epoll()) {
  wait();
}

boost::system::error_code SocketPoller::watch(int descriptor, SocketOwner& owner,
                                              Interest interest) noexcept {
  auto event = event_of(owner, interest);
  if (::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_ADD, descriptor, &event) == 0) return {};
  return {errno, boost::system::system_category()};
}

void SocketPoller::change(int descriptor, SocketOwner& owner, Interest interest) noexcept {
  auto event = event_of(owner, interest);
  ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_MOD, descriptor, &event);
}

void SocketPoller::wait() {
  epoll_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                    [this](boost::system::error_code error) {
                      if (error) return;
                      tell_ready();
                      wait();
                    });
}

void SocketPoller::tell_ready() {
  std::array<epoll_event, events_max> events;
  int const count = ::epoll_wait(epoll_.native_handle(), events.data(), events_max, 0);
  for (int i = 0; i < count; ++i) {
    static_cast<SocketOwner*>(events[static_cast<std::size_t>(i)].data.ptr)->on_ready();
  }
}

void SocketPoller::await_turn(SocketOwner& owner) {
  if (owner.is_linked()) return;
  awaiting_turn_.push_back(owner);
  if (std::exchange(turns_posted_, true)) return;
  boost::asio::post(io_, [this] {
    turns_posted_ = false;
    give_turns();
  });
}

/// Those who ask again meanwhile come in the next turn.
void SocketPoller::give_turns() {
  Owners due;
  due.swap(awaiting_turn_);
  while (!due.empty()) {
    auto& owner = due.front();
    due.pop_front();
    owner.on_turn();
  }
}

}  // namespace stele::daemon
