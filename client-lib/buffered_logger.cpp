// The threads around a LogBuffer and a BatchSender: loggers append, one thread sends.
#include "stele/buffered_logger.hpp"

#include <atomic>
#include <condition_variable>
#include <iostream>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "client-lib/backoff.hpp"
#include "client-lib/batch_sender.hpp"
#include "client-lib/connection.hpp"
#include "client-lib/quiet_thread.hpp"
#include "protocol/limits.hpp"
#include "protocol/request.hpp"
#include "stele/client.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using Clock = Deadline::Clock;

// How long the thread may be deaf to close() while the daemon takes its time.
constexpr auto exchange_longest = 100ms;
constexpr auto connect_longest = 1'000ms;

// A flood of refusals becomes a record a second in the log, not one a batch.
constexpr auto report_interval = 1'000ms;

std::uint64_t now_us() {
  using namespace std::chrono;
  auto const since_epoch = system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(duration_cast<microseconds>(since_epoch).count());
}

void tell_loss(LossObserver const& observer, std::uint64_t entry_count, Failure const& why) {
  if (observer) return observer(entry_count, why);
  std::cerr << "stele: " + std::to_string(entry_count) +
                   " log entries are not stored: " + why.message + "\n";
}

Failure not_on_disk(std::uint64_t entry_count, std::optional<Failure> const& trouble) {
  return {ClientError::timed_out,
          std::to_string(entry_count) + " entries are not known to be on disk" +
              (trouble ? "; the last trouble was: " + trouble->message : std::string{})};
}

template <class Condition>
bool wait_until(std::condition_variable& changed, std::unique_lock<std::mutex>& lock,
                Deadline const& deadline, Condition condition) {
  if (deadline.is_set()) return changed.wait_until(lock, deadline.when(), condition);
  changed.wait(lock, condition);
  return true;
}

}  // namespace

class BufferedLogger::Impl {
 public:
  explicit Impl(BufferedLoggerOptions options);

  Result<void> log(LogEntry entry, Deadline const& deadline);
  Result<void> flush(Deadline const& deadline);
  Result<void> close(Deadline const& deadline);
  BufferedLoggerStatus status() const;
  std::chrono::milliseconds close_timeout() const noexcept { return options_.close_timeout; }

 private:
  using Lock = std::unique_lock<std::mutex>;
  using Step = client::BatchSender::Step;

  // Loggers.
  Result<void> append(std::string_view text, Deadline const& deadline);
  Failure refuse(Failure why);
  Result<void> give_up(Lock& lock);

  // The thread.
  void run();
  bool has_work() const;
  bool reports_are_due() const;
  Step advance();
  void tell_progress(Lock& lock);
  void exchange(Lock& lock);
  void rest(Lock& lock);
  void pause(Lock& lock);
  void connect(Lock& lock);

  BufferedLoggerOptions const options_;
  std::atomic<std::size_t> entry_bytes_max_ = protocol::entry_bytes_default;

  mutable std::mutex mutex_{};          // For all below.
  std::condition_variable work_{};      ///< For the thread: there are entries, or it shall stop.
  std::condition_variable progress_{};  ///< For the others: entries were settled, or it is closed.
  client::LogBuffer buffer_;
  client::BatchSender sender_;
  client::Backoff backoff_{};
  std::minstd_rand random_{std::random_device{}()};
  Clock::time_point next_report_{};
  std::uint64_t stored_told_ = 0;
  std::uint64_t refused_told_ = 0;  ///< Of those that the daemon refused.
  std::uint64_t refused_flushed_ = 0;
  std::uint64_t given_up_ = 0;
  std::uint64_t connections_ = 0;
  bool rests_ = false;    ///< The thread waits for work_.
  bool closing_ = false;  ///< No more entries.
  bool stops_ = false;
  bool ended_ = false;

  std::optional<client::Connection> connection_{};  ///< The thread's own.
  std::thread thread_;
};

BufferedLogger::Impl::Impl(BufferedLoggerOptions options)
    : options_(std::move(options)),
      buffer_({.bytes_max = options_.buffer_bytes, .batch_bytes_max = options_.batch_bytes}),
      sender_(options_.name, random_writer),
      thread_(client::start_quiet_thread([this] { run(); })) {}

Result<void> BufferedLogger::Impl::log(LogEntry entry, Deadline const& deadline) {
  if (!entry.timestamp) entry.timestamp = now_us();
  auto valid = protocol::validate_entry(entry, {.entry_bytes_max = entry_bytes_max_});
  if (!valid) {
    Lock const lock{mutex_};
    return refuse(valid.error());
  }
  // Made outside of the lock, so that threads do it at the same time.
  std::string text;
  text.reserve(entry.message.size() + entry.metadata.size() + 128);
  protocol::append_entry(text, entry);
  return append(text, deadline);
}

Result<void> BufferedLogger::Impl::append(std::string_view text, Deadline const& deadline) {
  Lock lock{mutex_};
  if (!buffer_.could_have_room(text.size())) {
    return refuse({Error::entry_too_large, "the entry is larger than the logger's buffer_bytes"});
  }
  auto const has_room = [&] { return closing_ || buffer_.has_room(text.size()); };
  if (!has_room()) {
    if (options_.when_full == WhenFull::refuse) {
      return refuse({Error::overloaded, "the logger's buffer is full"});
    }
    if (!wait_until(progress_, lock, deadline, has_room)) {
      return refuse({ClientError::timed_out, "the logger's buffer stayed full"});
    }
  }
  if (closing_) return refuse({ClientError::connection_lost, "the logger is closed"});
  buffer_.append(text);
  if (rests_) work_.notify_one();
  return {};
}

Failure BufferedLogger::Impl::refuse(Failure why) {
  buffer_.drop();
  return why;
}

Result<void> BufferedLogger::Impl::flush(Deadline const& deadline) {
  Lock lock{mutex_};
  auto const target = buffer_.accepted();
  wait_until(progress_, lock, deadline, [&] { return stops_ || buffer_.settled() >= target; });
  if (buffer_.settled() < target) return not_on_disk(target - buffer_.settled(), sender_.trouble());
  if (buffer_.refused() == refused_flushed_) return {};
  refused_flushed_ = buffer_.refused();
  return *sender_.refusal();
}

Result<void> BufferedLogger::Impl::close(Deadline const& deadline) {
  Lock lock{mutex_};
  closing_ = true;
  work_.notify_one();
  progress_.notify_all();
  wait_until(progress_, lock, deadline, [&] {
    return stops_ || (buffer_.settled() == buffer_.accepted() && buffer_.unreported() == 0);
  });
  stops_ = true;
  work_.notify_one();
  progress_.notify_all();
  if (auto ended = std::exchange(thread_, {}); ended.joinable()) {
    lock.unlock();
    ended.join();
    lock.lock();
    ended_ = true;
    progress_.notify_all();
  }
  progress_.wait(lock, [&] { return ended_; });  // Another thread may have been the first.
  return give_up(lock);
}

/// What is in the buffer will not be stored any more.
Result<void> BufferedLogger::Impl::give_up(Lock& lock) {
  auto const count = buffer_.accepted() - buffer_.settled() - given_up_;
  if (count == 0) return {};
  given_up_ += count;
  auto why = not_on_disk(count, sender_.trouble());
  lock.unlock();
  tell_loss(options_.on_loss, count, why);
  return why;
}

BufferedLoggerStatus BufferedLogger::Impl::status() const {
  Lock const lock{mutex_};
  return {.accepted = buffer_.accepted(),
          .stored = buffer_.stored(),
          .refused = buffer_.dropped() + given_up_,
          .waiting = buffer_.accepted() - buffer_.settled() - given_up_,
          .buffer_bytes = buffer_.bytes(),
          .buffer_bytes_peak = buffer_.bytes_peak(),
          .connections = connections_,
          .repeated_batches = sender_.repeated(),
          .unsure = sender_.unsure(),
          .trouble = sender_.trouble()};
}

void BufferedLogger::Impl::run() {
  Lock lock{mutex_};
  while (!stops_) {
    auto const step = advance();
    tell_progress(lock);
    switch (step) {
      case Step::exchange:
        exchange(lock);
        break;
      case Step::idle:
        rest(lock);
        break;
      case Step::pause:
        pause(lock);
        break;
      case Step::reconnect:
        connect(lock);
        break;
    }
  }
}

bool BufferedLogger::Impl::has_work() const {
  return !buffer_.empty() || (buffer_.unreported() > 0 && reports_are_due());
}

bool BufferedLogger::Impl::reports_are_due() const {
  return closing_ || Clock::now() >= next_report_;
}

BufferedLogger::Impl::Step BufferedLogger::Impl::advance() {
  if (!connection_) return has_work() ? Step::reconnect : Step::idle;
  auto const unreported = buffer_.unreported();
  auto const step = sender_.advance(connection_->state, buffer_, reports_are_due());
  if (buffer_.unreported() < unreported) next_report_ = Clock::now() + report_interval;
  if (step == Step::reconnect) connection_.reset();
  entry_bytes_max_ = sender_.entry_bytes_max();
  return step;
}

void BufferedLogger::Impl::tell_progress(Lock& lock) {
  if (buffer_.stored() > stored_told_) backoff_.reset();
  stored_told_ = buffer_.stored();
  progress_.notify_all();
  auto const lost = buffer_.refused() - refused_told_;
  if (lost == 0) return;
  refused_told_ += lost;
  auto const why = *sender_.refusal();
  lock.unlock();
  tell_loss(options_.on_loss, lost, why);
  lock.lock();
}

void BufferedLogger::Impl::exchange(Lock& lock) {
  lock.unlock();
  auto moved = connection_->move_bytes(exchange_longest);
  if (!moved && moved.error().code != ClientError::timed_out) {
    connection_->state.close(moved.error());
  }
  lock.lock();
}

void BufferedLogger::Impl::rest(Lock& lock) {
  rests_ = true;
  auto const wakes = [&] { return stops_ || has_work(); };
  wait_until(work_, lock, buffer_.unreported() > 0 ? Deadline{next_report_} : Deadline{}, wakes);
  rests_ = false;
}

void BufferedLogger::Impl::pause(Lock& lock) {
  auto const length = backoff_.next(static_cast<std::uint32_t>(random_()));
  work_.wait_for(lock, length, [&] { return stops_; });
}

void BufferedLogger::Impl::connect(Lock& lock) {
  pause(lock);
  if (stops_) return;
  auto const path = options_.socket_path.empty() ? default_socket_path() : options_.socket_path;
  lock.unlock();
  auto stream = client::UnixStream::connect(path, connect_longest);
  lock.lock();
  if (!stream) return sender_.cannot_begin(stream.error());
  connection_.emplace(std::move(*stream));
  sender_.begin(connection_->state);
  ++connections_;
}

BufferedLogger::BufferedLogger(BufferedLoggerOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}

BufferedLogger::~BufferedLogger() { (void)close(impl_->close_timeout()); }

Result<void> BufferedLogger::log(LogEntry entry, Deadline const& deadline) {
  return impl_->log(std::move(entry), deadline);
}

Result<void> BufferedLogger::flush(Deadline const& deadline) { return impl_->flush(deadline); }

Result<void> BufferedLogger::close(Deadline const& deadline) { return impl_->close(deadline); }

BufferedLoggerStatus BufferedLogger::status() const { return impl_->status(); }

}  // namespace stele
