// The logger for programs that must not wait for the disk at each entry: entries go into a bounded
// buffer, and a thread stores them in batches, each entry once, over restarts of the daemon.
//
//   stele::BufferedLogger logger{{.name = "my-program"}};
//   logger.log({.message = "hello"});       // returns when it is in the buffer
//   auto flushed = logger.flush();          // returns when all is on disk
#pragma once

#include "stele/toolchain.hpp"  // First.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "stele/client_error.hpp"
#include "stele/deadline.hpp"
#include "stele/error.hpp"
#include "stele/log_entry.hpp"
#include "stele/metadata.hpp"

namespace stele {

/// What log() does while the buffer has no free bytes for the entry.
enum class WhenFull : std::uint8_t {
  block,   ///< Waits until its deadline, which fails with `timed_out`.
  refuse,  ///< Fails at once with `overloaded`.
  /// Waits for `full_timeout` at most, and fails with `overloaded` then. After a wait in vain it
  /// does not wait until something was stored, nor for a daemon that was never there: one that is
  /// away delays a program once, and not at each call.
  wait,
};

/// Called when entries that log() had accepted will not be stored, with how many and why: from a
/// thread of the library, or from close(). It must not call the logger. What it throws ends there.
using LossObserver = std::function<void(std::uint64_t entry_count, Failure const& why)>;

/// Loggers of a process for which `socket_path`, `name`, `buffer_bytes` and `batch_bytes` are equal
/// share one connection, one thread and one buffer: a logger more costs next to nothing.
struct BufferedLoggerOptions {
  /// The daemon's Unix socket; empty: default_socket_path().
  std::string socket_path{};
  /// A name for the daemon's own log, such as the program's; may be empty.
  std::string name{};
  /// Most bytes of entries that wait: their texts, and 17 to 45 bytes each; no memory is used for
  /// what does not wait. A thread at work holds up to 64 KiB, or a 32nd part, that others have no
  /// use of. Beside them up to about four times `batch_bytes` are used for batches and replies.
  /// Beyond 256 KiB they lie in huge pages of 2 MiB, where the system has them. What a burst has
  /// used is kept for the next one for 5 s, and 4 MiB of it for good.
  std::size_t buffer_bytes = std::size_t{64} << 20;
  /// A batch that is under way is stored by one sync of the disk; the next one gathers meanwhile.
  /// A larger entry makes a batch of its own. 8 MiB at most.
  std::size_t batch_bytes = std::size_t{1} << 20;
  WhenFull when_full = WhenFull::wait;
  std::chrono::milliseconds full_timeout{1'000};
  /// How long the destructor may wait until all is on disk. All destructors of a process together
  /// wait no longer than that in vain, less what calls with WhenFull::wait and try_flush() have
  /// waited in vain before; and 250 ms while nobody listens at the socket (1 s if the logger was
  /// connected before). `no_limit`: each waits as long as it takes.
  std::chrono::milliseconds close_timeout{5'000};
  /// Empty: a line on standard error, once a second at most.
  LossObserver on_loss{};
};

/// A line as logging libraries have it. What it points to is copied by log().
struct LogLine {
  std::chrono::system_clock::time_point time{};
  Level level = Level::info;
  std::string_view message{};  ///< Bytes that are not UTF-8 become U+FFFD; so in all texts.
  std::string_view logger{};   ///< May be empty, as all that follows.
  std::uint64_t thread = 0;
  std::string_view file{};
  std::uint32_t line = 0;
  std::string_view function{};
  Metadata const* context = nullptr;  ///< Such as the mapped diagnostic context of spdlog.
};

struct BufferedLoggerStatus {
  std::uint64_t accepted = 0;  ///< Entries that log() took: stored, refused later, or waiting.
  std::uint64_t stored = 0;    ///< On disk.
  /// Entries that log() did not take, or the daemon did not; the daemon is notified how many
  /// (report_dropped), so that an audit of the log names them.
  std::uint64_t refused = 0;
  std::uint64_t waiting = 0;  ///< In the buffer.
  // What follows is of all loggers that share the buffer.
  std::size_t buffer_bytes = 0;
  std::size_t buffer_bytes_peak = 0;
  std::uint64_t connections = 0;       ///< Made so far.
  std::uint64_t repeated_batches = 0;  ///< Sent again, and stored by an earlier attempt.
  /// Entries that may be stored twice: sent, not acknowledged, and by the time of the next
  /// connection the daemon had forgotten this writer (PROTOCOL.md, "Exactly once").
  std::uint64_t maybe_duplicated = 0;
  /// Why nothing is stored at the moment; absent when the last batch was.
  std::optional<Failure> trouble{};
};

/// Thread-safe: any number of threads may use one logger. The entries of one thread are stored in
/// the order of its calls, those of several threads as nearly by their times as they were taken.
/// The logger's thread connects when there is something to store, and again with
/// growing pauses (up to 2 s) for as long as it takes; it takes no signals, and its nice value is 5
/// above that of the thread that made it. Never raises SIGPIPE.
///
/// In a child after fork() every call fails with made_before_fork, and the destructor does nothing:
/// what was in the buffer is the parent's to store. Make the logger behind daemon(3), or flush
/// before it, since the parent ends there.
///
/// A batch leaves at once when nothing is under way, and else behind the batch before it, which
/// takes about as long as one sync of the disk. What is still in the buffer when the process ends
/// by a signal, abort() or _exit() is lost: flush() first where that matters. std::quick_exit()
/// waits for the disk, for 5 s at most.
class BufferedLogger {
 public:
  /// Does not connect yet: a daemon that is down is no failure. Throws
  /// boost::system::system_error (bad_request) if the name is not UTF-8 or has more than 256
  /// bytes, or the path holds a NUL, and std::system_error if there is no thread to be had.
  explicit BufferedLogger(BufferedLoggerOptions options = {});
  BufferedLogger(BufferedLogger const&) = delete;
  BufferedLogger& operator=(BufferedLogger const&) = delete;
  /// close(), as `close_timeout` says.
  ~BufferedLogger();

  /// Takes an entry; one without a timestamp gets the time of this call. Fails with
  ///   invalid_entry, entry_too_large, unsupported_version  whatever is tried again,
  ///   overloaded        the buffer is full (WhenFull::refuse and wait),
  ///   timed_out         the buffer was full until the deadline (WhenFull::block),
  ///   connection_lost   the logger is closed,
  ///   made_before_fork  this is a child of the process that made it,
  /// and each failure counts as one entry refused.
  Result<void> log(LogEntry const& entry, Deadline const& deadline = {});

  /// The same from parts. Bytes of the message that are not UTF-8 become U+FFFD.
  Result<void> log(Level level, std::string_view message, Metadata const& metadata = {},
                   Deadline const& deadline = {});

  /// Takes a line, whose metadata is made by the logger's thread:
  ///
  ///   {"logger":"app","thread":4711,"source":{"file":"main.cpp","line":12,"function":"main"}}
  ///
  /// without what is empty; `context` is a member of that name. A line from before 1970 has
  /// timestamp 0, and its time as `time_us`.
  Result<void> log_line(LogLine const& line, Deadline const& deadline = {});

  /// Returns when all that was accepted before this call is on disk. Fails with timed_out, or with
  /// the daemon's reason if it has refused entries since the last flush.
  [[nodiscard]] Result<void> flush(Deadline const& deadline = {});

  /// The same for programs that must go on: it does not wait while nobody listens at the socket,
  /// nor, after a wait in vain, until something was stored.
  [[nodiscard]] Result<void> try_flush(Deadline const& deadline = {});

  /// Takes no more entries, and flushes. Entries that are not on disk by then are given up and
  /// count as refused, if no other logger shares the buffer; else they are still on their way. One
  /// that was sent may be stored all the same.
  Result<void> close(Deadline const& deadline = {});

  BufferedLoggerStatus status() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace stele
