// Decides what each message means: an answer now, an answer once a write is on disk, or a read.
// Sans-io: knows no socket; time comes from the clock that it was given.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "daemon/clock.hpp"
#include "daemon/log/log_port.hpp"
#include "daemon/operations/memory_account.hpp"
#include "daemon/operations/metrics.hpp"
#include "daemon/query/follow_read.hpp"
#include "daemon/query/range_count.hpp"
#include "daemon/query/range_read.hpp"
#include "daemon/request/commit_shares.hpp"
#include "daemon/request/large_requests.hpp"
#include "daemon/request/peer.hpp"
#include "daemon/store/chunk_memory.hpp"
#include "daemon/store/store.hpp"
#include "daemon/supervision/diagnostics.hpp"
#include "protocol/frame/frame.hpp"
#include "protocol/reply/reply.hpp"
#include "protocol/request/request.hpp"
#include "stele/error.hpp"
#include "stele/log_entry.hpp"

namespace stele::daemon {

/// The JSON text is known.
struct ReadyReply {
  std::string text{};
  bool may_overtake = false;  ///< A ping's: between the frames of a read that is under way.
};

/// A write that the log has taken: answered when `last_seq` is visible, or when it has failed.
struct WriteReply {
  std::string id{};
  bool many = false;
  bool dup = false;  ///< An earlier request with the same number wrote it, or is about to.
  bool numbered = false;
  Seq first_seq = 0;
  Seq last_seq = 0;
  std::optional<Failure> failure{};
  protocol::WriteState state = protocol::WriteState::unknown;  ///< With a failure.
};

/// A read that begins when all that was asked before it on its connection has been answered, so
/// that it sees the writes among that.
struct ReadReply {
  std::string id{};
  RangeRead read{};
  bool begun = false;
  bool cancelled = false;  ///< It ends where it is.
};

/// A follow, which begins as a read does and then holds up nothing.
struct FollowReply {
  std::string id{};
  std::unique_ptr<FollowRead> read{};
  bool cancelled = false;
};

/// Answered when the read that it means has had its last frame.
struct CancelReply {
  std::string id{};
  std::string target{};
  bool found = false;
};

/// A count, which begins as a read does.
struct CountReply {
  std::string id{};
  RangeCount count{};
  bool begun = false;
};

/// Counters are taken when the reply is made, so that they show what was asked before.
struct StatsReply {
  std::string id{};
};

/// Made when the reply is, as stats are.
struct AuditReply {
  std::string id{};
  std::uint64_t start_ts = 0;
};

/// A report of dropped entries, or an acknowledgement of damage: answered when the commit that
/// holds it is on disk.
struct DropReply {
  std::string id{};
  Seq before_seq = 0;
  std::optional<std::uint64_t> acknowledged{};  ///< Damaged seqs; else it is a report.
  std::uint64_t commit_no = 0;
  std::optional<Failure> failure{};
  protocol::WriteState state = protocol::WriteState::unknown;  ///< With a failure.
};

using PendingReply = std::variant<ReadyReply, WriteReply, ReadReply, FollowReply, CancelReply,
                                  CountReply, StatsReply, AuditReply, DropReply>;

class RequestHandler {
 public:
  RequestHandler(ServiceFacts const& facts, Store& store, LogPort& log, Clock const& clock,
                 Metrics& metrics);

  /// Borrows from the message and from the handler, until the next call.
  protocol::ParsedRequest parse(std::string_view message, protocol::FrameForm form) {
    return form == protocol::FrameForm::line ? parser_.parse_line(message) : parser_.parse(message);
  }
  /// Those that are parsed in parts instead.
  LargeRequests& large_requests() noexcept { return large_requests_; }
  /// Its id is that of a follow: makes it a failure, if it is none, whose reply cannot be taken for
  /// a frame of that.
  static void refuse_id(protocol::ParsedRequest& request);
  /// `peer` learns what the request says about it.
  PendingReply answer(protocol::ParsedRequest const& parsed, Peer& peer);
  PendingReply handle(std::string_view message, protocol::FrameForm form, Peer& peer) {
    return answer(parse(message, form), peer);
  }

  /// Appends a failure reply, and counts it.
  void append_failure(std::string& out, std::string_view id, Failure const& failure,
                      std::optional<protocol::WriteState> state = std::nullopt);

  /// By an audit: all, two times.
  std::size_t gaps_looked_at() const noexcept { return 2 * log_.gaps().gaps().size(); }
  void append_stats_reply(std::string& out, StatsReply const& reply) const;
  void append_audit_reply(std::string& out, AuditReply const& reply) const;

  /// Whether so much waits for the disk that no message should be handled now.
  bool overloaded() const noexcept;
  /// Whether so little waits for the disk that a large write may be given to the log whose payloads
  /// take so much: small entries take a multiple of what their request does.
  bool has_room_for_large(std::uint32_t uid, std::size_t payload_bytes) noexcept;
  /// Whether this user may add no more to the commit that gathers.
  bool is_over_commit_quota(std::uint32_t uid) const noexcept {
    return shares_.is_over_commit_quota(log_.gathering(), uid);
  }
  /// For the entries of a large write; none if it needs none of its own or will be refused.
  PreparedMemory memory_for(protocol::Write const& write, std::size_t payload_bytes);
  /// To be called now and then: gives back what was kept for the next large requests and their
  /// entries, if there were none.
  void free_unwanted_memory();
  /// Nobody is connected.
  void free_spare_memory();
  void use_next(ChunkMemory memory) noexcept { store_.use_next(std::move(memory)); }
  /// For the entries of a huge write; none if it will be refused.
  EncodedBatch begin_batch(protocol::Write const& write, std::size_t payload_bytes,
                           Origin const& origin);
  /// The next write that is answered has these entries, unless they are none.
  void use_next(EncodedBatch encoded) noexcept;
  wal::Gathering gathering() const noexcept { return log_.gathering(); }
  /// From now on writes are refused with shutting_down.
  void start_draining() noexcept { draining_ = true; }

  Store const& store() const noexcept { return store_; }
  std::uint64_t durable_commit() const noexcept { return log_.durable_commit(); }
  Metrics& metrics() noexcept { return metrics_; }
  /// What connections hold of the memory.
  MemoryAccount& memory() noexcept { return memory_; }
  Clock const& clock() const noexcept { return clock_; }

 private:
  ReadyReply fail(std::string_view id, Failure const& failure,
                  std::optional<protocol::WriteState> state = std::nullopt);
  PendingReply answer(std::string_view id, protocol::Hello const& request, Peer& peer);
  PendingReply answer(std::string_view id, protocol::Ping const& request, Peer& peer);
  ReadyReply answer_ping(std::string_view id);
  /// Why the log does not take a write now.
  Failure refusal(boost::system::error_code error);
  /// Says so in a line when it begins, and in another when it ends.
  bool memory_is_full();
  PendingReply answer(std::string_view id, protocol::Stats const& request, Peer& peer);
  PendingReply answer(std::string_view id, protocol::Help const& request, Peer& peer);
  PendingReply answer(std::string_view id, protocol::Write const& request, Peer& peer);
  PendingReply answer(std::string_view id, protocol::ReadLogs const& request, Peer& peer);
  PendingReply answer(std::string_view id, protocol::CountLogs const& request, Peer& peer);
  PendingReply answer(std::string_view id, protocol::Cancel const& request, Peer& peer);
  PendingReply answer(std::string_view id, protocol::Audit const& request, Peer& peer);
  PendingReply answer(std::string_view id, protocol::ReportDropped const& request, Peer& peer);
  PendingReply answer(std::string_view id, protocol::Acknowledge const& request, Peer& peer);
  PendingReply answer(std::string_view id, protocol::Confirm const& request, Peer& peer);

  bool will_be_refused(protocol::Write const& write, std::size_t payload_bytes) const;
  std::size_t stage(protocol::Write const& write, protocol::EntryStamp const& first);
  std::optional<Failure> judge_share(Peer const& peer, std::uint64_t more_bytes);
  PendingReply answer_again(std::string_view id, protocol::Write const& request,
                            WriterTable::CheckedWrite const& checked);

  ServiceFacts const& facts_;
  Store& store_;
  LogPort& log_;
  Clock const& clock_;
  Metrics& metrics_;
  MemoryAccount memory_{};
  protocol::RequestParser parser_;
  LargeRequests large_requests_;
  CommitShares shares_{};
  EncodedBatch encoded_{};
  std::vector<std::string_view> payloads_{};  ///< Of one write; kept for its capacity.
  Throttle drop_lines_{std::chrono::seconds(10)};
  bool memory_was_full_ = false;
  bool draining_ = false;
};

/// Why a write that the log had taken was not written after all.
Failure no_space_failure();
Failure log_failed_failure();

Failure too_many_buckets_failure();

/// At most what the payloads of a write take.
std::size_t payload_bytes_max(protocol::Write const& write) noexcept;

}  // namespace stele::daemon
