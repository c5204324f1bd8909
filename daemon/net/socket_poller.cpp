#include "daemon/net/socket_poller.hpp"

#include <sys/epoll.h>

#include <array>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>
#include <cerrno>
#include <utility>

namespace stele::daemon {
namespace {

/// Sockets that one round hears of; the rest come in the next.
constexpr int events_max = 256;
/// Work of one round, in visits; the turn that crosses the limit is the last.
constexpr std::size_t round_visits_max = 10'000;
/// What a turn costs in which nothing is done.
constexpr std::size_t turn_visits_min = 30;

int open_epoll() {
  int const descriptor = ::epoll_create1(EPOLL_CLOEXEC);
  if (descriptor >= 0) return descriptor;
  throw boost::system::system_error(errno, boost::system::system_category(), "epoll_create1");
}

epoll_event event_of(SocketOwner& owner, SocketPoller::Interest interest) noexcept {
  epoll_event event{};
  // A hang-up is reported whatever is asked for. Nobody would do anything about it while neither is
  // wanted, so then it is reported once, not always.
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
                      serve_round();
                      wait();
                    });
}

void SocketPoller::serve_round() {
  std::array<epoll_event, events_max> events;
  int const count = ::epoll_wait(epoll_.native_handle(), events.data(), events_max, 0);
  std::size_t visits = 0;
  for (int i = 0; i < count; ++i) {
    auto& owner = *static_cast<SocketOwner*>(events[static_cast<std::size_t>(i)].data.ptr);
    owner.is_ready_ = true;
    if (turns_.empty() && visits < round_visits_max) {
      visits += serve(owner);
    } else {
      turns_.push(owner);
    }
  }
  while (!turns_.empty() && visits < round_visits_max) {
    visits += serve(static_cast<SocketOwner&>(turns_.pop()));
  }
  if (!turns_.empty()) post_round();
}

std::size_t SocketPoller::serve(SocketOwner& owner) {
  auto const visits = turn_visits_min + owner.take_turn(std::exchange(owner.is_ready_, false));
  turns_.pay(owner, visits);
  return visits;
}

void SocketPoller::await_turn(SocketOwner& owner) {
  turns_.push(owner);
  post_round();
}

void SocketPoller::post_round() {
  if (std::exchange(round_is_posted_, true)) return;
  boost::asio::post(io_, [this] {
    round_is_posted_ = false;
    serve_round();
  });
}

}  // namespace stele::daemon
