#include "client-lib/logger/batch_sender.hpp"

#include <utility>

namespace stele::client {
namespace {

/// What a failed write or report means for the next step; see PROTOCOL.md, "write_log" and
/// "Exactly once".
enum class Meaning {
  not_now,     ///< Not written; the same request may succeed later.
  reconnect,   ///< The connection is, or will be, of no use.
  new_number,  ///< Not written, and its number cannot be used any more.
  conflict,    ///< Not written: the number was used for other entries.
  forgotten,   ///< Nobody knows whether it was written.
  never,       ///< Not written, and it will not be.
};

Meaning meaning_of(protocol::Reply const& reply) {
  auto const& code = reply.failure.code;
  if (code.category() != error_category()) return Meaning::reconnect;
  switch (static_cast<Error>(code.value())) {
    case Error::no_space:
    case Error::overloaded:
      return Meaning::not_now;
    case Error::bad_frame:
    case Error::frame_too_large:
    case Error::log_failed:
    case Error::shutting_down:
    case Error::too_many_connections:
    case Error::internal:
      return Meaning::reconnect;
    case Error::unknown_retry:
      return reply.state == protocol::WriteState::not_written ? Meaning::new_number
                                                              : Meaning::forgotten;
    case Error::id_conflict:
      return Meaning::conflict;
    case Error::bad_json:
    case Error::bad_request:
    case Error::unknown_op:
    case Error::invalid_entry:
    case Error::entry_too_large:
    case Error::unsupported_version:
    case Error::cursor_expired:
    case Error::forbidden:
      return Meaning::never;
  }
  return Meaning::reconnect;
}

/// Whether other entries of the same request can be taken nevertheless.
bool is_of_an_entry(Failure const& why) {
  return why.code == Error::invalid_entry || why.code == Error::entry_too_large ||
         why.code == Error::unsupported_version || why.code == Error::bad_json;
}

}  // namespace

BatchSender::BatchSender(std::string name, WriterSource new_writer)
    : name_(std::move(name)), new_writer_(std::move(new_writer)), writer_(new_writer_()) {}

void BatchSender::begin(ClientState& connection) {
  (void)connection.hello(name_, writer_, takes_since_seq_ ? since_seq_ : std::nullopt);
  phase_ = Phase::greeting;
}

BatchSender::Step BatchSender::advance(ClientState& connection, LogBuffer& buffer, bool reports) {
  while (auto answer = connection.next()) {
    if (auto const step = take(*answer, connection, buffer)) return *step;
  }
  if (phase_ == Phase::ready && !make_request(connection, buffer, reports)) return Step::idle;
  return Step::exchange;
}

std::optional<BatchSender::Step> BatchSender::take(ClientState::Answer const& answer,
                                                   ClientState& connection, LogBuffer& buffer) {
  auto const& reply = answer.reply;
  if (!reply.ok) return take_failure(reply, connection, buffer);
  switch (phase_) {
    case Phase::greeting:
      return take_hello(answer.text, connection, buffer);
    case Phase::writing:
      repeated_ += reply.dup ? 1 : 0;
      buffer.pop_stored();
      ++write_no_;
      settle();
      trouble_.reset();
      return std::nullopt;
    case Phase::reporting:
      buffer.report(report_count_);
      phase_ = Phase::ready;
      return std::nullopt;
    case Phase::ready:
      break;
  }
  return Step::reconnect;
}

std::optional<BatchSender::Step> BatchSender::take_hello(std::string_view text,
                                                         ClientState& connection,
                                                         LogBuffer& buffer) {
  auto hello = parse_hello(text);
  if (!hello) {
    trouble_ = hello.error();
    return Step::reconnect;
  }
  auto const& server = hello->server;
  connection.set_limits(
      {.entry_bytes_max = server.entry_bytes_max, .frame_bytes_max = server.frame_bytes_max});
  entry_bytes_max_ = server.entry_bytes_max;
  bool const same_store = store_id_.empty() || store_id_ == server.store_id;
  store_id_ = server.store_id;
  takes_since_seq_ = hello->takes_since_seq;
  phase_ = Phase::ready;
  if (!since_seq_) {
    since_seq_ = server.durable_seq;
    return std::nullopt;
  }
  if (same_store && is_known(*hello)) return std::nullopt;
  // It is not known whether the batch under way was written; another store never had it.
  if (attempts_ > 0 && same_store) maybe_duplicated_ += buffer.seal_oldest().entry_count();
  return renew_writer(connection);
}

/// Whether the daemon will know what became of the oldest batch.
bool BatchSender::is_known(HelloReply const& hello) const noexcept {
  auto const& server = hello.server;
  if (server.last_write_no == write_no_) return true;
  if (hello.takes_since_seq) return server.known_above && *server.known_above < write_no_;
  // An older daemon: numbers from 1 on, of a writer that it remembers or cannot have forgotten.
  return server.last_write_no || (write_no_ == 1 && hello.forgotten_seq <= *since_seq_);
}

std::optional<BatchSender::Step> BatchSender::take_failure(protocol::Reply const& reply,
                                                           ClientState& connection,
                                                           LogBuffer& buffer) {
  trouble_ = reply.failure;
  auto const meaning = meaning_of(reply);
  if (phase_ == Phase::reporting && meaning == Meaning::never) {
    buffer.report(report_count_);  // A daemon that does not know reports cannot be notified.
    phase_ = Phase::ready;
    return std::nullopt;
  }
  if (phase_ == Phase::greeting && reply.failure.code == Error::bad_request) {
    // The log was restored to a state from before this writer: it holds none of its writes.
    bool const is_behind_log = reply.failure.detail.find("\"durable_seq\"") != std::string::npos;
    if (since_seq_ && is_behind_log) return renew_writer(connection);
    // An older daemon took the place of the one that had said to take it.
    takes_since_seq_ = false;
  }
  bool const was_written = phase_ == Phase::writing;
  if (was_written && reply.state == protocol::WriteState::not_written) --attempts_;
  if (meaning == Meaning::reconnect || phase_ == Phase::greeting) return Step::reconnect;
  phase_ = Phase::ready;
  if (meaning == Meaning::not_now || !was_written) return Step::pause;
  switch (meaning) {
    case Meaning::new_number:
      ++write_no_;
      attempts_ = 0;
      return std::nullopt;
    case Meaning::forgotten:
      if (attempts_ > 1) maybe_duplicated_ += buffer.seal_oldest().entry_count();
      return renew_writer(connection);
    case Meaning::conflict:
      return renew_writer(connection);
    default:
      return refuse(reply.failure, buffer);
  }
}

/// The daemon does not take the oldest batch as it is. Where an entry of it can be at fault, it is
/// halved until that one is alone; else it is refused as a whole.
std::optional<BatchSender::Step> BatchSender::refuse(Failure const& why, LogBuffer& buffer) {
  if (is_of_an_entry(why) && buffer.seal_oldest().entry_count() > 1) {
    buffer.split_oldest();
  } else {
    refusal_ = why;
    buffer.pop_refused();
  }
  settle();
  return std::nullopt;
}

/// Numbers begin again.
std::optional<BatchSender::Step> BatchSender::renew_writer(ClientState& connection) {
  writer_ = new_writer_();
  write_no_ = 1;
  attempts_ = 0;
  since_seq_.reset();
  begin(connection);
  return std::nullopt;
}

/// The batch under this number is no longer under way, and is not written as it was sent.
void BatchSender::settle() noexcept {
  attempts_ = 0;
  phase_ = Phase::ready;
}

bool BatchSender::make_request(ClientState& connection, LogBuffer& buffer, bool reports) {
  if (reports && buffer.unreported() > 0) {
    report_count_ = buffer.unreported();
    connection.report_dropped({.count = report_count_});
    phase_ = Phase::reporting;
    return true;
  }
  while (!buffer.empty()) {
    auto const queued = connection.write_encoded_logs(buffer.seal_oldest().text, write_no_);
    if (queued) {
      ++attempts_;
      phase_ = Phase::writing;
      return true;
    }
    (void)refuse(queued.error(), buffer);
  }
  return false;
}

}  // namespace stele::client
