#include "client-lib/connection/client_state.hpp"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "client-lib/json_number.hpp"
#include "protocol/frame/frame.hpp"

namespace stele::client {
namespace {

// Enough for several replies to writes, and for reads few system calls a frame.
constexpr std::size_t receive_bytes_min = std::size_t{256} << 10;

// Several frames of a read, so that few of them have to be moved in the buffer, and no more than
// a processor's own cache holds.
constexpr std::size_t receive_bytes_kept = std::size_t{1} << 20;

Failure entry_failure(std::size_t index, Failure failure) {
  failure.message = "entries[" + std::to_string(index) + "]: " + failure.message;
  return failure;
}

Failure request_too_large(std::size_t request_bytes, std::size_t frame_bytes_max) {
  auto const limit = std::to_string(frame_bytes_max);
  return {Error::entry_too_large,
          "the request has " + std::to_string(request_bytes) +
              " bytes or more of JSON text, the daemon's frame_bytes_max is " + limit +
              "; write fewer entries at once",
          "{\"frame_bytes_max\":" + limit + "}"};
}

std::size_t text_bytes(std::span<LogEntry const> entries) noexcept {
  std::size_t bytes = 0;
  for (auto const& entry : entries) bytes += entry.message.size() + entry.metadata.size();
  return bytes;
}

// The id of a JSON object that has this member and `"ok":true`.
std::optional<std::uint64_t> document_id(std::string_view text, char const* member) {
  boost::system::error_code ec;
  auto const document = boost::json::parse({text.data(), text.size()}, ec);
  if (ec.failed() || !document.is_object()) return std::nullopt;
  auto const& object = document.get_object();
  auto const* ok = object.if_contains("ok");
  if (ok == nullptr || !ok->is_bool() || !ok->get_bool()) return std::nullopt;
  if (!object.contains(member)) return std::nullopt;
  return number_of(object.if_contains("id"));
}

}  // namespace

// A reply is never above the protocol's ceiling, whatever the daemon accepts as a request.
ClientState::ClientState() : reader_{protocol::frame_bytes_ceiling, receive_bytes_kept} {}

template <class AppendRequest>
Result<void> ClientState::queue(Kind kind, AppendRequest&& append_request) {
  auto const start = outbox_.size();
  protocol::FrameBuilder frame{outbox_, protocol::FrameForm::binary};
  auto const text_start = outbox_.size();
  append_request(outbox_, next_id_);
  auto const request_bytes = outbox_.size() - text_start;
  if (request_bytes > limits_.frame_bytes_max) {
    outbox_.resize(start);
    return request_too_large(request_bytes, limits_.frame_bytes_max);
  }
  frame.finish();
  queued_bytes_ += outbox_.size() - start;
  in_flight_.push_back({.id = next_id_, .kind = kind, .sent_bytes_end = queued_bytes_});
  ++next_id_;
  return {};
}

Result<void> check_name(std::string_view name) {
  if (name.size() > protocol::client_name_bytes_max) {
    return Failure{Error::bad_request,
                   "name has " + std::to_string(name.size()) + " bytes; the limit is " +
                       std::to_string(protocol::client_name_bytes_max),
                   R"({"path":"name"})"};
  }
  return protocol::validate_text("name", name);
}

Result<void> ClientState::hello(std::string_view name,
                                std::optional<protocol::WriterId> const& writer,
                                std::optional<std::uint64_t> since_seq) {
  if (auto valid = check_name(name); !valid) return valid;
  return queue(Kind::hello, [&](std::string& out, std::uint64_t id) {
    protocol::append_hello(out, id, name, writer, since_seq);
  });
}

void ClientState::ping() { (void)queue(Kind::ping, protocol::append_ping); }

void ClientState::stats() { (void)queue(Kind::stats, protocol::append_stats); }

void ClientState::audit(protocol::Audit const& audit) {
  (void)queue(Kind::audit,
              [&](std::string& out, std::uint64_t id) { protocol::append_audit(out, id, audit); });
}

void ClientState::report_dropped(protocol::ReportDropped const& report) {
  (void)queue(Kind::report_dropped, [&](std::string& out, std::uint64_t id) {
    protocol::append_report_dropped(out, id, report);
  });
}

void ClientState::acknowledge(protocol::Acknowledge const& known) {
  (void)queue(Kind::acknowledge, [&](std::string& out, std::uint64_t id) {
    protocol::append_acknowledge(out, id, known);
  });
}

Result<void> ClientState::confirm(protocol::Confirm const& confirm) {
  if (auto valid = protocol::validate_text("consumer", confirm.consumer); !valid) return valid;
  return queue(Kind::ping, [&](std::string& out, std::uint64_t id) {
    protocol::append_confirm(out, id, confirm);
  });
}

Result<void> ClientState::read_logs(protocol::ReadLogs const& read) {
  if (auto valid = protocol::validate_filter(read.filter); !valid) return valid;
  if (auto valid = protocol::validate_text("cursor", read.cursor); !valid) return valid;
  return queue(Kind::read, [&](std::string& out, std::uint64_t id) {
    protocol::append_read_logs(out, id, read);
  });
}

Result<std::uint64_t> ClientState::follow_logs(protocol::ReadLogs const& read) {
  if (auto queued = read_logs(read); !queued) return queued.error();
  follows_.push_back(in_flight_.back());
  in_flight_.pop_back();
  return follows_.back().id;
}

void ClientState::end_follow(std::uint64_t id) { cancel(follows_, id); }

void ClientState::end_read(std::uint64_t id) { cancel(in_flight_, id); }

/// What is still to come is dropped, and nobody waits for the answer to the cancellation.
void ClientState::cancel(std::deque<InFlight>& requests, std::uint64_t id) {
  auto const request = std::ranges::find(requests, id, &InFlight::id);
  if (request == requests.end() || request->discarded) return;
  request->discarded = true;
  (void)queue(Kind::cancel, [&](std::string& out, std::uint64_t cancel_id) {
    protocol::append_cancel(out, cancel_id, id);
  });
  in_flight_.back().discarded = true;
}

Result<void> ClientState::count_logs(protocol::CountLogs const& count) {
  if (auto valid = protocol::validate_filter(count.filter); !valid) return valid;
  return queue(Kind::count, [&](std::string& out, std::uint64_t id) {
    protocol::append_count_logs(out, id, count);
  });
}

Result<void> ClientState::write_log(LogEntry const& entry) {
  auto valid = protocol::validate_entry(entry, {.entry_bytes_max = limits_.entry_bytes_max});
  if (!valid) return valid;
  return queue(Kind::write_log, [&](std::string& out, std::uint64_t id) {
    protocol::append_write_log(out, id, entry);
  });
}

Result<void> ClientState::write_many_logs(std::span<LogEntry const> entries,
                                          std::uint64_t write_no) {
  if (entries.empty()) return Failure{Error::bad_request, "entries: at least one is needed"};
  // Before the request is built: a batch that is far too large should cost nothing.
  if (auto const bytes = text_bytes(entries); bytes > limits_.frame_bytes_max) {
    return request_too_large(bytes, limits_.frame_bytes_max);
  }
  for (std::size_t i = 0; i < entries.size(); ++i) {
    auto valid = protocol::validate_entry(entries[i], {.entry_bytes_max = limits_.entry_bytes_max});
    if (!valid) return entry_failure(i, valid.error());
  }
  return queue(Kind::write_many, [&](std::string& out, std::uint64_t id) {
    protocol::append_write_many_logs(out, id, entries, write_no);
  });
}

Result<void> ClientState::write_encoded_logs(std::string_view entries, std::uint64_t write_no) {
  return queue(Kind::write_many, [&](std::string& out, std::uint64_t id) {
    protocol::append_write_encoded_logs(out, id, entries, write_no);
  });
}

void ClientState::sent(std::size_t bytes) noexcept {
  outbox_sent_ += bytes;
  sent_bytes_ += bytes;
  if (outbox_sent_ == outbox_.size()) {
    outbox_.clear();
    outbox_sent_ = 0;
  }
}

std::span<char> ClientState::receive_buffer() { return reader_.prepare(receive_bytes_min); }

void ClientState::close(Failure why) {
  if (!closed_) closed_ = std::move(why);
}

void ClientState::break_off(std::string message) {
  close({ClientError::protocol_violation, std::move(message)});
}

std::optional<ClientState::Answer> ClientState::next() {
  using Status = protocol::FrameReader::Status;
  for (;;) {
    if (closed_ && closed_->code == ClientError::protocol_violation) return answer_from_closed();
    auto const frame = reader_.next();
    switch (frame.status) {
      case Status::message:
        if (auto answer = accept(frame.message)) return answer;
        break;  // It belonged to a discarded read, or the state is closed now.
      case Status::failed:
        break_off("the daemon's reply is not a frame: " + frame.failure.message);
        break;
      case Status::blank:
        break;
      case Status::need_more:
      case Status::end:
        return closed_ ? answer_from_closed() : std::nullopt;
    }
  }
}

bool ClientState::is_write(Kind kind) noexcept {
  return kind == Kind::write_log || kind == Kind::write_many || kind == Kind::report_dropped ||
         kind == Kind::acknowledge;
}

/// The member that distinguishes a document from other replies; null: the request has another
/// answer.
char const* ClientState::document_member(Kind kind) noexcept {
  switch (kind) {
    case Kind::hello:
      return "protocol";
    case Kind::stats:
      return "limits";
    case Kind::audit:
      return "complete";
    case Kind::count:
      return "count";
    default:
      return nullptr;
  }
}

/// Whether a reply has what its request asked for. An "ok" without it must not pass for success: it
/// may be the answer to something else.
bool ClientState::fits(Kind kind, protocol::Reply const& reply) noexcept {
  if (!reply.ok) return true;
  switch (kind) {
    case Kind::write_log:
      return reply.has.seq && !reply.has.entries;
    case Kind::write_many:
      return reply.has.first_seq && reply.has.last_seq && reply.first_seq <= reply.last_seq;
    case Kind::report_dropped:
      return reply.has.before_seq;
    case Kind::acknowledge:
      return !reply.has.seq && !reply.has.first_seq && !reply.has.before_seq;
    case Kind::read:
      return reply.has.entries && reply.has.more;
    case Kind::ping:
      return !reply.has.seq && !reply.has.first_seq && !reply.has.entries;
    case Kind::cancel:
      return reply.has.cancelled;
    case Kind::hello:
    case Kind::stats:
    case Kind::audit:
    case Kind::count:
      return true;  // parse() has looked for the document's own member.
  }
  return false;
}

// Replies to hello and stats have members of their own, whose names can mean other things in other
// replies (stats has `entries`); a failure looks the same everywhere. A frame of a follow may come
// in their place.
Result<protocol::Reply> ClientState::parse(std::string_view text) const {
  if (in_flight_.empty()) return protocol::parse_reply(text);
  auto const& request = in_flight_.front();
  auto const* const member = document_member(request.kind);
  if (member == nullptr) return protocol::parse_reply(text);
  auto const id = document_id(text, member);
  if (id && *id == request.id) return protocol::Reply{.id = *id, .ok = true};
  auto reply = protocol::parse_reply(text);
  if (reply && reply->ok && reply->id == request.id) {
    return Failure{Error::bad_request, std::string{"it has no member \""} + member + '"'};
  }
  return reply;
}

std::optional<ClientState::Answer> ClientState::accept(std::string_view text) {
  auto parsed = parse(text);
  if (!parsed) {
    break_off("the daemon's reply cannot be read: " + parsed.error().message);
    return std::nullopt;
  }
  auto reply = std::move(*parsed);
  // A failure without an id concerns the connection, which the daemon closes.
  if (reply.id == 0 && !reply.ok) {
    close({ClientError::connection_lost,
           "the daemon closed the connection: " + reply.failure.message});
    if (!in_flight_.empty()) in_flight_.pop_front();
    return Answer{.reply = std::move(reply), .text = text};
  }
  auto const follow = std::ranges::find(follows_, reply.id, &InFlight::id);
  if (follow != follows_.end()) {
    if (!fits(Kind::read, reply)) return refuse_shape(reply);
    bool const discarded = follow->discarded;
    reply.more = reply.more && reply.ok;
    if (!reply.more) follows_.erase(follow);
    if (discarded) return std::nullopt;
    return Answer{.reply = std::move(reply), .text = text};
  }
  if (in_flight_.empty() || reply.id != in_flight_.front().id) {
    break_off("the daemon answered request " + std::to_string(reply.id) + " when " +
              (in_flight_.empty() ? std::string{"none"}
                                  : "request " + std::to_string(in_flight_.front().id)) +
              " was next");
    return std::nullopt;
  }
  auto const request = in_flight_.front();
  reply.more = reply.more && reply.ok;
  if (!fits(request.kind, reply) || (reply.more && request.kind != Kind::read)) {
    return refuse_shape(reply);
  }
  if (!reply.more) in_flight_.pop_front();
  if (request.discarded) return std::nullopt;
  return Answer{.reply = std::move(reply), .text = text};
}

std::optional<ClientState::Answer> ClientState::refuse_shape(protocol::Reply const& reply) {
  break_off("the daemon's reply to request " + std::to_string(reply.id) +
            " is not one to what was asked");
  return std::nullopt;
}

std::optional<ClientState::Answer> ClientState::answer_from_closed() {
  Answer answer{.reply = {.failure = *closed_}};
  auto& requests = in_flight_.empty() ? follows_ : in_flight_;
  if (requests.empty()) return answer;
  auto const request = requests.front();
  requests.pop_front();
  if (request.discarded) return answer_from_closed();
  answer.reply.id = request.id;
  if (!is_write(request.kind)) return answer;
  // The daemon drops a frame that it did not receive whole.
  bool const sent_whole = sent_bytes_ >= request.sent_bytes_end;
  answer.reply.state =
      sent_whole ? protocol::WriteState::unknown : protocol::WriteState::not_written;
  auto& failure = answer.reply.failure;
  failure.state = answer.reply.state;
  if (failure.code == ClientError::protocol_violation) return answer;
  if (sent_whole) {
    failure.code = ClientError::outcome_unknown;
    failure.message += "; the write was sent, it may be stored or not";
  } else {
    failure.code = ClientError::connection_lost;
    failure.message += "; the write was not sent whole, it is not stored";
  }
  return answer;
}

}  // namespace stele::client
