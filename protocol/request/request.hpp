// What a client can ask for, and both directions of its JSON text.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "protocol/entry/canonical_entry.hpp"
#include "protocol/entry/entry_filter.hpp"
#include "protocol/limits.hpp"
#include "protocol/request/operations.hpp"
#include "protocol/writer_id.hpp"
#include "stele/error.hpp"
#include "stele/log_entry.hpp"

namespace stele::protocol {

struct Hello {
  std::string_view client{};  ///< A name for the daemon's log; may be empty.
  /// Whose writes those of this connection with a number are.
  std::optional<WriterId> writer{};
  /// All writes of this writer have seqs above it, says the client.
  std::optional<std::uint64_t> since_seq{};
};
struct Ping {};
struct Stats {};
/// `help` in the line form: answered with the list of operations and an example of each.
struct Help {};

/// write_log (one entry) and write_many_logs (one or more; all or none, contiguous seqs).
struct Write {
  bool many = false;
  std::uint64_t write_no = 0;  ///< From 1 to write_no_max; 0: none was given.
  std::span<EntryDraft const> entries{};
};

enum class Order : std::uint8_t { asc, desc };

struct ReadLogs {
  std::uint64_t start_ts = 0;         ///< Inclusive.
  std::uint64_t end_ts = UINT64_MAX;  ///< Inclusive; start_ts > end_ts is an empty range.
  Order order = Order::asc;           ///< By (timestamp, seq).
  std::optional<std::uint64_t> limit{};
  std::string_view cursor{};  ///< From an earlier reply; empty: from the start.
  EntryFilter filter{};
  /// Goes on with the entries to come, all in order of seq; `limit` is then how many of the newest
  /// that are there come first.
  bool follow = false;
};

struct CountLogs {
  std::uint64_t start_ts = 0;  ///< As in ReadLogs.
  std::uint64_t end_ts = UINT64_MAX;
  EntryFilter filter{};
  /// Count by time, in buckets of this many microseconds; absent: one count of all.
  std::optional<std::uint64_t> bucket_us{};
};

/// Ends a read.
struct Cancel {
  std::string_view target{};  ///< The read's id, as JSON text.
};

/// What is there and what is missing, from the first entry at or after a time on.
struct Audit {
  std::uint64_t start_ts = 0;  ///< 0: from the first seq on.
};

/// A client gave up entries before they were written.
struct ReportDropped {
  std::uint64_t count = 0;  ///< At least 1.
  WriterId writer{};        ///< All zero: not given.
};

/// A consumer has what it needs of the log up to a seq.
struct Confirm {
  std::string_view consumer{};
  std::uint64_t seq = 0;  ///< 0: nothing yet.
};

/// An operator knows of the damage among these seqs.
struct Acknowledge {
  std::uint64_t first_seq = 0;  ///< At least 1,
  std::uint64_t last_seq = 0;   ///< and at least first_seq.
};

using Request = std::variant<Hello, Ping, Stats, Help, Write, ReadLogs, CountLogs, Cancel, Audit,
                             ReportDropped, Confirm, Acknowledge>;

/// `write_many_logs` for Write{.many = true}.
Op op_of(Request const& request) noexcept;
/// The name on the wire.
std::string_view op_name(Request const& request) noexcept;

struct RequestLimits {
  std::size_t entry_bytes_max = entry_bytes_default;
};

/// A request and the id that its reply echoes. The id is known also for most requests that fail.
struct ParsedRequest {
  std::string_view id{};  ///< JSON text (an integer or a string), or empty: none was given.
  Result<Request> request;
  bool is_write = false;       ///< Whether the op, as far as it is known, was one of the writes.
  std::uint64_t write_no = 0;  ///< As in Write; known also for most writes that fail.
  bool is_plain = false;       ///< It was read without the JSON parser.
};

/// Parses requests, one at a time, with one pass over the text: no DOM, no allocation per entry
/// once its buffers have grown. Entries come out as canonical text.
/// Never throws on input. Not thread-safe. What parse() returns borrows from the parser and from
/// the text, until the next call.
class RequestParser {
 public:
  explicit RequestParser(RequestLimits limits = {});
  RequestParser(RequestParser&&) noexcept;
  RequestParser& operator=(RequestParser&&) noexcept;
  ~RequestParser();

  /// One JSON object.
  ParsedRequest parse(std::string_view text);
  /// One line of the line form: JSON, or a bare word (help, ping, stats, tail).
  ParsedRequest parse_line(std::string_view line);
  /// Whether a line is to be parsed as JSON, not as a word.
  static bool is_json(std::string_view line) noexcept;

  /// One JSON object, as much of it at a time as the caller has time for; start() and then read()
  /// take the place of parse(). The text stays where it is until the request has been used.
  void start(std::string_view text);
  /// Whether it is read without the JSON parser, as far as is known: several times as fast.
  bool is_plain() const noexcept;
  /// Reads about the next `bytes`; returns how many.
  std::size_t read(std::size_t bytes);
  /// Nothing until all is read. Once.
  std::optional<ParsedRequest> finish();
  /// The request has been used. What memory a large one took is kept for the next one.
  void forget();
  /// Gives it back. Not while a request is read or used.
  void give_back_memory();
  /// What it has for the texts and entries of a request.
  std::size_t memory_bytes() const noexcept;

 private:
  class Handler;
  std::unique_ptr<Handler> handler_;
};

// The other direction, for clients. Each appends one JSON object; `id` is echoed by the reply.
// Entries must be valid: see validate_entry. A `write_no` of 0 is left out.
void append_hello(std::string& out, std::uint64_t id, std::string_view client,
                  std::optional<WriterId> const& writer = std::nullopt,
                  std::optional<std::uint64_t> since_seq = std::nullopt);
void append_ping(std::string& out, std::uint64_t id);
void append_stats(std::string& out, std::uint64_t id);
void append_write_log(std::string& out, std::uint64_t id, LogEntry const& entry,
                      std::uint64_t write_no = 0);
void append_write_many_logs(std::string& out, std::uint64_t id, std::span<LogEntry const> entries,
                            std::uint64_t write_no = 0);
/// The same with entries that are JSON text already: one or more of append_entry, a comma between
/// two.
void append_write_encoded_logs(std::string& out, std::uint64_t id, std::string_view entries,
                               std::uint64_t write_no);
void append_read_logs(std::string& out, std::uint64_t id, ReadLogs const& read);
void append_count_logs(std::string& out, std::uint64_t id, CountLogs const& count);
void append_cancel(std::string& out, std::uint64_t id, std::uint64_t target);
void append_audit(std::string& out, std::uint64_t id, Audit const& audit);
void append_report_dropped(std::string& out, std::uint64_t id, ReportDropped const& report);
void append_acknowledge(std::string& out, std::uint64_t id, Acknowledge const& known);
void append_confirm(std::string& out, std::uint64_t id, Confirm const& confirm);

/// The JSON text of one entry, as a client writes it.
void append_entry(std::string& out, LogEntry const& entry);

/// Whether the daemon would take the entry, judged before it is sent: valid UTF-8 (Boost.JSON
/// would serialise invalid bytes unchanged), valid metadata, known version, within `limits`.
Result<void> validate_entry(LogEntry const& entry, RequestLimits const& limits = {});

/// What would otherwise break the text of a request, or stand in it as something else: text that is
/// not UTF-8, and a `where` that is not one object. Fails with bad_request, which names the member.
Result<void> validate_text(std::string_view member, std::string_view text);
Result<void> validate_filter(EntryFilter const& filter);

}  // namespace stele::protocol
