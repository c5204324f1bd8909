// Wakes one coroutine of the event loop from another part of it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <utility>

namespace stele::daemon {

/// A notify() with nobody waiting is remembered for the next wait(); several count as one. What
/// waits resumes in a later turn of the loop, never inside notify().
class WakeSignal {
 public:
  explicit WakeSignal(boost::asio::any_io_executor executor) : signals_(std::move(executor), 1) {}

  boost::asio::awaitable<void> wait() {
    co_await signals_.async_receive(boost::asio::as_tuple(boost::asio::use_awaitable));
  }

  void notify() { signals_.try_send(boost::system::error_code()); }

 private:
  boost::asio::experimental::channel<void(boost::system::error_code)> signals_;
};

}  // namespace stele::daemon
