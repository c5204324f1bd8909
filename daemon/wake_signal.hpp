// Wakes one coroutine of the event loop from another part of it.
#pragma once

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace stele::daemon {

/// A notify() with nobody waiting is remembered for the next wait(); several count as one. What
/// waits resumes in a later turn of the loop, never inside notify().
class WakeSignal {
 public:
  explicit WakeSignal(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}
  WakeSignal(WakeSignal const&) = delete;
  WakeSignal& operator=(WakeSignal const&) = delete;

  boost::asio::awaitable<void> wait() {
    return boost::asio::async_initiate<boost::asio::use_awaitable_t<> const, void()>(
        [this](auto handler) {
          waiting_ = std::move(handler);
          if (std::exchange(notified_, false)) wake();
        },
        boost::asio::use_awaitable);
  }

  void notify() {
    if (waiting_) {
      wake();
    } else {
      notified_ = true;
    }
  }

 private:
  void wake() { boost::asio::post(executor_, std::exchange(waiting_, nullptr)); }

  boost::asio::any_io_executor executor_;
  boost::asio::any_completion_handler<void()> waiting_{};
  bool notified_ = false;
};

}  // namespace stele::daemon
