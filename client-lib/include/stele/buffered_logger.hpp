// The logger for programs that must not wait for the disk at each entry: entries go into a bounded
// buffer, and a thread stores them in batches, each entry once, over restarts of the daemon.
//
//   stele::BufferedLogger logger{{.name = "my-program"}};
//   logger.log({.message = "hello"});       // returns when it is in the buffer
//   auto flushed = logger.flush();          // returns when all is on disk
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "stele/client_error.hpp"
#include "stele/deadline.hpp"
#include "stele/error.hpp"
#include "stele/log_entry.hpp"

namespace stele {

/// What log() does while the buffer has no room.
enum class WhenFull : std::uint8_t {
  block,   ///< Waits for room, until its deadline.
  refuse,  ///< Fails at once with `overloaded`.
};

/// Called when entries that log() had accepted will not be stored, with how many and why: from the
/// logger's own thread, or from close(). It must not call the logger.
using LossObserver = std::function<void(std::uint64_t entry_count, Failure const& why)>;

struct BufferedLoggerOptions {
  /// The daemon's Unix socket; empty: default_socket_path().
  std::string socket_path{};
  /// A name for the daemon's own log, such as the program's; may be empty.
  std::string name{};
  /// Most bytes of entries that wait, as JSON text and 5 bytes each. Beside them the logger takes
  /// about 256 KiB for replies and three times `batch_bytes`.
  std::size_t buffer_bytes = std::size_t{8} << 20;
  /// A batch that is under way is stored by one sync of the disk; the next one gathers meanwhile.
  /// A larger entry makes a batch of its own.
  std::size_t batch_bytes = std::size_t{256} << 10;
  WhenFull when_full = WhenFull::block;
  /// How long the destructor may wait until all is on disk.
  std::chrono::milliseconds close_timeout{5'000};
  /// Empty: one line on standard error.
  LossObserver on_loss{};
};

struct BufferedLoggerStatus {
  std::uint64_t accepted = 0;  ///< Entries that log() took: stored, refused later, or waiting.
  std::uint64_t stored = 0;    ///< On disk.
  /// Entries that log() did not take, or the daemon did not; the daemon is told how many
  /// (report_dropped), so that an audit of the log names them.
  std::uint64_t refused = 0;
  std::uint64_t waiting = 0;  ///< In the buffer.
  std::size_t buffer_bytes = 0;
  std::size_t buffer_bytes_peak = 0;
  std::uint64_t connections = 0;       ///< Made so far.
  std::uint64_t repeated_batches = 0;  ///< Sent again, and stored by an earlier attempt.
  /// Entries that may be stored twice: sent, not acknowledged, and by the time of the next
  /// connection the daemon had forgotten this writer (PROTOCOL.md, "Exactly once").
  std::uint64_t unsure = 0;
  /// Why nothing is stored at the moment; absent when the last batch was.
  std::optional<Failure> trouble{};
};

/// Thread-safe: any number of threads may use one logger. The entries of one thread are stored in
/// the order of its calls. Owns one thread, which connects when there is something to store, and
/// again with growing pauses (up to 2 s) for as long as it takes. Not usable in a child after
/// fork(). Never raises SIGPIPE.
class BufferedLogger {
 public:
  /// Does not connect yet: a daemon that is down is no failure.
  explicit BufferedLogger(BufferedLoggerOptions options = {});
  BufferedLogger(BufferedLogger const&) = delete;
  BufferedLogger& operator=(BufferedLogger const&) = delete;
  /// close() with `close_timeout`.
  ~BufferedLogger();

  /// Takes an entry; one without a timestamp gets the time of this call. Fails with
  ///   invalid_entry, entry_too_large, unsupported_version  whatever is tried again,
  ///   overloaded       the buffer is full (WhenFull::refuse),
  ///   timed_out        the buffer was full until the deadline (WhenFull::block),
  ///   connection_lost  the logger is closed,
  /// and each failure counts as one entry refused.
  Result<void> log(LogEntry entry, Deadline const& deadline = {});

  /// Returns when all that was accepted before this call is on disk. Fails with timed_out, or with
  /// the daemon's reason if it has refused entries since the last flush.
  Result<void> flush(Deadline const& deadline = {});

  /// Takes no more entries, flushes, and ends the thread. Entries that are not on disk by then are
  /// given up and count as refused; one that is on its way may be stored all the same.
  Result<void> close(Deadline const& deadline = {});

  BufferedLoggerStatus status() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace stele
