// The client's half of the conversation, without the socket: requests become bytes to send, bytes
// that arrive become replies, matched to the requests in the order in which these were made; but
// for follows, whose replies come whenever there is something to send.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "protocol/frame/frame_reader.hpp"
#include "protocol/limits.hpp"
#include "protocol/reply/reply.hpp"
#include "protocol/request/request.hpp"
#include "stele/client_error.hpp"
#include "stele/error.hpp"
#include "stele/log_entry.hpp"

namespace stele::client {

/// Whether the daemon would take this name of a client; bad_request says why not.
Result<void> check_name(std::string_view name);

/// Usage: make requests; send unsent() and report it with sent(); read into receive_buffer() and
/// report it with received(); call next() until it needs more.
///
///   open --close(why), or a reply that does not fit--> closed (final)
///
/// Every request gets exactly one last answer, also when the connection ends: a reply, or a
/// failure. Requests may be pipelined: made before earlier ones are answered.
class ClientState {
 public:
  struct Limits {
    std::size_t entry_bytes_max = protocol::entry_bytes_default;
    std::size_t frame_bytes_max = protocol::frame_bytes_default;
  };

  ClientState();

  /// What the daemon reported about itself; holds for the requests made from now on.
  void set_limits(Limits limits) noexcept { limits_ = limits; }

  // Requests. A failure means that nothing was queued: what was asked for is wrong in itself.

  Result<void> hello(std::string_view name, std::optional<protocol::WriterId> const& writer = {},
                     std::optional<std::uint64_t> since_seq = {});
  void ping();
  void stats();
  void audit(protocol::Audit const& audit);
  void report_dropped(protocol::ReportDropped const& report);
  void acknowledge(protocol::Acknowledge const& known);
  Result<void> confirm(protocol::Confirm const& confirm);
  Result<void> read_logs(protocol::ReadLogs const& read);
  /// Cancels a read that has answers to come; they are dropped.
  void end_read(std::uint64_t id);
  /// `read.follow` is true. Returns the id that its answers have: they come between those of other
  /// requests, until one without `reply.more`.
  Result<std::uint64_t> follow_logs(protocol::ReadLogs const& read);
  /// Ends a follow; what is still to come of it is dropped.
  void end_follow(std::uint64_t id);
  Result<void> count_logs(protocol::CountLogs const& count);
  Result<void> write_log(LogEntry const& entry);
  /// `write_no` 0: none.
  Result<void> write_many_logs(std::span<LogEntry const> entries, std::uint64_t write_no = 0);
  /// Valid entries that are JSON text already; see protocol::append_write_encoded_logs.
  Result<void> write_encoded_logs(std::string_view entries, std::uint64_t write_no);

  // Bytes out.

  std::string_view unsent() const noexcept {
    return std::string_view{outbox_}.substr(outbox_sent_);
  }
  void sent(std::size_t bytes) noexcept;

  // Bytes in.

  std::span<char> receive_buffer();
  void received(std::size_t bytes) noexcept { reader_.commit(bytes); }

  /// The connection ended, for this reason. Replies that arrived before are still handed out.
  void close(Failure why);
  bool is_closed() const noexcept { return closed_.has_value(); }

  struct Answer {
    protocol::Reply reply{};  ///< A failure of the connection looks like one of the daemon.
    std::string_view text{};  ///< The reply as it came; valid until the next call.
  };
  /// The next answer to the oldest request; with `reply.more`, others to the same follow.
  /// Nothing: more bytes are needed. With no request in flight: nothing, or, once closed, why.
  std::optional<Answer> next();

  /// Of the request that was made last.
  std::uint64_t last_id() const noexcept { return next_id_ - 1; }

  std::size_t requests_in_flight() const noexcept { return in_flight_.size() + follows_.size(); }

 private:
  /// What was asked, and so what an answer must have.
  enum class Kind : std::uint8_t {
    write_log,
    write_many,
    report_dropped,
    acknowledge,
    read,
    ping,  ///< Or another one whose answer is `ok` alone.
    cancel,
    hello,  ///< These four are answered with a document, which is handed out as text.
    stats,
    audit,
    count,
  };
  struct InFlight {
    std::uint64_t id = 0;
    Kind kind = Kind::ping;
    bool discarded = false;
    std::uint64_t sent_bytes_end = 0;  ///< Sent whole when sent_bytes_ has reached this.
  };

  template <class AppendRequest>
  Result<void> queue(Kind kind, AppendRequest&& append_request);
  static bool is_write(Kind kind) noexcept;
  static char const* document_member(Kind kind) noexcept;
  static bool fits(Kind kind, protocol::Reply const& reply) noexcept;
  Result<protocol::Reply> parse(std::string_view text) const;
  void cancel(std::deque<InFlight>& requests, std::uint64_t id);
  std::optional<Answer> accept(std::string_view text);
  std::optional<Answer> answer_from_closed();
  void break_off(std::string message);
  std::optional<Answer> refuse_shape(protocol::Reply const& reply);

  Limits limits_{};
  std::uint64_t next_id_ = 1;
  std::string outbox_{};
  std::size_t outbox_sent_ = 0;
  std::uint64_t sent_bytes_ = 0;
  std::uint64_t queued_bytes_ = 0;
  std::deque<InFlight> in_flight_{};
  std::deque<InFlight> follows_{};
  protocol::FrameReader reader_;
  std::optional<Failure> closed_{};
};

}  // namespace stele::client
