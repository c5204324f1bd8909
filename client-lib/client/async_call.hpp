// One call of an AsyncClient, from its start to the one call of its handler, and what answers add
// to its value.
#pragma once

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "client-lib/connection/client_state.hpp"
#include "client-lib/wire_forms.hpp"
#include "stele/async_client.hpp"

namespace stele::client {

class AsyncCall {
 public:
  virtual ~AsyncCall() = default;
  /// An answer; with `reply.more` others follow.
  virtual void take(ClientState::Answer& answer) = 0;
  virtual void fail(Failure why) = 0;
  virtual bool is_finished() const noexcept = 0;

  bool is_write = false;
  bool is_connect = false;
  std::uint64_t follow_id = 0;  ///< 0: it is no follow.
  std::optional<boost::asio::steady_timer> deadline{};
};

/// Adds an answer to the value that the call completes with.
template <class T>
using Absorb = std::function<Result<void>(ClientState::Answer& answer, T& value)>;

// A call that completes without a value still has a place for it.
struct Nothing {};
template <class T>
using ValueOf = std::conditional_t<std::is_void_v<T>, Nothing, T>;

template <class T>
class AsyncCallFor final : public AsyncCall {
 public:
  using Handler = boost::asio::any_completion_handler<void(Result<T>)>;
  AsyncCallFor(Handler handler, boost::asio::any_io_executor const& executor,
               Absorb<ValueOf<T>> absorb)
      : handler_(std::move(handler)),
        executor_(executor),
        work_(boost::asio::get_associated_executor(handler_, executor)),
        absorb_(std::move(absorb)) {}

  boost::asio::cancellation_slot slot() const {
    return boost::asio::get_associated_cancellation_slot(handler_);
  }
  bool is_finished() const noexcept override { return !handler_; }

  void take(ClientState::Answer& answer) override {
    if (is_finished()) return;
    if (!answer.reply.ok) return fail(std::move(answer.reply.failure));
    auto absorbed = absorb_(answer, value_);
    if (!absorbed) return fail(absorbed.error());
    if (answer.reply.more) return;
    if constexpr (std::is_void_v<T>) {
      finish(Result<void>{});
    } else {
      finish(Result<T>{std::move(value_)});
    }
  }

  void fail(Failure why) override {
    if (!is_finished()) finish(Result<T>{std::move(why)});
  }

 private:
  void finish(Result<T> result) {
    deadline.reset();
    if (slot().is_connected()) slot().clear();
    auto complete = [work = std::move(work_), handler = std::move(handler_),
                     result = std::move(result)]() mutable {
      auto const executor = work.get_executor();
      boost::asio::dispatch(executor,
                            [handler = std::move(handler), result = std::move(result)]() mutable {
                              std::move(handler)(std::move(result));
                            });
    };
    boost::asio::post(executor_, std::move(complete));
  }

  Handler handler_;
  boost::asio::any_io_executor executor_;
  boost::asio::executor_work_guard<boost::asio::any_completion_executor> work_;
  Absorb<ValueOf<T>> absorb_;
  ValueOf<T> value_{};
};

inline Result<void> absorb_nothing(ClientState::Answer&, Nothing&) { return {}; }

inline Result<void> absorb_text(ClientState::Answer& answer, std::string& text) {
  text = without_envelope(answer.text, answer.reply.id);
  return {};
}

inline Result<void> absorb_range(ClientState::Answer& answer, SeqRange& range) {
  range = {.first_seq = answer.reply.first_seq, .last_seq = answer.reply.last_seq};
  return {};
}

inline Result<void> absorb_entries(ClientState::Answer& answer, ReadPage& page) {
  auto& entries = answer.reply.entries;
  page.entries.insert(page.entries.end(), std::make_move_iterator(entries.begin()),
                      std::make_move_iterator(entries.end()));
  page.cursor = std::move(answer.reply.cursor);
  return {};
}

}  // namespace stele::client
