#include "client-lib/logger/log_pipeline.hpp"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <map>
#include <utility>

#include "client-lib/logger/chunk_memory.hpp"
#include "client-lib/process/fork_generation.hpp"
#include "client-lib/process/quiet_thread.hpp"
#include "stele/client.hpp"

namespace stele::client {
namespace {

using namespace std::chrono_literals;

// Of a thread that may log no more than a line.
constexpr std::size_t first_chunk_bytes = std::size_t{4} << 10;

// A program that logs a little has no use of a huge page.
constexpr std::size_t single_chunks_max = 4;

/// Threads have one after the other.
std::size_t shard_of_this_thread() noexcept {
  static std::atomic<std::size_t> threads{0};
  thread_local std::size_t const number = threads.fetch_add(1, std::memory_order_relaxed);
  return number;
}

// How long destructors wait for a daemon that nobody has started, or that may be starting again.
constexpr auto absent_longest = 250ms;
constexpr auto restart_longest = 1'000ms;
constexpr auto quick_exit_longest = 5'000ms;

Failure not_on_disk(std::uint64_t entry_count, std::optional<Failure> const& trouble) {
  return {ClientError::timed_out,
          std::to_string(entry_count) + " entries are not known to be on disk" +
              (trouble ? "; the last trouble was: " + trouble->message : std::string{})};
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
    if (found == nullptr) std::at_quick_exit(&LogPipeline::drain_all);
    if (current.compare_exchange_strong(found, made.get())) return *made.release();
  }
  return *found;
}

}  // namespace

/// As far as a destructor would wait: there are none in a program that ends so.
void LogPipeline::drain_all() {
  auto& all = registry();
  std::vector<std::shared_ptr<LogPipeline>> pipelines;
  {
    std::lock_guard const lock{all.mutex};
    for (auto const& [settings, pipeline] : all.pipelines) pipelines.push_back(pipeline);
  }
  Deadline const deadline = quick_exit_longest;
  for (auto const& pipeline : pipelines) pipeline->drain(deadline);
}

void LogPipeline::drain(Deadline const& deadline) {
  Lock lock{mutex_};
  hurry();
  wait_until(progress_, lock, deadline, [&] {
    return stops_ || is_away_ || std::ranges::all_of(loggers_, [](auto const& kept) {
             return kept.second->accepted() == kept.second->settled();
           });
  });
}

std::shared_ptr<LogPipeline> LogPipeline::join(Settings const& settings) {
  auto& all = registry();
  std::lock_guard const lock{all.mutex};
  auto& pipeline = all.pipelines[settings];
  if (!pipeline) pipeline = std::make_shared<LogPipeline>(settings);
  ++pipeline->users_;
  return pipeline;
}

std::atomic<std::int64_t> LogPipeline::waited_in_vain_ms_{0};

std::uint64_t LoggerState::accepted() const noexcept {
  std::uint64_t sum = 0;
  for (auto const& shard : shards) sum += shard.accepted.load(std::memory_order_relaxed);
  return sum;
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

/// Fails only if the entry is not taken.
Result<void> LogPipeline::append(LoggerState& logger, Record const& record,
                                 BufferedLoggerOptions const& options, Deadline const& deadline) {
  auto& shard = logger.shards[shard_of_this_thread() % logger.shards.size()];
  {
    std::lock_guard const lock{shard.mutex};
    if (!logger.closing && shard.append(record, RecordChunk::bytes_of(record))) return {};
  }
  return append_slowly(shard, record, options, deadline);
}

/// The first record since the thread has taken all, or one that needs a new chunk.
Result<void> LogPipeline::append_slowly(RecordShard& shard, Record const& record,
                                        BufferedLoggerOptions const& options,
                                        Deadline const& deadline) {
  auto& logger = *shard.logger;
  auto const bytes = RecordChunk::bytes_of(record);
  if (bytes > settings_.buffer_bytes) {
    return refuse(logger,
                  {Error::entry_too_large, "the entry is larger than the logger's buffer_bytes"});
  }
  bool const waits_once = options.when_full == WhenFull::wait;
  auto const until = waits_once ? earlier(deadline, options.full_timeout) : deadline;
  for (;;) {
    {
      std::lock_guard const shard_lock{shard.mutex};
      if (logger.closing) {
        return refuse(logger, {ClientError::connection_lost, "the logger is closed"});
      }
      if (shard.append(record, bytes)) return {};
      if (add_chunk(shard, bytes)) {
        shard.append(record, bytes);
        return {};
      }
    }
    Lock lock{mutex_};
    if (auto why = wait_for_capacity(lock, logger, bytes, options.when_full, until)) {
      return drop(logger, std::move(*why));
    }
  }
}

/// For this many bytes at least; called with the shard's lock. False: there is no capacity.
bool LogPipeline::add_chunk(RecordShard& shard, std::size_t bytes) {
  shard.chunks.reserve(shard.chunks.size() + 1);
  std::optional<RecordChunk> chunk;
  std::size_t capacity = 0;
  {
    Lock const lock{mutex_};
    auto const free = settings_.buffer_bytes - bytes_;
    if (bytes > free) return false;
    // One thread's free bytes are not for others: it takes no more than a small part of all.
    auto const most = shard.chunks.empty() ? first_chunk_bytes : chunk_bytes;
    auto const usual = std::min(most, settings_.buffer_bytes / 32);
    // A large record has a chunk of its own, so that little of a chunk stays free.
    capacity = bytes > usual / 8 ? bytes : std::min(usual, free);
    bytes_ += capacity;
    bytes_peak_ = std::max(bytes_peak_, bytes_);
    if (capacity == chunk_bytes) chunk = take_spare();
  }
  // Where there is no memory, nothing has happened.
  struct Reserved {
    LogPipeline& pipeline;
    std::size_t bytes;
    ~Reserved() {
      if (bytes == 0) return;
      Lock const lock{pipeline.mutex_};
      pipeline.bytes_ -= bytes;
    }
  } reserved{*this, capacity};
  if (!chunk) chunk = make_chunk(capacity);
  note_chunk(shard);
  shard.chunks.push_back(std::move(*chunk));
  reserved.bytes = 0;
  return true;
}

/// Called with the lock.
std::optional<RecordChunk> LogPipeline::take_spare() {
  if (spare_chunks_.empty()) return std::nullopt;
  std::optional chunk{std::move(spare_chunks_.back())};
  spare_chunks_.pop_back();
  return chunk;
}

/// Many at once for a burst, of which the others are spare.
RecordChunk LogPipeline::make_chunk(std::size_t capacity) {
  // Others do not wait for who makes them, nor make more.
  std::unique_lock const maker{making_chunks_, std::try_to_lock};
  if (capacity != chunk_bytes || !maker) return RecordChunk{capacity};
  {
    Lock const lock{mutex_};
    if (auto chunk = take_spare()) return std::move(*chunk);
    if (single_chunks_ < single_chunks_max) {
      ++single_chunks_;
      return RecordChunk{capacity};
    }
  }
  auto made = make_chunks(capacity);
  if (made.empty()) return RecordChunk{capacity};
  auto chunk = std::move(made.back());
  made.pop_back();
  Lock const lock{mutex_};
  std::ranges::move(made, std::back_inserter(spare_chunks_));
  return chunk;
}

/// The thread learns that a shard, whose lock is held, has something, or fills another chunk.
void LogPipeline::note_chunk(RecordShard& shard) {
  bool wakes = false;
  {
    Lock const lock{mutex_};
    if (shard.chunks.empty()) filled_.push_back(&shard);
    wakes = std::exchange(rests_, false);
    // Where a whole chunk was filled, enough has gathered.
    if (!shard.chunks.empty()) wakes = std::exchange(lingers_, false) || wakes;
  }
  if (wakes) work_.notify_one();
}

/// Nothing: there are this many free bytes, or the logger is closed.
std::optional<Failure> LogPipeline::wait_for_capacity(Lock& lock, LoggerState const& logger,
                                                      std::size_t bytes, WhenFull when_full,
                                                      Deadline const& until) {
  auto const has_capacity = [&] {
    return logger.closing || bytes_ + bytes <= settings_.buffer_bytes;
  };
  // A daemon that was there may be starting again; one that never was is not waited for.
  auto const is_hopeless = [&] { return waited_in_vain_ || (is_away_ && connections_ == 0); };
  Failure full{Error::overloaded, "the logger's buffer is full"};
  hurry();
  switch (when_full) {
    case WhenFull::refuse:
      if (has_capacity()) return std::nullopt;
      return full;
    case WhenFull::block:
      if (wait_until(progress_, lock, until, has_capacity)) return std::nullopt;
      return Failure{ClientError::timed_out, "the logger's buffer stayed full"};
    case WhenFull::wait:
      break;
  }
  auto const stored_before = stored_;
  auto const start = Clock::now();
  wait_until(progress_, lock, until, [&] { return has_capacity() || is_hopeless(); });
  if (has_capacity()) return std::nullopt;
  if (stored_ == stored_before && until.has_passed()) note_wait_in_vain(start);
  return full;
}

Result<void> LogPipeline::flush(LoggerState& logger, Deadline const& deadline, Patience patience) {
  // Each shard's are settled in their order, but not those of several.
  std::array<std::uint64_t, std::tuple_size_v<decltype(logger.shards)>> targets;
  for (std::size_t i = 0; i < targets.size(); ++i) targets[i] = logger.shards[i].accepted;
  Lock lock{mutex_};
  auto const missing = [&] {
    std::uint64_t entries = 0;
    for (std::size_t i = 0; i < targets.size(); ++i) {
      entries += targets[i] - std::min(targets[i], logger.shards[i].settled);
    }
    return entries;
  };
  auto const is_done = [&] { return stops_ || missing() == 0; };
  if (!is_done()) hurry();
  auto const stored_before = stored_;
  auto const start = Clock::now();
  if (patience == Patience::full) {
    wait_until(progress_, lock, deadline, is_done);
  } else {
    wait_until(progress_, lock, deadline, [&] { return is_done() || is_away_ || waited_in_vain_; });
    bool const in_vain = !is_done() && stored_ == stored_before && deadline.has_passed();
    if (in_vain) note_wait_in_vain(start);
  }
  if (missing() > 0) return not_on_disk(missing(), trouble_);
  if (logger.refused == logger.refused_flushed) return {};
  logger.refused_flushed = logger.refused;
  return *logger.refusal;
}

void LogPipeline::note_wait_in_vain(Clock::time_point start) {
  waited_in_vain_ = true;
  progress_.notify_all();
  waited_in_vain_ms_ +=
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count();
}

/// When this returns, the logger takes no more entries.
void LogPipeline::end_appends(LoggerState& logger) {
  logger.closing = true;
  for (auto& shard : logger.shards) std::lock_guard const lock{shard.mutex};
}

void LogPipeline::begin_close() {
  ++closers_;
  rests_ = lingers_ = false;
  work_.notify_one();
  progress_.notify_all();
}

/// Somebody waits for what would gather for a moment.
void LogPipeline::hurry() {
  if (std::exchange(lingers_, false)) work_.notify_one();
}

bool LogPipeline::is_done(LoggerState const& logger) const noexcept {
  return stops_ || (logger.settled() == logger.accepted() && unreported_ + drops_ == 0);
}

Result<void> LogPipeline::close(LoggerState& logger, Deadline const& deadline) {
  end_appends(logger);
  Lock lock{mutex_};
  begin_close();
  wait_until(progress_, lock, deadline, [&] { return is_done(logger); });
  --closers_;
  return leave(lock, logger);
}

Result<void> LogPipeline::close_at_last(LoggerState& logger, std::chrono::milliseconds at_most) {
  if (at_most == no_limit) return close(logger, {});
  auto const start = Clock::now();
  std::chrono::milliseconds const in_vain{waited_in_vain_ms_.load()};
  auto const until = Deadline{std::max(std::max(at_most, 0ms) - in_vain, 0ms)};
  end_appends(logger);
  Lock lock{mutex_};
  begin_close();
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
  auto const count = logger.accepted() - logger.settled();
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
    auto const count = logger->accepted() - logger->settled();
    if (key == &last || count == 0) continue;
    logger->given_up += count;
    loss_line_.add(count, not_on_disk(count, trouble_));
  }
}

BufferedLoggerStatus LogPipeline::status(LoggerState const& logger) const {
  Lock const lock{mutex_};
  return {.accepted = logger.accepted(),
          .stored = logger.stored,
          .refused = logger.dropped + logger.refused + logger.given_up,
          .waiting = logger.accepted() - logger.settled(),
          .buffer_bytes = bytes_,
          .buffer_bytes_peak = bytes_peak_,
          .connections = connections_,
          .repeated_batches = repeated_,
          .maybe_duplicated = maybe_duplicated_,
          .trouble = trouble_};
}

}  // namespace stele::client
