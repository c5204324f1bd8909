// One connection without its socket: which bytes may come, what is answered in which order, what
// is on its way out, and when to pause. The session obeys it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "daemon/config/config.hpp"
#include "daemon/net/reply_batch.hpp"
#include "daemon/operations/session_memory.hpp"
#include "daemon/request/large_requests.hpp"
#include "daemon/request/request_handler.hpp"
#include "daemon/session/client_timeout.hpp"
#include "daemon/session/follow_set.hpp"
#include "daemon/session/reply_queue.hpp"
#include "daemon/turn/turn_budget.hpp"
#include "protocol/frame/frame_reader.hpp"
#include "stele/log_entry.hpp"

namespace stele::daemon {

struct SessionLimits {
  std::size_t frame_bytes_max = 0;
  std::size_t unread_bytes_max = 0;  ///< Received, not yet handled.
  std::size_t unsent_bytes_max = 0;  ///< Above it no reply is made; one may cross it.
  std::size_t unanswered_max = 0;    ///< Requests handled, not yet answered.
  std::size_t follows_max = 0;
  TimeLimits time{};
};
SessionLimits session_limits(Config const& config) noexcept;

/// Why a session does not go on, a reason each. More than one may hold at a time.
struct FlowControl {
  bool awaits_turn = false;    ///< There is more to do at once, but other sessions come first.
  bool awaits_memory = false;  ///< Others hold so much of it; they may give some back.
  bool awaits_log_capacity = false;  ///< Until less waits for the disk, or the next commit gathers.
  bool awaits_reader = false;        ///< No reply is made until the client has taken some.
  bool holds_messages = false;       ///< One of these, not the client, is why nothing is handled.
};

/// Messages come in on the left and leave in the same order on the right:
///
///   socket -> reader_ -> handle -> queue_: ready | write | read … -> filling_ -> sending_ ->
///   socket
///
/// A write holds up what is behind it until it is visible, a read until its last frame is made. A
/// follow leaves the queue when it begins: its frames come between those of the others, in turn.
/// After every event, advance() does what has become possible; but no more than a turn's worth of
/// it, and no more than a connection's share of a commit that is full, so that no client waits for
/// the flood of another. A message that takes longer than a turn is parsed in several; it stays in
/// the reader meanwhile, so that nothing is received.
class SessionState {
 public:
  SessionState(RequestHandler& handler, Origin const& origin, SessionLimits const& limits,
               Access access = {});

  /// Whether the socket should be read now.
  bool may_read() const noexcept;
  /// Where its next bytes go. Precondition: may_read(). Valid until the next call.
  std::span<char> read_buffer();
  void on_received(std::size_t bytes);
  /// The client will send nothing more; what it has sent is still answered.
  void on_input_end() noexcept;

  /// Writes from `first` on were never written.
  void on_refused(Seq first);
  /// Writes that are not durable now never will be known to be.
  void on_log_failed();
  /// Follows end. Requests are answered on, so that a client that sends some just now gets them.
  void on_drain() noexcept { draining_ = true; }
  /// Finish what is there, then end.
  void on_drain_end() noexcept { draining_ = drained_ = true; }
  /// Ends the input of a client that has been awaited too long; true if so: advance() then.
  bool on_time(Instant now);
  /// Whether the client has taken nothing of its replies for too long. To be asked now and then.
  bool is_deaf(Instant now) noexcept;

  /// Reads have all of the budget, and messages half as much again.
  void advance(TurnBudget const& budget = TurnBudget());
  /// What the last call cost.
  std::size_t visits_paid() const noexcept { return turn_.visits_paid() + taking_.visits_paid(); }
  /// Told when a message that waited can be parsed: advance() then, in a turn of its own.
  void set_parser_waiter(ParserWaiter& waiter) noexcept { parser_waiter_ = &waiter; }
  std::uint32_t uid() const noexcept { return peer_.origin.uid; }

  /// The oldest write that is not yet answered, if the log still owes it.
  std::optional<Seq> awaited_seq() const noexcept;
  /// Messages are held back until less waits for the disk, or the next commit gathers.
  bool awaits_log_capacity() const noexcept { return flow_.awaits_log_capacity; }
  /// The log's next news may move this session on.
  bool awaits_log() const noexcept {
    return flow_.awaits_log_capacity || !follows_.empty() || awaited_seq().has_value() ||
           awaits_drop();
  }
  /// Others hold so much memory that this session has to wait; they may give some back.
  bool awaits_memory() const noexcept { return flow_.awaits_memory; }
  void await_memory(MemoryWaiter& waiter) const noexcept { memory_.waiters().await(waiter); }
  /// There is more to do at once, but other sessions come first: advance() again soon.
  bool awaits_turn() const noexcept { return flow_.awaits_turn; }

  bool has_output() const noexcept { return !filling_.empty(); }
  /// What to send; stays in place until end_write(). Precondition: has_output().
  ReplyBatch& begin_write() noexcept;
  void end_write();

  bool input_ended() const noexcept { return end_seen_ || input_failed_; }
  /// The client broke the framing: bytes of it are left that nobody will read.
  bool input_failed() const noexcept { return input_failed_; }
  /// The client has ended its side: it sends nothing that could be lost.
  bool client_ended() const noexcept { return client_ended_; }
  bool draining() const noexcept { return draining_; }
  /// Nothing is left to do for this connection.
  bool finished() const noexcept;

 private:
  std::size_t unsent_bytes() const noexcept {
    return filling_.unsent_bytes() + sending_.unsent_bytes();
  }
  std::size_t held_bytes() const noexcept {
    return filling_.held_bytes() + sending_.held_bytes() + queue_.held_bytes() +
           follows_.held_bytes();
  }
  bool wants_input() const noexcept;
  std::size_t receivable_bytes() const noexcept;
  bool has_room_for(PendingReply const& reply) noexcept;
  bool may_queue() noexcept;
  void settle_memory();
  ClientTimeout::Wait awaited_of_client() const noexcept;
  bool awaits_drop() const noexcept;
  bool handle_messages();
  void take_message(std::string_view message);
  bool take_large_message();
  bool prepare_large(protocol::Write const& write);
  void answer(protocol::ParsedRequest& request, std::size_t message_bytes);
  void pay_for(PendingReply const& reply, std::size_t message_bytes);
  bool is_taken(protocol::ParsedRequest const& request) noexcept;
  bool end_read(CancelReply const& cancel);
  bool has_enough_replies() const noexcept;
  bool may_handle() noexcept;
  bool has_too_many_numbered() const noexcept {
    return numbered_queued_ + numbered_filling_ + numbered_sending_ >= WriterTable::writes_max;
  }
  bool is_over_commit_quota() const noexcept;
  void add_to_share(std::size_t bytes) noexcept;
  bool produce_replies();
  bool produce_follows();
  void append_follow_frame(Follow const& follow, FollowRead::Step const& step);
  void end_follow(Follow const& follow);
  /// How far a reply has got.
  enum class Produced : std::uint8_t {
    all,   ///< It is made.
    part,  ///< It can be made further at once.
    none,  ///< It waits for the log.
  };
  Produced produce(ReadyReply& reply);
  Produced produce(WriteReply& reply);
  Produced produce(ReadReply& reply);
  Produced produce(FollowReply& reply);
  Produced produce(CancelReply& reply);
  Produced produce(CountReply& reply);
  Produced produce(StatsReply& reply);
  Produced produce(AuditReply& reply);
  Produced produce(DropReply& reply);
  Produced produce_entries(ReadReply& reply);
  void append_runs(protocol::FrameBuilder& frame, std::span<EntryRun const> runs);
  void append_frame(std::string_view text);
  void append_frame_failure(std::string_view id, Failure const& failure,
                            std::optional<protocol::WriteState> state = std::nullopt);
  protocol::FrameForm form() const noexcept;

  RequestHandler& handler_;
  Peer peer_;
  SessionLimits limits_;
  protocol::FrameReader reader_;
  std::size_t read_bytes_;
  ReplyQueue queue_{};
  FollowSet follows_;
  ReplyBatch filling_{};
  ReplyBatch sending_{};
  /// Of this call of advance(): for what is sent, and for messages, so that neither starves.
  TurnBudget turn_{};
  TurnBudget taking_{};
  std::unique_ptr<LargeRequests::Ticket> large_{};  ///< A message that is parsed in parts.
  ParserWaiter* parser_waiter_ = nullptr;
  wal::Gathering share_{};  ///< What this connection has added to a commit.
  /// Numbered writes that the log has taken, and whose replies are not made, made, and being sent.
  std::size_t numbered_queued_ = 0;
  std::size_t numbered_filling_ = 0;
  std::size_t numbered_sending_ = 0;
  std::size_t overtaking_bytes_ = 0;  ///< Of replies made between the frames of a read.
  ClientTimeout patience_;
  ReaderPatience reader_patience_;
  SessionMemory memory_;
  bool received_ = false;       ///< Something, since on_time() was last called.
  bool asked_ = false;          ///< A request has come,
  bool was_asked_ = false;      ///< one in this call of advance().
  bool follows_first_ = false;  ///< In the next call of advance(), so that neither starves.
  FlowControl flow_{};
  bool draining_ = false;
  bool drained_ = false;
  bool client_ended_ = false;
  bool end_seen_ = false;
  bool input_failed_ = false;
};

}  // namespace stele::daemon
