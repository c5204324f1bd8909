#include "client-lib/log_pipeline.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "client-lib/fork_generation.hpp"
#include "client-lib/quiet_thread.hpp"
#include "stele/client.hpp"

namespace stele::client {
namespace {

using namespace std::chrono_literals;

// How long the thread may be deaf to a close while the daemon takes its time.
constexpr auto exchange_longest = 100ms;
constexpr auto connect_longest = 200ms;

// A flood of refusals becomes a record a second in the log, not one a batch.
constexpr auto report_interval = 1'000ms;

// JSON text that is made while a batch is under way, between two looks at the socket.
constexpr std::size_t turn_bytes = std::size_t{64} << 10;

// How long destructors wait for a daemon that nobody has started, or that may be starting again.
constexpr auto absent_longest = 250ms;
constexpr auto restart_longest = 1'000ms;

// What loggers of this process have waited in vain, since something was stored last; calls that
// wait without limit are not among them.
std::atomic<std::int64_t> waited_in_vain_ms{0};

Failure not_on_disk(std::uint64_t entry_count, std::optional<Failure> const& trouble) {
  return {ClientError::timed_out,
          std::to_string(entry_count) + " entries are not known to be on disk" +
              (trouble ? "; the last trouble was: " + trouble->message : std::string{})};
}

template <class Condition>
bool wait_until(std::condition_variable& changed, std::unique_lock<std::mutex>& lock,
                Deadline const& deadline, Condition condition) {
  if (deadline.has_passed()) return condition();
  if (deadline.is_set()) return changed.wait_until(lock, deadline.when(), condition);
  changed.wait(lock, condition);
  return true;
}

/// The pipelines of one process. A child makes a registry of its own, and never touches the one of
/// its parent, whose lock may be held for ever.
struct Registry {
  HomeProcess home{};
  Registry* parent = nullptr;
  std::mutex mutex{};
  std::map<LogPipeline::Settings, std::shared_ptr<LogPipeline>> pipelines{};
};

/// Is not destroyed: loggers with static storage may live longer than any object here.
Registry& registry() {
  static std::atomic<Registry*> current{nullptr};
  auto* found = current.load();
  while (found == nullptr || !found->home.is_here()) {
    auto made = std::make_unique<Registry>();
    made->parent = found;
    if (current.compare_exchange_strong(found, made.get())) return *made.release();
  }
  return *found;
}

}  // namespace

std::shared_ptr<LogPipeline> LogPipeline::join(Settings const& settings) {
  auto& all = registry();
  std::lock_guard const lock{all.mutex};
  auto& pipeline = all.pipelines[settings];
  if (!pipeline) pipeline = std::make_shared<LogPipeline>(settings);
  ++pipeline->users_;
  return pipeline;
}

LogPipeline::LogPipeline(Settings settings)
    : settings_(std::move(settings)),
      buffer_({.batch_bytes_max = settings_.batch_bytes}),
      sender_(settings_.name, random_writer),
      thread_(start_quiet_thread([this] { run(); })) {}

void LogPipeline::add(std::shared_ptr<LoggerState> logger) {
  Lock const lock{mutex_};
  auto* const key = logger.get();
  loggers_.emplace(key, std::move(logger));
}

Failure LogPipeline::drop(LoggerState& logger, Failure why) {
  ++logger.dropped;
  ++drops_;
  if (std::exchange(rests_, false)) work_.notify_one();
  return why;
}

Failure LogPipeline::refuse(LoggerState& logger, Failure why) {
  Lock const lock{mutex_};
  return drop(logger, std::move(why));
}

Result<void> LogPipeline::append(LoggerState& logger, Record record,
                                 BufferedLoggerOptions const& options, Deadline const& deadline) {
  record.owner = &logger;
  auto const bytes = RecordQueue::bytes_of(record);
  Lock lock{mutex_};
  if (bytes > settings_.buffer_bytes) {
    return drop(logger,
                {Error::entry_too_large, "the entry is larger than the logger's buffer_bytes"});
  }
  if (bytes_ + bytes > settings_.buffer_bytes) {
    if (auto why = wait_for_capacity(lock, logger, bytes, options, deadline)) {
      return drop(logger, std::move(*why));
    }
  }
  if (logger.closing) {
    return drop(logger, {ClientError::connection_lost, "the logger is closed"});
  }
  queue_.append(record);
  bytes_ += bytes;
  bytes_peak_ = std::max(bytes_peak_, bytes_);
  ++logger.accepted;
  bool const wakes = std::exchange(rests_, false);
  lock.unlock();
  if (wakes) work_.notify_one();
  return {};
}

/// Nothing: there are so many free bytes, or the logger is closed.
std::optional<Failure> LogPipeline::wait_for_capacity(Lock& lock, LoggerState const& logger,
                                                      std::size_t bytes,
                                                      BufferedLoggerOptions const& options,
                                                      Deadline const& deadline) {
  auto const has_capacity = [&] {
    return logger.closing || bytes_ + bytes <= settings_.buffer_bytes;
  };
  // A daemon that was there may be starting again; one that never was is not waited for.
  auto const is_hopeless = [&] { return waited_in_vain_ || (is_away_ && connections_ == 0); };
  Failure full{Error::overloaded, "the logger's buffer is full"};
  switch (options.when_full) {
    case WhenFull::refuse:
      if (has_capacity()) return std::nullopt;
      return full;
    case WhenFull::block:
      if (wait_until(progress_, lock, deadline, has_capacity)) return std::nullopt;
      return Failure{ClientError::timed_out, "the logger's buffer stayed full"};
    case WhenFull::wait:
      break;
  }
  auto const stored_before = stored_;
  auto const start = Clock::now();
  auto const until = earlier(deadline, options.full_timeout);
  wait_until(progress_, lock, until, [&] { return has_capacity() || is_hopeless(); });
  if (has_capacity()) return std::nullopt;
  if (stored_ == stored_before && until.has_passed()) note_wait_in_vain(start);
  return full;
}

Result<void> LogPipeline::flush(LoggerState& logger, Deadline const& deadline, Patience patience) {
  Lock lock{mutex_};
  auto const target = logger.accepted;
  auto const is_done = [&] { return stops_ || logger.settled() >= target; };
  auto const stored_before = stored_;
  auto const start = Clock::now();
  if (patience == Patience::full) {
    wait_until(progress_, lock, deadline, is_done);
  } else {
    wait_until(progress_, lock, deadline, [&] { return is_done() || is_away_ || waited_in_vain_; });
    bool const in_vain = !is_done() && stored_ == stored_before && deadline.has_passed();
    if (in_vain) note_wait_in_vain(start);
  }
  if (logger.settled() < target) return not_on_disk(target - logger.settled(), trouble_);
  if (logger.refused == logger.refused_flushed) return {};
  logger.refused_flushed = logger.refused;
  return *logger.refusal;
}

void LogPipeline::note_wait_in_vain(Clock::time_point start) {
  waited_in_vain_ = true;
  progress_.notify_all();
  waited_in_vain_ms +=
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count();
}

void LogPipeline::begin_close(LoggerState& logger) {
  logger.closing = true;
  ++closers_;
  rests_ = false;
  work_.notify_one();
  progress_.notify_all();
}

bool LogPipeline::is_done(LoggerState const& logger) const noexcept {
  return stops_ || (logger.settled() == logger.accepted && unreported_ + drops_ == 0);
}

Result<void> LogPipeline::close(LoggerState& logger, Deadline const& deadline) {
  Lock lock{mutex_};
  begin_close(logger);
  wait_until(progress_, lock, deadline, [&] { return is_done(logger); });
  --closers_;
  return leave(lock, logger);
}

Result<void> LogPipeline::close_at_last(LoggerState& logger, std::chrono::milliseconds at_most) {
  if (at_most == no_limit) return close(logger, {});
  auto const start = Clock::now();
  std::chrono::milliseconds const in_vain{waited_in_vain_ms.load()};
  auto const until = Deadline{std::max(std::max(at_most, 0ms) - in_vain, 0ms)};
  Lock lock{mutex_};
  begin_close(logger);
  auto const away_longest = connections_ == 0 ? absent_longest : restart_longest;
  auto const away_until = earlier(until, std::max(away_longest - in_vain, 0ms));
  for (;;) {
    bool const was_away = is_away_;
    auto const limit = was_away ? away_until : until;
    if (is_done(logger) || limit.has_passed()) break;
    wait_until(progress_, lock, limit, [&] { return is_done(logger) || is_away_ != was_away; });
  }
  --closers_;
  if (!is_done(logger)) note_wait_in_vain(start);
  return leave(lock, logger);
}

/// Whoever leaves last ends the thread. What is not stored then is given up; before, others keep
/// the pipeline at work on it.
Result<void> LogPipeline::leave(Lock& lock, LoggerState& logger) {
  if (!std::exchange(logger.left, true)) {
    ++leavers_;
    lock.unlock();
    bool is_last = false;
    {
      auto& all = registry();
      std::lock_guard const all_lock{all.mutex};
      is_last = --users_ == 0;
      if (is_last) all.pipelines.erase(settings_);
    }
    lock.lock();
    if (is_last) stop(lock, logger);
    progress_.wait(lock, [&] { return !logger.is_notified; });
    logger.ended = true;
    progress_.notify_all();
  }
  progress_.wait(lock, [&] { return logger.ended; });  // Another thread may have been the first.
  auto const count = logger.accepted - logger.settled();
  if (count == 0) {
    leavers_ -= loggers_.erase(&logger);
    return {};
  }
  auto why = not_on_disk(count, trouble_);
  if (!stops_) return why;
  logger.given_up += count;
  if (!logger.on_loss) loss_line_.add(count, why);
  auto const line = loss_line_.take();
  lock.unlock();
  print_line(line);
  if (logger.on_loss) notify_observer(logger.on_loss, count, why);
  return why;
}

void LogPipeline::stop(Lock& lock, LoggerState const& last) {
  stops_ = true;
  work_.notify_one();
  progress_.notify_all();
  lock.unlock();
  thread_.join();
  lock.lock();
  for (auto const& [key, logger] : loggers_) {
    auto const count = logger->accepted - logger->settled();
    if (key == &last || count == 0) continue;
    logger->given_up += count;
    loss_line_.add(count, not_on_disk(count, trouble_));
  }
}

BufferedLoggerStatus LogPipeline::status(LoggerState const& logger) const {
  Lock const lock{mutex_};
  return {.accepted = logger.accepted,
          .stored = logger.stored,
          .refused = logger.dropped + logger.refused + logger.given_up,
          .waiting = logger.accepted - logger.settled(),
          .buffer_bytes = bytes_,
          .buffer_bytes_peak = bytes_peak_,
          .connections = connections_,
          .repeated_batches = repeated_,
          .unsure = unsure_,
          .trouble = trouble_};
}

void LogPipeline::run() {
  Lock lock{mutex_};
  while (!stops_) {
    auto const reports = reports_are_due();
    buffer_.drop(std::exchange(drops_, 0));
    unreported_ = buffer_.unreported();
    lock.unlock();
    auto const has_more = encode_some();
    auto const step = advance(reports);
    lock.lock();
    publish(lock);
    switch (step) {
      case Step::exchange:
        exchange(lock, has_more);
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
  auto const line = loss_line_.take();
  lock.unlock();
  print_line(line);
}

/// Whether there is more to do at once. A batch is made whole before it is sent; while it is under
/// way, the next one is made bit by bit.
bool LogPipeline::encode_some() {
  bool const is_under_way = buffer_.is_sealed();
  auto const limit = settings_.batch_bytes * (is_under_way ? 2 : 1);
  std::size_t turn = 0;
  while (buffer_.text_bytes() < limit) {
    if (is_under_way && turn >= turn_bytes) return true;
    if (!chunk_ && !take_chunk()) return false;
    auto const record = chunk_->next();
    if (!record) {
      give_chunk_back();
      continue;
    }
    auto const text = encoder_.encode(*record);
    buffer_.append(text, {.owner = record->owner, .bytes = RecordQueue::bytes_of(*record)});
    turn += text.size();
  }
  return false;
}

bool LogPipeline::take_chunk() {
  Lock const lock{mutex_};
  if (queue_.empty()) return false;
  chunk_.emplace(queue_.take_oldest());
  return true;
}

void LogPipeline::give_chunk_back() {
  Lock const lock{mutex_};
  queue_.give_back(std::move(*chunk_));
  chunk_.reset();
}

bool LogPipeline::has_work() const {
  return !queue_.empty() || chunk_ || !buffer_.empty() ||
         (buffer_.unreported() + drops_ > 0 && reports_are_due());
}

bool LogPipeline::reports_are_due() const { return closers_ > 0 || Clock::now() >= next_report_; }

LogPipeline::Step LogPipeline::advance(bool reports) {
  if (!connection_) {
    bool const has_something = !buffer_.empty() || (buffer_.unreported() > 0 && reports);
    return has_something ? Step::reconnect : Step::idle;
  }
  auto const unreported = buffer_.unreported();
  auto const refused = buffer_.refused();
  auto const step = sender_.advance(connection_->state, buffer_, reports);
  if (buffer_.unreported() < unreported + (buffer_.refused() - refused)) {
    next_report_ = Clock::now() + report_interval;
  }
  if (step == Step::reconnect) connection_.reset();
  entry_bytes_max_ = sender_.entry_bytes_max();
  return step;
}

/// What the thread has done, for the others to see.
void LogPipeline::publish(Lock& lock) {
  auto const settled = buffer_.take_settled();
  settle(settled.stored, true);
  settle(settled.refused, false);
  bool const reported = unreported_ != buffer_.unreported();
  unreported_ = buffer_.unreported();
  repeated_ = sender_.repeated();
  unsure_ = sender_.unsure();
  if (trouble_ || sender_.trouble()) trouble_ = sender_.trouble();
  if (!settled.stored.empty()) {
    backoff_.reset();
    is_away_ = false;
    waited_in_vain_ = false;
    waited_in_vain_ms = 0;
  }
  // Only then: while a buffer is full, many threads may wait.
  if (reported || !settled.stored.empty() || !settled.refused.empty()) progress_.notify_all();
  notify_losses(lock, settled.refused);
}

void LogPipeline::settle(std::vector<LogBuffer::Share> const& shares, bool stored) {
  for (auto const& share : shares) {
    auto* const logger = static_cast<LoggerState*>(share.owner);
    bytes_ -= share.bytes;
    if (stored) {
      logger->stored += share.entries;
      stored_ += share.entries;
    } else {
      logger->refused += share.entries;
      logger->refusal = sender_.refusal();
    }
  }
}

/// Observers are called without the lock, and not once their logger's close has returned.
void LogPipeline::notify_losses(Lock& lock, std::vector<LogBuffer::Share> const& refused) {
  std::vector<std::pair<std::shared_ptr<LoggerState>, std::uint64_t>> observed;
  for (auto const& share : refused) {
    auto const logger = loggers_.at(static_cast<LoggerState*>(share.owner));
    if (logger->left || !logger->on_loss) {
      loss_line_.add(share.entries, *sender_.refusal());
    } else {
      logger->is_notified = true;
      observed.emplace_back(logger, share.entries);
    }
  }
  if (leavers_ > 0) {
    leavers_ -= std::erase_if(loggers_, [](auto const& kept) {
      return kept.second->left && kept.second->accepted == kept.second->settled();
    });
  }
  auto const line = loss_line_.take_if_due(Clock::now());
  if (line.empty() && observed.empty()) return;
  lock.unlock();
  print_line(line);
  for (auto const& [logger, count] : observed) {
    notify_observer(logger->on_loss, count, *sender_.refusal());
  }
  lock.lock();
  for (auto const& [logger, count] : observed) logger->is_notified = false;
  progress_.notify_all();
}

void LogPipeline::exchange(Lock& lock, bool has_more) {
  lock.unlock();
  auto moved = connection_->move_bytes(has_more ? Deadline{0ms} : Deadline{exchange_longest});
  if (!moved && moved.error().code != ClientError::timed_out) {
    connection_->state.close(moved.error());
  }
  lock.lock();
}

void LogPipeline::rest(Lock& lock) {
  Deadline until{};
  if (buffer_.unreported() + drops_ > 0) until = next_report_;
  if (auto const due = loss_line_.due()) until = earlier(until, *due);
  rests_ = true;
  wait_until(work_, lock, until, [&] { return stops_ || !rests_ || has_work(); });
  rests_ = false;
}

void LogPipeline::pause(Lock& lock) {
  auto const length = backoff_.next(static_cast<std::uint32_t>(random_()));
  work_.wait_for(lock, length, [&] { return stops_; });
}

void LogPipeline::connect(Lock& lock) {
  pause(lock);
  if (stops_) return;
  auto const path = settings_.socket_path.empty() ? default_socket_path() : settings_.socket_path;
  lock.unlock();
  auto stream = UnixStream::connect(path, connect_longest);
  lock.lock();
  is_away_ = !stream && stream.error().code == ClientError::cannot_connect;
  if (!stream) {
    sender_.cannot_begin(stream.error());
    trouble_ = stream.error();
    return progress_.notify_all();
  }
  connection_.emplace(std::move(*stream));
  sender_.begin(connection_->state);
  ++connections_;
}

}  // namespace stele::client
