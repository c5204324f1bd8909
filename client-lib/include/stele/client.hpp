// The synchronous client: one connection to the daemon, one call at a time.
//
//   auto client = stele::Client::connect();
//   if (!client) return report(client.error());
//   auto seq = client->write_log({.message = "hello"});    // returns when it is on disk
//
// Every call returns a Result: a value, or a Failure whose code is a stele::Error (the daemon's
// answer, or what it would have answered) or a stele::ClientError (there was no answer).
#pragma once

#include "stele/toolchain.hpp"  // First.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stele/client_error.hpp"
#include "stele/deadline.hpp"
#include "stele/error.hpp"
#include "stele/log_entry.hpp"
#include "stele/metadata.hpp"

namespace stele {

/// A timestamp of this moment, in whole microseconds; 0 of one before 1970.
template <class Duration>
std::uint64_t to_timestamp(std::chrono::sys_time<Duration> moment) {
  using Microseconds = std::chrono::microseconds;
  // In seconds first: what a duration of microseconds cannot hold would overflow.
  std::chrono::duration<double> const seconds = moment.time_since_epoch();
  if (seconds.count() <= 0) return 0;
  if (seconds.count() > 9.2e12) return static_cast<std::uint64_t>(Microseconds::max().count());
  auto const since = std::chrono::floor<Microseconds>(moment).time_since_epoch();
  return static_cast<std::uint64_t>(since.count());
}

/// The other way round; a timestamp that no clock can show is the last moment that one can.
inline std::chrono::sys_time<std::chrono::microseconds> to_sys_time(std::uint64_t timestamp) {
  using Microseconds = std::chrono::microseconds;
  auto const last = static_cast<std::uint64_t>(Microseconds::max().count());
  auto const count = timestamp < last ? timestamp : last;
  return std::chrono::sys_time<Microseconds>{Microseconds{static_cast<std::int64_t>(count)}};
}

/// `$STELE_SOCKET` if set and not empty, else `/run/stele/stele.sock`.
std::string default_socket_path();

/// The name that a writer gives itself, such as 16 random bytes; all zero: none.
using WriterId = std::array<std::uint8_t, 16>;
WriterId random_writer();

struct ClientOptions {
  /// The daemon's Unix socket; empty: default_socket_path().
  std::string socket_path{};
  /// A name for the daemon's own log, such as the program's; may be empty.
  std::string name{};
  /// Whose the numbered writes of this connection are: see write_once().
  WriterId writer{};
  /// hello().durable_seq of this writer's first connection, for the later ones: then the daemon
  /// can know whether it has forgotten a write of this writer. If the log was restored to an older
  /// state, connecting fails with Error::bad_request and a detail that has "durable_seq": the log
  /// has none of this writer's writes. Choose a new writer, and leave this out.
  std::optional<std::uint64_t> since_seq{};
  /// Longest time for connect(), the daemon's answer included; `no_limit`, or as a Deadline.
  std::chrono::milliseconds connect_timeout{5'000};
  /// Longest time of a call in which not a byte moves either way; `no_limit`, or as a Deadline.
  std::chrono::milliseconds request_timeout{30'000};
};

/// What the daemon reports about itself when a client connects.
struct ServerHello {
  std::string store_id{};  ///< Changes when the store was wiped or replaced.
  std::string server_version{};
  std::uint32_t protocol = 1;
  std::size_t entry_bytes_max = 0;  ///< Largest entry: message plus metadata.
  std::size_t frame_bytes_max = 0;  ///< Largest request, as JSON text.
  /// Of the writer that was named: its highest number that is on disk, if one is remembered.
  std::optional<std::uint64_t> last_write_no{};
  /// Of that writer: for each number above this one the daemon knows whether it is written.
  std::optional<std::uint64_t> known_above{};
  std::uint64_t durable_seq = 0;  ///< If a writer was named: up to here entries are on disk.
};

/// Consecutive positions in the log, both inclusive.
struct SeqRange {
  std::uint64_t first_seq = 0;
  std::uint64_t last_seq = 0;

  bool operator==(SeqRange const&) const = default;
};

/// By timestamp; entries with equal timestamps by seq.
enum class Order : std::uint8_t { asc, desc };

/// What is asked of an entry besides its timestamp: all that is given must hold. As it stands here
/// every entry is meant. The daemon judges, so that nothing else travels.
struct EntryFilter {
  Level min_level = Level::trace;
  std::string contains{};  ///< Text that the message holds somewhere, character for character.
  std::string where{};     ///< The text of a JSON object: members that the metadata has, too.
  std::optional<std::int32_t> pid{};  ///< Who wrote it.
  std::optional<std::uint32_t> uid{};
  std::optional<std::uint64_t> after_seq{};  ///< Only entries with a greater seq.
};

struct ReadOptions {
  /// Microseconds since the Unix epoch, inclusive; to_timestamp() makes them of a sys_time.
  std::uint64_t start_ts = 0;
  std::uint64_t end_ts = UINT64_MAX;  ///< Inclusive. start_ts > end_ts is an empty range.
  Order order = Order::asc;
  std::optional<std::uint64_t> limit{};  ///< Most entries to return; absent: all.
  std::string cursor{};  ///< From an earlier ReadEnd, with the same range, order and filter.
  EntryFilter filter{};
};

struct ReadEnd {
  std::uint64_t entry_count = 0;  ///< Entries handed to the visitor.
  std::string cursor{};           ///< Where to go on; empty: the range is exhausted.
  bool stopped = false;           ///< The visitor ended the read.
};

/// Called for each entry, which it may move from. Returns whether to go on. It may throw, which
/// ends the read as stopping does, and may destroy the client; a call of the client that calls it
/// fails with bad_request.
using EntryVisitor = std::function<bool(StoredEntry& entry)>;

struct FollowOptions {
  std::uint64_t start_ts = 0;         ///< As in ReadOptions.
  std::uint64_t end_ts = UINT64_MAX;  ///< Of the timestamps: it does not end the follow.
  EntryFilter filter{};
  /// How many of the newest entries come first; 0: from now on; absent: all, or those after
  /// `filter.after_seq`.
  std::optional<std::uint64_t> newest{};
};

/// What a follow hands over at a time.
struct FollowPart {
  std::vector<StoredEntry> entries{};  ///< By rising seq; may be empty.
  /// Everything up to it has been handed over, or does not match. To go on over another
  /// connection, follow with `filter.after_seq` set to it, and without `newest`.
  std::uint64_t last_seq = 0;
  bool caught_up = false;             ///< Once: nothing that was on disk is left to come.
  std::optional<SeqRange> removed{};  ///< Retention removed these before they could come.
};

/// Returns whether to go on. What an EntryVisitor may do, it may do, too.
using FollowVisitor = std::function<bool(FollowPart& part)>;

struct FollowEnd {
  std::uint64_t last_seq = 0;  ///< As in the last FollowPart.
  bool stopped = false;        ///< The visitor ended it; else the daemon did, which stops.
};

/// Called once: where the entries of a submitted write are on disk, or why they are not known to
/// be. It may submit more and destroy the client. What it throws comes out of process(); a later
/// call goes on behind it.
using WriteHandler = std::function<void(Result<SeqRange> const& written)>;

struct CountOptions {
  std::uint64_t start_ts = 0;  ///< As in ReadOptions.
  std::uint64_t end_ts = UINT64_MAX;
  EntryFilter filter{};
  /// Count by time, too: in buckets of this many microseconds, which start at multiples of it.
  std::optional<std::uint64_t> bucket_us{};
};

struct LogCount {
  struct Bucket {
    std::uint64_t start_ts = 0;
    std::uint64_t count = 0;

    bool operator==(Bucket const&) const = default;
  };
  std::uint64_t count = 0;
  std::vector<Bucket> buckets{};  ///< By rising time; empty ones are left out.
};

/// Move-only. Not thread-safe: one thread at a time; different clients are independent. Never
/// raises SIGPIPE. In a child after fork() every call fails with made_before_fork. After it was
/// moved from, every call fails with connection_lost.
///
/// After a failure with connection_lost, outcome_unknown, timed_out or protocol_violation the
/// connection is gone: every later call fails with connection_lost. After a stele::Error the
/// client stays usable, unless PROTOCOL.md says that the code closes the connection.
///
/// A call fails with timed_out (a write that was sent: outcome_unknown) when its deadline passes,
/// or when not a byte has moved for `request_timeout`. With a deadline that has passed before the
/// call, nothing is sent, and the client stays usable.
class Client {
 public:
  /// Connects, and asks the daemon for its limits.
  [[nodiscard]] static Result<Client> connect(ClientOptions options = {});

  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  /// Stores one entry; returns its seq once it is on disk. An entry that breaks the data model or
  /// a limit is refused before it is sent.
  [[nodiscard]] Result<std::uint64_t> write_log(LogEntry const& entry,
                                                Deadline const& deadline = {});

  /// The same from parts, with the time of receipt.
  [[nodiscard]] Result<std::uint64_t> write_log(Level level, std::string_view message,
                                                Metadata const& metadata = {},
                                                Deadline const& deadline = {});

  /// Stores all entries or none, with consecutive seqs; returns once they are on disk. One sync
  /// serves the whole batch, so some hundred entries a call are far faster than one by one.
  /// A batch is one request and is never split: above `hello().frame_bytes_max` of JSON text the
  /// call fails with entry_too_large. Batches of 1000 entries or 1 MiB are a good size.
  /// No entries: bad_request.
  [[nodiscard]] Result<SeqRange> write_many_logs(std::span<LogEntry const> entries,
                                                 Deadline const& deadline = {});

  /// The same, in the log once however often it is sent: after an unknown outcome connect again
  /// with the same writer, and send the same entries with the same number. Numbers rise from 1, one
  /// a call. Fails with id_conflict if other entries have this number, with unknown_retry if the
  /// daemon does not remember so far back: then nobody can say. An entry that was refused may be
  /// mended and sent under its number. Without a writer: bad_request.
  [[nodiscard]] Result<SeqRange> write_once(std::span<LogEntry const> entries,
                                            std::uint64_t write_no, Deadline const& deadline = {});

  /// Writes for event loops of any kind, any number of them under way. This one only notes what is
  /// to be sent; `write_no` as in write_once(), 0: none. A failure means that nothing was noted. In
  /// the loop: wait until descriptor() can be read, and while has_to_send() also until it can be
  /// written, and call process(). It has no limit of time but the loop's. While
  /// writes_under_way(), the calls that wait fail with bad_request.
  [[nodiscard]] Result<void> submit(std::span<LogEntry const> entries, WriteHandler handler,
                                    std::uint64_t write_no = 0);
  /// Sends and receives what it can without waiting, and calls the handlers of the writes that were
  /// answered, in the order in which these were submitted. Fails once the connection is gone, after
  /// each handler was called.
  [[nodiscard]] Result<void> process();
  /// Stays the client's. -1: it has none.
  int descriptor() const noexcept;
  bool has_to_send() const noexcept;
  std::size_t writes_under_way() const noexcept;

  /// All entries with start_ts <= timestamp <= end_ts, by (timestamp, seq), in memory at once.
  [[nodiscard]] Result<std::vector<StoredEntry>> read_logs(std::uint64_t start_ts,
                                                           std::uint64_t end_ts,
                                                           Deadline const& deadline = {});
  /// The same between two moments of the system's clock.
  template <class Start, class End>
  [[nodiscard]] Result<std::vector<StoredEntry>> read_logs(std::chrono::sys_time<Start> start,
                                                           std::chrono::sys_time<End> end,
                                                           Deadline const& deadline = {}) {
    return read_logs(to_timestamp(start), to_timestamp(end), deadline);
  }

  /// The same as a stream: memory stays bounded by one part of the reply (about 256 KiB of
  /// entries). If the visitor stops or throws, the read is cancelled, and the next call first skips
  /// what is on its way already: give a limit when only a few entries are wanted.
  [[nodiscard]] Result<ReadEnd> read_logs(ReadOptions const& options, EntryVisitor const& visitor,
                                          Deadline const& deadline = {});

  /// Entries as they become durable, after those that are there: in the order of the log, each
  /// once. Returns when the visitor stops it or the daemon stops; `request_timeout` does not count.
  /// A deadline that passes ends it with timed_out, and the client stays usable.
  [[nodiscard]] Result<FollowEnd> follow_logs(FollowOptions const& options,
                                              FollowVisitor const& visitor,
                                              Deadline const& deadline = {});

  /// How many entries there are, in all or over time.
  [[nodiscard]] Result<LogCount> count_logs(CountOptions const& options,
                                            Deadline const& deadline = {});

  /// Succeeds if the daemon can accept writes.
  [[nodiscard]] Result<void> ping(Deadline const& deadline = {});

  /// Counters, gauges and limits: the text of one JSON object.
  [[nodiscard]] Result<std::string> stats_json(Deadline const& deadline = {});

  /// What the log proves about the seqs from the first entry at or after `start_ts` on (0: from
  /// seq 1): the text of one JSON object, as PROTOCOL.md describes it under `audit`.
  [[nodiscard]] Result<std::string> audit_json(std::uint64_t start_ts = 0,
                                               Deadline const& deadline = {});

  /// Stores that `count` entries were given up by this program, so that an audit names them;
  /// returns once that is on disk. `writer` may say by whom. 0: nothing happens.
  [[nodiscard]] Result<void> report_dropped(std::uint64_t count, WriterId const& writer = {},
                                            Deadline const& deadline = {});

  /// Stores that an operator knows of the damage among these seqs, as audit_json() reports it: from
  /// then on audit reports it as acknowledged, and the daemon's state is not `damaged` for it.
  /// Returns once that is on disk. For root and the daemon's own user.
  [[nodiscard]] Result<void> acknowledge(SeqRange const& damaged, Deadline const& deadline = {});

  /// Says that the consumer of this name has what it needs of the log up to `seq` (0: nothing yet),
  /// so that retention may take that and holds what follows. The daemon's setting `consumers` names
  /// it, or this fails with bad_request. Nothing of it outlives the daemon: say it again behind
  /// each connect. A lower seq than before is taken, too.
  [[nodiscard]] Result<void> confirm(std::string_view consumer, std::uint64_t seq,
                                     Deadline const& deadline = {});

  /// What the daemon said when this client connected.
  ServerHello const& hello() const noexcept;

 private:
  class Impl;
  explicit Client(std::shared_ptr<Impl> impl) noexcept;

  std::shared_ptr<Impl> impl_;
};

}  // namespace stele
