// Sends the batches of a LogBuffer over as many connections as it takes, so that each is stored
// once. Decides what goes out next and what an answer means. No sockets, no clock, no threads.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "client-lib/connection/client_state.hpp"
#include "client-lib/connection/hello_reply.hpp"
#include "client-lib/logger/log_buffer.hpp"
#include "protocol/writer_id.hpp"
#include "stele/error.hpp"

namespace stele::client {

/// A batch is one write with a number, sent again under the same number until its outcome is known.
/// One batch is under way at a time: the order of the log is the order of the buffer, also when one
/// is refused for now; while it is under way, the next one gathers.
///
///   greeting --hello answered--> ready <--answer-- writing, reporting
///       ^                          |
///       +--begin(new connection)---+ any state
class BatchSender {
 public:
  /// Makes a writer id that nobody else has.
  using WriterSource = std::function<protocol::WriterId()>;

  BatchSender(std::string name, WriterSource new_writer);

  /// No connection could be made.
  void cannot_begin(Failure why) { trouble_ = std::move(why); }
  /// A connection was made; what came from an earlier one is forgotten.
  void begin(ClientState& connection);

  enum class Step {
    exchange,   ///< Bytes are to be sent or received.
    idle,       ///< Nothing to do until entries arrive.
    pause,      ///< Refused for now: call again after a pause.
    reconnect,  ///< The connection is of no use any more: begin a new one, after a pause.
  };
  /// Takes the answers that have arrived and makes the next request. `reports`: whether dropped
  /// entries are to be reported now.
  Step advance(ClientState& connection, LogBuffer& buffer, bool reports);

  /// Why the last pause, reconnection or refusal was; nothing once a batch was stored.
  std::optional<Failure> const& trouble() const noexcept { return trouble_; }
  /// Why the daemon refused the entries that it refused last.
  std::optional<Failure> const& refusal() const noexcept { return refusal_; }
  /// The daemon's limit, as far as it is known.
  std::size_t entry_bytes_max() const noexcept { return entry_bytes_max_; }
  /// Batches that were sent again, and answered as stored by an earlier attempt.
  std::uint64_t repeated() const noexcept { return repeated_; }
  /// Entries that were sent again although the daemon had forgotten whether it stored them: they
  /// may be there twice.
  std::uint64_t maybe_duplicated() const noexcept { return maybe_duplicated_; }

 private:
  enum class Phase : std::uint8_t { greeting, ready, writing, reporting };

  std::optional<Step> take(ClientState::Answer const& answer, ClientState& connection,
                           LogBuffer& buffer);
  std::optional<Step> take_hello(std::string_view text, ClientState& connection, LogBuffer& buffer);
  std::optional<Step> take_failure(protocol::Reply const& reply, ClientState& connection,
                                   LogBuffer& buffer);
  bool is_known(HelloReply const& hello) const noexcept;
  std::optional<Step> refuse(Failure const& why, LogBuffer& buffer);
  std::optional<Step> renew_writer(ClientState& connection);
  void settle() noexcept;
  bool make_request(ClientState& connection, LogBuffer& buffer, bool reports);

  std::string name_;
  WriterSource new_writer_;
  protocol::WriterId writer_;
  Phase phase_ = Phase::greeting;
  std::uint64_t write_no_ = 1;  ///< Of the oldest batch.
  std::uint64_t attempts_ = 0;  ///< How often that batch was sent under this number.
  std::string store_id_{};
  /// On disk before this writer sent its first batch; reported by its first hello.
  std::optional<std::uint64_t> since_seq_{};
  bool takes_since_seq_ = false;    ///< So does the daemon.
  std::uint64_t report_count_ = 0;  ///< Of the report under way.
  std::size_t entry_bytes_max_ = protocol::entry_bytes_default;
  std::optional<Failure> trouble_{};
  std::optional<Failure> refusal_{};
  std::uint64_t repeated_ = 0;
  std::uint64_t maybe_duplicated_ = 0;
};

}  // namespace stele::client
