// Wakes one coroutine of the event loop from another part of it.
#pragma once

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
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
          waiting_.emplace(std::move(handler));
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
  void wake() {
    boost::asio::post(executor_, [handler = *std::move(waiting_)]() mutable {
      std::move(handler)();
    });
    waiting_.reset();
  }

  boost::asio::any_io_executor executor_;
  /// Never assigned, only made and moved from: assignment of Boost 1.81's any_completion_handler
  /// calls itself without end, and so does a copy of it that post() makes.
  std::optional<boost::asio::any_completion_handler<void()>> waiting_{};
  bool notified_ = false;
};

}  // namespace stele::daemon
