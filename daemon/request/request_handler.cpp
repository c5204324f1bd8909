#include "daemon/request/request_handler.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/assert.hpp>
#include <utility>

#include "daemon/query/audit.hpp"
#include "daemon/request/numbered_write.hpp"
#include "daemon/security/access.hpp"
#include "daemon/supervision/diagnostics.hpp"
#include "daemon/version.hpp"
#include "protocol/limits.hpp"
#include "protocol/text/error_text.hpp"
#include "protocol/text/json_text.hpp"

namespace stele::daemon {
namespace {

using protocol::JsonWriter;

/// At least what the record of a drop takes in a commit, as payload.
constexpr std::size_t drop_record_bytes = 64;

std::string user_detail(Peer const& peer) {
  return protocol::Detail().number("uid", peer.origin.uid).number("gid", peer.origin.gid).text();
}

Failure forbidden_failure(Peer const& peer, Right right) {
  bool const is_write = right == Right::write;
  std::string message = "user " + std::to_string(peer.origin.uid);
  message += is_write ? " may not write here; see may-write in the daemon's configuration"
                      : " may not read here; see may-read in the daemon's configuration";
  return {Error::forbidden, std::move(message), user_detail(peer)};
}

Failure batch_too_large_failure(ServiceFacts const& facts, protocol::Write const& write,
                                std::size_t payload_bytes) {
  auto const max = batch_bytes_max(facts);
  auto const bytes = batch_bytes(write.entries.size(), payload_bytes);
  return {Error::entry_too_large,
          "the entries count " + std::to_string(bytes) + " bytes; the limit of one write is " +
              std::to_string(max) + "; send smaller batches",
          protocol::Detail()
              .string("path",
                      to_string(write.many ? protocol::Member::entries : protocol::Member::entry))
              .number("batch_bytes_max", max)
              .number("batch_bytes", bytes)
              .text()};
}

Failure share_failure(Config const& config, std::uint32_t uid, std::uint64_t bytes) {
  auto const bytes_max = history_bytes_max(config);
  return {Error::no_space,
          "user " + std::to_string(uid) + " has " + std::to_string(bytes) +
              " bytes of the log; its share is " + std::to_string(bytes_max) +
              " (history-share), and more would remove entries of others; writing resumes when "
              "those have expired",
          protocol::Detail()
              .number("uid", uid)
              .number("history_bytes", bytes)
              .number("history_bytes_max", bytes_max)
              .text()};
}

Failure store_full_failure() {
  return {Error::no_space,
          "the entries fill the memory that the daemon may use; raise its max-store-bytes, or set "
          "retain-bytes"};
}

Failure beyond_the_log_failure(protocol::Member member, Seq seq, Seq last_seq) {
  std::string const name(to_string(member));
  return {Error::bad_request,
          '"' + name + "\" is " + std::to_string(seq) + ", but the log ends at " +
              std::to_string(last_seq),
          protocol::Detail().string("path", name).number("durable_seq", last_seq).text()};
}

/// Taken, it would pass for proof that nothing of this writer was forgotten, though its next writes
/// have seqs below it.
Failure since_beyond_the_log_failure(Seq seq, Seq last_seq) {
  auto failure = beyond_the_log_failure(protocol::Member::since_seq, seq, last_seq);
  failure.message += "; the log was restored to an older state: choose a new writer";
  return failure;
}

Failure not_an_operator_failure(Peer const& peer) {
  return {Error::forbidden, "only root, or the daemon's own user, may acknowledge damage",
          user_detail(peer)};
}

Failure no_damage_failure(protocol::Acknowledge const& request) {
  return {Error::bad_request,
          "nothing from seq " + std::to_string(request.first_seq) + " to " +
              std::to_string(request.last_seq) +
              " is damaged and not acknowledged; audit names what is",
          R"({"path":"first_seq"})"};
}

Failure too_many_places_failure(std::size_t places) {
  return {
      Error::bad_request,
      std::to_string(places) + " places are damaged among these seqs; acknowledge fewer at once",
      R"({"path":"last_seq"})"};
}

Failure no_consumer_failure(std::string_view name) {
  return {Error::bad_request,
          "there is no consumer " + protocol::excerpt(name) +
              "; the daemon's setting consumers names those that there are",
          R"({"path":"consumer"})"};
}

}  // namespace

Failure no_space_failure() {
  return {Error::no_space, "the disk is full; writing resumes by itself when there is space"};
}

Failure log_failed_failure() {
  return {Error::log_failed, "the disk reported an error; the daemon stops"};
}

Failure too_many_buckets_failure() {
  auto const buckets_max = std::to_string(protocol::count_buckets_max);
  return {Error::bad_request,
          "the count has more than " + buckets_max +
              " buckets; count a shorter range, or with a larger bucket_us",
          "{\"path\":\"bucket_us\",\"buckets_max\":" + buckets_max + '}'};
}

RequestHandler::RequestHandler(ServiceFacts const& facts, Store& store, LogPort& log,
                               Clock const& clock, Metrics& metrics)
    : facts_(facts),
      store_(store),
      log_(log),
      clock_(clock),
      metrics_(metrics),
      parser_(protocol::RequestLimits{facts.config.max_entry_bytes}),
      large_requests_(protocol::RequestLimits{facts.config.max_entry_bytes}) {
  memory_.apply(facts.config);
  store_.spare_memory().set_bytes_max(spare_entry_bytes_max(facts.config));
}

void RequestHandler::refuse_id(protocol::ParsedRequest& request) {
  if (!request.request) {  // What is wrong with it besides comes first.
    request.id = {};
    return;
  }
  std::string detail = R"({"path":"id","id":)" + std::string(request.id) + '}';
  request.request = Failure(Error::bad_request,
                            "\"id\" is that of a follow that is under way, whose frames carry it; "
                            "this reply carries none",
                            std::move(detail));
  request.id = {};
}

PendingReply RequestHandler::answer(protocol::ParsedRequest const& parsed, Peer& peer) {
  if (!parsed.request) {
    std::optional<protocol::WriteState> state;
    if (parsed.is_write) state = protocol::WriteState::not_written;
    if (parsed.write_no != 0 && peer.writer) store_.writers().check(peer.writer, parsed.write_no);
    return fail(parsed.id, parsed.request.error(), state);
  }
  auto const op = op_of(*parsed.request);
  metrics_.count(op);
  if (auto const right = right_for(op); !has(peer.access, right)) {
    std::optional<protocol::WriteState> state;
    if (right == Right::write) state = protocol::WriteState::not_written;
    return fail(parsed.id, forbidden_failure(peer, right), state);
  }
  return std::visit([&](auto const& request) { return answer(parsed.id, request, peer); },
                    *parsed.request);
}

void RequestHandler::append_failure(std::string& out, std::string_view id, Failure const& failure,
                                    std::optional<protocol::WriteState> state) {
  metrics_.count(protocol::travelling(failure.code));
  protocol::append_failure(out, id, failure, state);
}

void RequestHandler::append_stats_reply(std::string& out, StatsReply const& reply) const {
  protocol::append_ok_start(out, reply.id);
  append_stats(out, {facts_, metrics_, memory_, store_, log_, clock_.now(), draining_});
  out += '}';
}

void RequestHandler::append_audit_reply(std::string& out, AuditReply const& reply) const {
  auto const& gaps = log_.gaps();
  daemon::append_audit_reply(out, reply.id, audit(store_, gaps, reply.start_ts), gaps);
}

ReadyReply RequestHandler::fail(std::string_view id, Failure const& failure,
                                std::optional<protocol::WriteState> state) {
  ReadyReply reply;
  append_failure(reply.text, id, failure, state);
  return reply;
}

PendingReply RequestHandler::answer(std::string_view id, protocol::Hello const& request,
                                    Peer& peer) {
  if (request.since_seq > store_.visible_seq()) {
    return fail(id, since_beyond_the_log_failure(*request.since_seq, store_.visible_seq()));
  }
  spdlog::debug("hello from pid {} uid {}: {}", peer.origin.pid, peer.origin.uid,
                printable(request.client));
  ReadyReply reply;
  protocol::append_ok_start(reply.text, id);
  JsonWriter writer(reply.text);
  writer.member("protocol", protocol::protocol_version)
      .member("version", version)
      .member("store_id", facts_.store_id);
  if (request.writer) {
    peer.writer = store_.writers().attach(*request.writer, request.since_seq);
    append_knowledge(reply.text, store_.writers().knowledge(peer.writer));
    writer.member("durable_seq", store_.visible_seq())
        .member("forgotten_seq", store_.writers().forgotten_seq());
  }
  append_limits(reply.text, facts_);
  writer.end_object();
  return reply;
}

PendingReply RequestHandler::answer(std::string_view id, protocol::Ping const& /*request*/,
                                    Peer& /*peer*/) {
  auto reply = answer_ping(id);
  reply.may_overtake = true;
  return reply;
}

Failure RequestHandler::refusal(boost::system::error_code error) {
  if (error != wal::Errc::no_space) return log_failed_failure();
  log_.note_refused();
  return no_space_failure();
}

bool RequestHandler::memory_is_full() {
  bool const full = is_full(facts_, store_);
  if (full == std::exchange(memory_was_full_, full)) return full;
  if (full) {
    spdlog::warn("the entries fill max-store-bytes, {}: writes are refused",
                 format_size(facts_.store_bytes_max));
  } else {
    spdlog::info("the entries have room again: writes are taken");
  }
  return full;
}

ReadyReply RequestHandler::answer_ping(std::string_view id) {
  if (log_.admit(1, 1) == wal::Errc::failed) return fail(id, log_failed_failure());
  if (log_.is_full()) return fail(id, no_space_failure());
  if (draining_) return fail(id, {Error::shutting_down, "the daemon is stopping"});
  if (memory_is_full()) return fail(id, store_full_failure());
  ReadyReply reply;
  protocol::append_ok(reply.text, id);
  return reply;
}

PendingReply RequestHandler::answer(std::string_view id, protocol::Stats const& /*request*/,
                                    Peer& /*peer*/) {
  return StatsReply{std::string(id)};
}

PendingReply RequestHandler::answer(std::string_view id, protocol::Help const& /*request*/,
                                    Peer& /*peer*/) {
  ReadyReply reply;
  protocol::append_help_reply(reply.text, id);
  return reply;
}

PendingReply RequestHandler::answer(std::string_view id, protocol::Write const& request,
                                    Peer& peer) {
  using protocol::WriteState;
  wal::WriterMark mark;
  if (request.write_no != 0) {
    if (!peer.writer) return fail(id, no_writer_failure(), WriteState::not_written);
    auto const checked = store_.writers().check(peer.writer, request.write_no);
    if (checked.decision != WriterTable::Decision::is_new) {
      return answer_again(id, request, checked);
    }
    mark = {peer.writer.id(), request.write_no, checked.late};
  }
  if (draining_) {
    return fail(id, {Error::shutting_down, "the daemon is stopping"}, WriteState::not_written);
  }
  if (memory_is_full()) return fail(id, store_full_failure(), WriteState::not_written);
  auto const bytes_max = payload_bytes_max(request);
  if (auto const error = log_.admit(request.entries.size(), bytes_max)) {
    bool const is_large = error == wal::Errc::too_large;
    auto const failure =
        is_large ? batch_too_large_failure(facts_, request, bytes_max) : refusal(error);
    return fail(id, failure, WriteState::not_written);
  }
  auto const admitted = wal::admitted_bytes(request.entries.size(), bytes_max);
  if (auto const failure = judge_share(peer, admitted)) {
    return fail(id, *failure, WriteState::not_written);
  }

  // The bytes are made here, in the store, where they stay; the log copies them to disk.
  Seq const first_seq = log_.next_seq();
  Seq const last_seq = first_seq + request.entries.size() - 1;
  auto const received_at = clock_.wall_us();
  auto const payload_bytes = stage(request, {first_seq, received_at, peer.origin});
  store_.history().stage(last_seq, peer.origin.uid,
                         wal::admitted_bytes(payloads_.size(), payload_bytes));
  shares_.add(log_.gathering().commit_no, peer.origin.uid, payload_bytes, received_at);
  [[maybe_unused]] Seq const appended_at = log_.append(mark, payloads_);
  BOOST_ASSERT(appended_at == first_seq);
  if (request.write_no != 0) {
    NumberedWrite const write{request.write_no, first_seq, last_seq};
    store_.writers().stage(peer.writer, write, peer.origin.uid, mark.late);
  }

  WriteReply reply;
  reply.id = id;
  reply.many = request.many;
  reply.numbered = request.write_no != 0;
  reply.first_seq = first_seq;
  reply.last_seq = last_seq;
  return reply;
}

/// A user above its share of the history may go on as long as only its own entries make room.
std::optional<Failure> RequestHandler::judge_share(Peer const& peer, std::uint64_t more_bytes) {
  auto const bytes_max = history_bytes_max(facts_.config);
  auto const uid = peer.origin.uid;
  if (bytes_max == 0 || is_operator(uid, facts_.own_uid)) return std::nullopt;
  auto const bytes = store_.history().bytes_of(uid);
  if (bytes <= bytes_max && more_bytes <= bytes_max - bytes) return std::nullopt;
  if (!store_.history().has_others_before(log_.first_seq_kept(), uid)) return std::nullopt;
  ++metrics_.shares_exceeded;
  return share_failure(facts_.config, uid, bytes);
}

/// Neither a full disk nor the end of the daemon matters: nothing is written.
PendingReply RequestHandler::answer_again(std::string_view id, protocol::Write const& request,
                                          WriterTable::CheckedWrite const& checked) {
  using protocol::WriteState;
  using Decision = WriterTable::Decision;
  if (checked.decision == Decision::crowded) {
    return fail(id, crowded_failure(), WriteState::not_written);
  }
  if (checked.decision != Decision::repeated) {
    bool const is_sure = checked.decision == Decision::passed_by;
    return fail(id, unknown_retry_failure(checked.decision),
                is_sure ? WriteState::not_written : WriteState::unknown);
  }
  if (!has_entries(store_, checked.original, request.entries)) {
    return fail(id, id_conflict_failure(checked.original), WriteState::not_written);
  }
  ++metrics_.writes_repeated;
  WriteReply reply;
  reply.id = id;
  reply.many = request.many;
  reply.dup = true;
  reply.numbered = true;
  reply.first_seq = checked.original.first_seq;
  reply.last_seq = checked.original.last_seq;
  return reply;
}

PendingReply RequestHandler::answer(std::string_view id, protocol::ReadLogs const& request,
                                    Peer& /*peer*/) {
  if (request.follow) {
    return FollowReply{std::string(id), std::make_unique<FollowRead>(request), false};
  }
  auto read = RangeRead::make(request);
  if (!read) return fail(id, read.error());
  return ReadReply{std::string(id), *std::move(read), false, false};
}

PendingReply RequestHandler::answer(std::string_view id, protocol::CountLogs const& request,
                                    Peer& /*peer*/) {
  return CountReply{std::string(id), RangeCount(request), false};
}

PendingReply RequestHandler::answer(std::string_view id, protocol::Cancel const& request,
                                    Peer& /*peer*/) {
  return CancelReply{std::string(id), std::string(request.target), false};
}

PendingReply RequestHandler::answer(std::string_view id, protocol::Audit const& request,
                                    Peer& /*peer*/) {
  return AuditReply{std::string(id), request.start_ts};
}

PendingReply RequestHandler::answer(std::string_view id, protocol::ReportDropped const& request,
                                    Peer& peer) {
  using protocol::WriteState;
  if (draining_) {
    return fail(id, {Error::shutting_down, "the daemon is stopping"}, WriteState::not_written);
  }
  if (auto const error = log_.admit(1, drop_record_bytes)) {
    return fail(id, refusal(error), WriteState::not_written);
  }
  if (auto const failure = judge_share(peer, drop_record_bytes)) {
    return fail(id, *failure, WriteState::not_written);
  }
  if (auto const held_back = drop_lines_.pass(clock_.now())) {
    spdlog::warn("pid {} uid {} dropped {} entries ({} more reports since the last line)",
                 peer.origin.pid, peer.origin.uid, request.count, *held_back);
  }
  DropReply reply;
  reply.id = id;
  reply.before_seq = log_.next_seq();
  store_.history().stage(reply.before_seq - 1, peer.origin.uid, drop_record_bytes);
  bool const is_peers = request.writer == protocol::WriterId{} && peer.writer;
  reply.commit_no =
      log_.append_dropped(is_peers ? peer.writer.id() : request.writer, request.count);
  return reply;
}

PendingReply RequestHandler::answer(std::string_view id, protocol::Acknowledge const& request,
                                    Peer& peer) {
  using protocol::WriteState;
  if (!is_operator(peer.origin.uid, facts_.own_uid)) {
    return fail(id, not_an_operator_failure(peer), WriteState::not_written);
  }
  if (draining_) {
    return fail(id, {Error::shutting_down, "the daemon is stopping"}, WriteState::not_written);
  }
  auto const damaged = log_.gaps().unacknowledged(request.first_seq, request.last_seq);
  if (damaged.empty()) return fail(id, no_damage_failure(request), WriteState::not_written);
  auto const error = log_.admit(damaged.size(), damaged.size() * drop_record_bytes);
  if (error == wal::Errc::too_large) {
    return fail(id, too_many_places_failure(damaged.size()), WriteState::not_written);
  }
  if (error) return fail(id, refusal(error), WriteState::not_written);
  DropReply reply;
  reply.id = id;
  reply.acknowledged = 0;
  // Only what is damaged now: what is found later among these seqs is news again.
  for (auto const& gap : damaged) {
    *reply.acknowledged += gap.last_seq - gap.first_seq + 1;
    reply.commit_no = log_.append_acknowledged(gap.first_seq, gap.last_seq);
  }
  spdlog::warn("uid {} acknowledged {} damaged entries among seqs {} to {}", peer.origin.uid,
               *reply.acknowledged, request.first_seq, request.last_seq);
  return reply;
}

PendingReply RequestHandler::answer(std::string_view id, protocol::Confirm const& request,
                                    Peer& /*peer*/) {
  if (request.seq > store_.visible_seq()) {
    return fail(id,
                beyond_the_log_failure(protocol::Member::seq, request.seq, store_.visible_seq()));
  }
  if (!store_.consumers().confirm(request.consumer, request.seq)) {
    return fail(id, no_consumer_failure(request.consumer));
  }
  log_.hold_from(store_.consumers().held_from());
  ReadyReply reply;
  protocol::append_ok(reply.text, id);
  return reply;
}

}  // namespace stele::daemon
