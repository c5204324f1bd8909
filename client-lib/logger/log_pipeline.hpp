// What loggers of one process share: a bound for the records that wait, one thread and one
// connection, over which the thread stores them in batches.
//
//   threads of the program --RecordShard--> RecordMerger --RecordEncoder--> LogBuffer --> daemon
//                          (one of 16 each)  (its own thread from here on)
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "client-lib/connection/connection.hpp"
#include "client-lib/logger/batch_sender.hpp"
#include "client-lib/logger/log_buffer.hpp"
#include "client-lib/logger/loss_line.hpp"
#include "client-lib/logger/record_encoder.hpp"
#include "client-lib/logger/record_queue.hpp"
#include "client-lib/process/backoff.hpp"
#include "stele/buffered_logger.hpp"

namespace stele::client {

/// Waits as long as a call may; returns whether the condition holds.
template <class Condition>
bool wait_until(std::condition_variable& changed, std::unique_lock<std::mutex>& lock,
                Deadline const& deadline, Condition condition) {
  if (deadline.has_passed()) return condition();
  if (deadline.is_set()) return changed.wait_until(lock, deadline.when(), condition);
  changed.wait(lock, condition);
  return true;
}

/// One logger, as its pipeline sees it. All but `on_loss` is the pipeline's own.
struct LoggerState {
  LoggerState() {
    for (auto& shard : shards) shard.logger = this;
  }

  LossObserver on_loss{};

  std::array<RecordShard, 16> shards{};
  std::uint64_t stored = 0;
  std::uint64_t refused = 0;  ///< By the daemon.
  std::uint64_t dropped = 0;  ///< Not accepted.
  std::uint64_t given_up = 0;
  std::uint64_t refused_flushed = 0;
  std::optional<Failure> refusal{};
  std::atomic<bool> closing = false;  ///< Takes no more entries.
  bool left = false;                  ///< Its close is over, or does what is left.
  bool ended = false;
  bool is_notified = false;  ///< Its observer runs.

  std::uint64_t accepted() const noexcept;
  std::uint64_t settled() const noexcept { return stored + refused + given_up; }
};

class LogPipeline {
 public:
  /// Loggers for which these are equal share a pipeline.
  struct Settings {
    std::string socket_path{};
    std::string name{};
    std::size_t buffer_bytes = 0;
    std::size_t batch_bytes = 0;

    friend auto operator<=>(Settings const&, Settings const&) = default;
  };
  /// How a call waits for what does not come.
  enum class Patience : std::uint8_t {
    full,  ///< Until its deadline.
    /// Not while nobody listens at the socket, and only once in vain until something is stored.
    once,
  };

  /// The one with these settings, with another user; it is made if there is none.
  static std::shared_ptr<LogPipeline> join(Settings const& settings);

  /// Waits for the disk, when the program ends by std::quick_exit().
  static void drain_all();

  explicit LogPipeline(Settings settings);
  LogPipeline(LogPipeline const&) = delete;
  LogPipeline& operator=(LogPipeline const&) = delete;
  ~LogPipeline() = default;

  std::size_t entry_bytes_max() const noexcept { return entry_bytes_max_; }

  void add(std::shared_ptr<LoggerState> logger);
  Result<void> append(LoggerState& logger, Record const& record,
                      BufferedLoggerOptions const& options, Deadline const& deadline);
  /// An entry that was not even tried.
  Failure refuse(LoggerState& logger, Failure why);
  Result<void> flush(LoggerState& logger, Deadline const& deadline, Patience patience);
  Result<void> close(LoggerState& logger, Deadline const& deadline);
  /// For destructors: waits in vain are counted for all loggers of the process together.
  Result<void> close_at_last(LoggerState& logger, std::chrono::milliseconds at_most);
  BufferedLoggerStatus status(LoggerState const& logger) const;

 private:
  using Lock = std::unique_lock<std::mutex>;
  using Step = BatchSender::Step;
  using Clock = Deadline::Clock;
  static constexpr std::size_t chunk_bytes = std::size_t{64} << 10;

  // Loggers. Who holds the lock of a shard may take mutex_, and nobody the other way round.
  Result<void> append_slowly(RecordShard& shard, Record const& record,
                             BufferedLoggerOptions const& options, Deadline const& deadline);
  bool add_chunk(RecordShard& shard, std::size_t bytes);
  std::optional<RecordChunk> take_spare();
  RecordChunk make_chunk(std::size_t capacity);
  void note_chunk(RecordShard& shard);
  void drain(Deadline const& deadline);
  Failure drop(LoggerState& logger, Failure why);
  std::optional<Failure> wait_for_capacity(Lock& lock, LoggerState const& logger, std::size_t bytes,
                                           WhenFull when_full, Deadline const& deadline);
  void note_wait_in_vain(Clock::time_point start);
  static void end_appends(LoggerState& logger);
  void begin_close();
  void hurry();
  bool is_done(LoggerState const& logger) const noexcept;
  Result<void> leave(Lock& lock, LoggerState& logger);
  void stop(Lock& lock, LoggerState const& last);

  // The thread.
  void run();
  bool encode_some();
  bool collect();
  void give_chunks_back();
  bool has_work() const;
  bool reports_are_due() const;
  Step advance(bool reports);
  void publish(Lock& lock);
  void settle(std::vector<LogBuffer::Share> const& shares, bool stored);
  void notify_losses(Lock& lock, std::vector<LogBuffer::Share> const& refused);
  void exchange(Lock& lock, bool has_more);
  void rest(Lock& lock);
  void linger(Lock& lock);
  void free_spares(Lock& lock);
  void pause(Lock& lock);
  void connect(Lock& lock);

  /// What loggers of this process have waited in vain, since something was stored last; calls that
  /// wait without limit are not among them.
  static std::atomic<std::int64_t> waited_in_vain_ms_;

  Settings const settings_;
  std::atomic<std::size_t> entry_bytes_max_ = protocol::entry_bytes_default;
  std::size_t users_ = 0;  ///< The registry counts them.

  std::mutex making_chunks_{};          ///< Of who makes many; taken before mutex_.
  mutable std::mutex mutex_{};          // For all up to the thread's own.
  std::condition_variable work_{};      ///< For the thread: there are records, or it shall stop.
  std::condition_variable progress_{};  ///< For the others: entries were settled, or it is closed.
  std::vector<RecordShard*> filled_{};  ///< Shards that have chunks.
  std::vector<RecordChunk> spare_chunks_{};  ///< Of chunk_bytes each.
  /// Those that have not left, or have entries here, which they outlive.
  std::unordered_map<LoggerState*, std::shared_ptr<LoggerState>> loggers_{};
  std::size_t leavers_ = 0;  ///< Of them, those that have left.
  std::size_t bytes_ = 0;    ///< Of records that are not settled, and free in chunks of shards.
  std::size_t bytes_peak_ = 0;
  std::size_t single_chunks_ = 0;  ///< Made so far, of chunk_bytes each.
  std::uint64_t drops_ = 0;        ///< That the buffer does not know of yet.
  std::uint64_t unreported_ = 0;
  std::uint64_t stored_ = 0;
  std::uint64_t closers_ = 0;  ///< Calls of close that wait.
  std::uint64_t connections_ = 0;
  std::uint64_t repeated_ = 0;
  std::uint64_t maybe_duplicated_ = 0;
  std::optional<Failure> trouble_{};
  LossLine loss_line_{};
  bool is_away_ = false;         ///< Nobody listened when it was tried last.
  bool waited_in_vain_ = false;  ///< And nothing was stored since; for calls that wait once.
  bool rests_ = false;           ///< The thread waits for work_.
  bool lingers_ = false;         ///< It does for a moment, so that entries gather.
  bool stops_ = false;

  // The thread's own.
  bool was_busy_ = false;  ///< Since it rested last.
  std::vector<RecordShard*> taken_{};
  RecordMerger merger_{};
  RecordEncoder encoder_{};
  LogBuffer buffer_;
  BatchSender sender_;
  Backoff backoff_{};
  Clock::time_point next_report_{};
  std::minstd_rand random_{std::random_device{}()};
  std::optional<Connection> connection_{};
  std::thread thread_;
};

}  // namespace stele::client
