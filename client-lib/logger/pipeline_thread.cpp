// What the thread of a pipeline does.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "client-lib/logger/log_pipeline.hpp"
#include "stele/client.hpp"

namespace stele::client {
namespace {

using namespace std::chrono_literals;

// How long the thread may be deaf to a close while the daemon takes its time.
constexpr auto exchange_longest = 100ms;
constexpr auto connect_longest = 200ms;

// A flood of refusals becomes a record a second in the log, not one a batch.
constexpr auto report_interval = 1'000ms;

// How long entries that come one by one gather: a busy program wakes the thread no more than once
// in this time.
constexpr auto linger_time = 1ms;

// Memory that a burst has used is kept for the next one: fresh pages cost more than all else that a
// call does. While nothing happens for so long, all but a little of it is given back.
constexpr auto spares_time = 5s;
constexpr std::size_t spare_chunks_kept = 64;

// JSON text that is made while a batch is under way, between two looks at the socket.
constexpr std::size_t turn_bytes = std::size_t{64} << 10;

// Where there are fewer processors than threads with something to do, those of the program come
// first: what they log waits in memory. Not so far behind that a flush would starve.
constexpr int niceness = 5;

void yield_to_program() noexcept {
  auto const self = static_cast<id_t>(::gettid());
  ::setpriority(PRIO_PROCESS, self, ::getpriority(PRIO_PROCESS, self) + niceness);
}

}  // namespace

void LogPipeline::run() {
  yield_to_program();
  Lock lock{mutex_};
  while (!stops_) {
    auto const reports = reports_are_due();
    buffer_.drop(std::exchange(drops_, 0));
    unreported_ = buffer_.unreported();
    lock.unlock();
    auto const has_more = encode_some();
    give_chunks_back();
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
    auto const merged = merger_.next();
    if (!merged) {
      if (!collect()) return false;
      continue;
    }
    auto const text = encoder_.encode(merged->record);
    buffer_.append(text, {.owner = merged->shard, .bytes = merged->bytes});
    turn += text.size();
  }
  return false;
}

/// Takes what shards have by now; false: nothing.
bool LogPipeline::collect() {
  {
    Lock const lock{mutex_};
    taken_.swap(filled_);
  }
  std::size_t free = 0;
  for (auto* const shard : taken_) {
    std::vector<RecordChunk> chunks;
    {
      std::lock_guard const lock{shard->mutex};
      chunks.swap(shard->chunks);
    }
    for (auto const& chunk : chunks) free += chunk.free_bytes();
    merger_.add(*shard, std::move(chunks));
  }
  taken_.clear();
  if (free > 0) {
    {
      Lock const lock{mutex_};
      bytes_ -= free;
    }
    progress_.notify_all();
  }
  return !merger_.empty();
}

/// What was read of them is JSON text by now.
void LogPipeline::give_chunks_back() {
  std::vector<RecordChunk> spent;
  while (auto chunk = merger_.take_spent()) spent.push_back(std::move(*chunk));
  if (spent.empty()) return;
  std::erase_if(spent, [](auto const& chunk) { return chunk.capacity() != chunk_bytes; });
  Lock const lock{mutex_};
  for (auto& chunk : spent) {
    chunk.clear();
    spare_chunks_.push_back(std::move(chunk));
  }
}

bool LogPipeline::has_work() const {
  return !filled_.empty() || !merger_.empty() || !buffer_.empty() ||
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
  maybe_duplicated_ = sender_.maybe_duplicated();
  if (trouble_ || sender_.trouble()) trouble_ = sender_.trouble();
  if (!settled.stored.empty()) {
    backoff_.reset();
    is_away_ = false;
    waited_in_vain_ = false;
    waited_in_vain_ms_ = 0;
  }
  // Only then: while a buffer is full, many threads may wait.
  if (reported || !settled.stored.empty() || !settled.refused.empty()) {
    lock.unlock();
    progress_.notify_all();
    lock.lock();
  }
  notify_losses(lock, settled.refused);
}

void LogPipeline::settle(std::vector<LogBuffer::Share> const& shares, bool stored) {
  for (auto const& share : shares) {
    auto* const shard = static_cast<RecordShard*>(share.owner);
    auto* const logger = shard->logger;
    bytes_ -= share.bytes;
    shard->settled += share.entries;
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
    auto const logger = loggers_.at(static_cast<RecordShard*>(share.owner)->logger);
    if (logger->left || !logger->on_loss) {
      loss_line_.add(share.entries, *sender_.refusal());
    } else {
      logger->is_notified = true;
      observed.emplace_back(logger, share.entries);
    }
  }
  if (leavers_ > 0) {
    leavers_ -= std::erase_if(loggers_, [](auto const& kept) {
      return kept.second->left && kept.second->accepted() == kept.second->settled();
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
  was_busy_ = true;
  lock.unlock();
  auto moved = connection_->move_bytes(has_more ? Deadline{0ms} : Deadline{exchange_longest});
  if (!moved && moved.error().code != ClientError::timed_out) {
    connection_->state.close(moved.error());
  }
  lock.lock();
}

void LogPipeline::linger(Lock& lock) {
  if (!std::exchange(was_busy_, false)) return;
  lingers_ = true;
  work_.wait_for(lock, linger_time, [&] { return stops_ || !lingers_; });
  lingers_ = false;
}

void LogPipeline::rest(Lock& lock) {
  linger(lock);
  Deadline until{};
  if (buffer_.unreported() + drops_ > 0) until = next_report_;
  if (auto const due = loss_line_.due()) until = earlier(until, *due);
  bool const has_spares = spare_chunks_.size() > spare_chunks_kept;
  if (has_spares) until = earlier(until, spares_time);
  rests_ = true;
  bool const is_woken =
      wait_until(work_, lock, until, [&] { return stops_ || !rests_ || has_work(); });
  rests_ = false;
  if (has_spares && !is_woken) free_spares(lock);
}

void LogPipeline::free_spares(Lock& lock) {
  // So that those that go are whole blocks.
  std::ranges::sort(spare_chunks_, {}, &RecordChunk::data);
  auto const first = spare_chunks_.begin() + spare_chunks_kept;
  std::vector<RecordChunk> freed;
  std::ranges::move(first, spare_chunks_.end(), std::back_inserter(freed));
  spare_chunks_.erase(first, spare_chunks_.end());
  lock.unlock();
  freed.clear();
  lock.lock();
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
