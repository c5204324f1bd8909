// What loggers of one process share: a queue of records, one thread and one connection, over which
// the thread stores them in batches.
#pragma once

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

#include "client-lib/backoff.hpp"
#include "client-lib/batch_sender.hpp"
#include "client-lib/connection.hpp"
#include "client-lib/log_buffer.hpp"
#include "client-lib/loss_line.hpp"
#include "client-lib/record_encoder.hpp"
#include "client-lib/record_queue.hpp"
#include "stele/buffered_logger.hpp"

namespace stele::client {

/// One logger, as its pipeline sees it. All but `on_loss` is the pipeline's own.
struct LoggerState {
  LossObserver on_loss{};

  std::uint64_t accepted = 0;
  std::uint64_t stored = 0;
  std::uint64_t refused = 0;  ///< By the daemon.
  std::uint64_t dropped = 0;  ///< Not accepted.
  std::uint64_t given_up = 0;
  std::uint64_t refused_flushed = 0;
  std::optional<Failure> refusal{};
  bool closing = false;  ///< Takes no more entries.
  bool left = false;     ///< Its close is over, or does what is left.
  bool ended = false;
  bool is_notified = false;  ///< Its observer runs.

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

  explicit LogPipeline(Settings settings);
  LogPipeline(LogPipeline const&) = delete;
  LogPipeline& operator=(LogPipeline const&) = delete;
  ~LogPipeline() = default;

  std::size_t entry_bytes_max() const noexcept { return entry_bytes_max_; }

  void add(std::shared_ptr<LoggerState> logger);
  Result<void> append(LoggerState& logger, Record record, BufferedLoggerOptions const& options,
                      Deadline const& deadline);
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

  // Loggers.
  Failure drop(LoggerState& logger, Failure why);
  std::optional<Failure> wait_for_capacity(Lock& lock, LoggerState const& logger, std::size_t bytes,
                                           BufferedLoggerOptions const& options,
                                           Deadline const& deadline);
  void note_wait_in_vain(Clock::time_point start);
  void begin_close(LoggerState& logger);
  bool is_done(LoggerState const& logger) const noexcept;
  Result<void> leave(Lock& lock, LoggerState& logger);
  void stop(Lock& lock, LoggerState const& last);

  // The thread.
  void run();
  bool encode_some();
  bool take_chunk();
  void give_chunk_back();
  bool has_work() const;
  bool reports_are_due() const;
  Step advance(bool reports);
  void publish(Lock& lock);
  void settle(std::vector<LogBuffer::Share> const& shares, bool stored);
  void notify_losses(Lock& lock, std::vector<LogBuffer::Share> const& refused);
  void exchange(Lock& lock, bool has_more);
  void rest(Lock& lock);
  void pause(Lock& lock);
  void connect(Lock& lock);

  Settings const settings_;
  std::atomic<std::size_t> entry_bytes_max_ = protocol::entry_bytes_default;
  std::size_t users_ = 0;  ///< The registry counts them.

  mutable std::mutex mutex_{};          // For all up to the thread's own.
  std::condition_variable work_{};      ///< For the thread: there are records, or it shall stop.
  std::condition_variable progress_{};  ///< For the others: entries were settled, or it is closed.
  RecordQueue queue_{};
  /// Those that have not left, or have entries here, which they outlive.
  std::unordered_map<LoggerState*, std::shared_ptr<LoggerState>> loggers_{};
  std::size_t leavers_ = 0;  ///< Of them, those that have left.
  std::size_t bytes_ = 0;    ///< Of records that are not settled.
  std::size_t bytes_peak_ = 0;
  std::uint64_t drops_ = 0;  ///< That the buffer does not know of yet.
  std::uint64_t unreported_ = 0;
  std::uint64_t stored_ = 0;
  std::uint64_t closers_ = 0;  ///< Calls of close that wait.
  std::uint64_t connections_ = 0;
  std::uint64_t repeated_ = 0;
  std::uint64_t unsure_ = 0;
  std::optional<Failure> trouble_{};
  LossLine loss_line_{};
  bool is_away_ = false;         ///< Nobody listened when it was tried last.
  bool waited_in_vain_ = false;  ///< And nothing was stored since; for calls that wait once.
  bool rests_ = false;           ///< The thread waits for work_.
  bool stops_ = false;

  // The thread's own.
  std::optional<RecordQueue::Chunk> chunk_{};
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
