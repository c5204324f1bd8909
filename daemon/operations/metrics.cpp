#include "daemon/operations/metrics.hpp"

#include <algorithm>
#include <chrono>
#include <span>

#include "daemon/supervision/diagnostics.hpp"
#include "daemon/version.hpp"
#include "protocol/entry/canonical_entry.hpp"
#include "protocol/limits.hpp"
#include "protocol/text/json_text.hpp"

namespace stele::daemon {
namespace {

using protocol::append_json_number;
using protocol::append_json_string;

/// `,"name":{…}`, closed at the end of its scope; members come in the order of the calls.
class ObjectText {
 public:
  ObjectText(std::string& out, std::string_view name) : out_(out) {
    append_json_string(out_, name);
    out_ += ":{";
  }
  ObjectText(ObjectText const&) = delete;
  ObjectText& operator=(ObjectText const&) = delete;
  ~ObjectText() { out_ += '}'; }

  ObjectText& number(std::string_view name, std::uint64_t value) {
    start_member(name);
    append_json_number(out_, value);
    return *this;
  }
  ObjectText& text(std::string_view name, std::string_view value) {
    start_member(name);
    append_json_string(out_, value);
    return *this;
  }
  ObjectText& json(std::string_view name, std::string_view value) {
    start_member(name);
    out_ += value;
    return *this;
  }

 private:
  void start_member(std::string_view name) {
    if (!first_) out_ += ',';
    first_ = false;
    append_json_string(out_, name);
    out_ += ':';
  }

  std::string& out_;
  bool first_ = true;
};

std::uint64_t microseconds_of(Instant::duration duration) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

/// Pairs of [lower bound in microseconds, count], of the buckets that are not empty. The bounds are
/// powers of two: finer steps would say no more about a disk.
std::string histogram_text(std::span<std::uint64_t const> counts) {
  std::string text = "[";
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    if (text.size() > 1) text += ',';
    text += '[';
    append_json_number(text, i == 0 ? 0 : std::uint64_t{1} << i);
    text += ',';
    append_json_number(text, counts[i]);
    text += ']';
  }
  return text += ']';
}

void append_log(std::string& out, StatsView const& view) {
  auto const status = view.log.status();
  auto const& metrics = status.metrics;
  ObjectText(out, "wal")
      .text("backend", view.facts.backend)
      .number("next_seq", view.log.next_seq())
      .number("durable_seq", status.durable_seq)
      .number("pending_bytes", status.pending_bytes)
      .number("commits", metrics.commits)
      .number("commit_entries", metrics.commit_payloads)
      .number("commit_entries_max", metrics.commit_payloads_max)
      .number("commit_bytes", metrics.commit_bytes)
      .json("commit_us", histogram_text(metrics.commit_latency_us_log2))
      .number("commit_us_sum", metrics.commit_latency_us)
      .number("marks", metrics.marks)
      .number("segments", metrics.segments)
      .number("segments_made", metrics.segments_made)
      .number("segments_removed", metrics.segments_removed)
      .number("segment_waits", metrics.segment_waits)
      .number("segment_wait_us", metrics.segment_wait_us)
      .number("active_first_seq", metrics.active_first_seq)
      .number("space_failures", metrics.space_failures)
      .number("log_bytes", metrics.log_bytes);
}

void append_store(std::string& out, Store const& store) {
  ObjectText object(out, "store");
  object.number("entries", store.index().size())
      .number("bytes", store.text_bytes())
      .number("index_bytes", store.index_bytes())
      .number("visible_seq", store.visible_seq())
      .number("removed_seq", store.removed_seq());
  if (store.index().size() == 0) return;
  object.number("oldest_ts", store.index().first().timestamp)
      .number("newest_ts", store.index().last().timestamp);
}

/// The users with the largest parts; there may be very many.
constexpr std::size_t history_users_max = 16;

void append_history(std::string& out, StatsView const& view) {
  auto const& history = view.store.history();
  std::string largest = "[";
  for (auto const& user : history.largest(history_users_max)) {
    if (largest.size() > 1) largest += ',';
    largest += "{\"uid\":";
    append_json_number(largest, user.uid);
    largest += ",\"bytes\":";
    append_json_number(largest, user.bytes);
    largest += '}';
  }
  largest += ']';
  ObjectText(out, "history")
      .number("bytes", history.bytes())
      .number("users", history.users())
      .json("largest", largest)
      .number("shares_exceeded", view.metrics.shares_exceeded);
}

void append_missing(std::string& out, wal::GapTotals const& missing) {
  ObjectText(out, "missing")
      .number("expired", missing.expired)
      .number("damaged", missing.damaged)
      .number("acknowledged", missing.acknowledged)
      .number("torn", missing.torn)
      .number("dropped", missing.dropped);
}

void append_counters(std::string& out, Metrics const& metrics) {
  ObjectText(out, "connections")
      .number("open", metrics.connections_open)
      .number("accepted", metrics.connections_accepted)
      .number("refused", metrics.connections_refused)
      .number("timed_out", metrics.connections_timed_out)
      .number("readers_timed_out", metrics.readers_timed_out);
  out += ',';
  {
    ObjectText requests(out, "requests");
    for (auto const& operation : protocol::operations) {
      requests.number(operation.name, metrics.requests[static_cast<std::size_t>(operation.op)]);
    }
  }
  out += ',';
  {
    ObjectText errors(out, "errors");
    for (std::size_t i = 0; i < metrics.errors.size(); ++i) {
      if (metrics.errors[i] != 0) {
        errors.number(to_string(static_cast<Error>(i)), metrics.errors[i]);
      }
    }
  }
  out += ',';
  ObjectText(out, "entry_counts")
      .number("written", metrics.entries_written)
      .number("read", metrics.entries_read);
}

void append_tails(std::string& out, Metrics const& metrics) {
  ObjectText(out, "tails")
      .number("open", metrics.tails_open)
      .number("entries", metrics.entries_tailed)
      .number("lagged", metrics.tails_lagged);
}

/// What is held now, by what the bounds of `limits` are about.
void append_memory(std::string& out, StatsView const& view) {
  auto const pending = view.log.pending_bytes();
  auto const gaps = view.log.gaps().gaps().size() * sizeof(wal::Gap);
  auto const writers = view.store.writers().bytes();
  auto const unread = view.memory.unread().bytes();
  auto const unsent = view.memory.unsent().bytes();
  ObjectText(out, "memory")
      .number("store_bytes", view.store.held_bytes())
      .number("in_flight_bytes", pending)
      .number("writers_bytes", writers)
      .number("gaps_bytes", gaps)
      .number("unread_bytes", unread)
      .number("unsent_bytes", unsent)
      .number("pinned_bytes", view.store.pinned_bytes())
      .number("machine_bytes", view.facts.machine_bytes)
      .number("bytes", view.store.held_bytes() + pending + writers + gaps + unread + unsent)
      .number("waiting", view.memory.waiters().count());
}

void append_diagnostics(std::string& out) {
  ObjectText(out, "diagnostics").number("lines_dropped", diagnostics_lines_dropped());
}

void append_writers(std::string& out, StatsView const& view) {
  ObjectText(out, "writers")
      .number("remembered", view.store.writers().size())
      .number("users", view.store.writers().users())
      .number("bytes", view.store.writers().bytes())
      .number("forgotten_seq", view.store.writers().forgotten_seq())
      .number("writes_repeated", view.metrics.writes_repeated);
}

void append_consumers(std::string& out, Store const& store) {
  ObjectText consumers(out, "consumers");
  for (auto const& consumer : store.consumers().all()) {
    auto const confirmed = consumer.confirmed_seq.value_or(0);
    std::string text = "{\"confirmed_seq\":";
    if (consumer.confirmed_seq) {
      append_json_number(text, confirmed);
    } else {
      text += "null";
    }
    text += ",\"unconfirmed\":";
    append_json_number(text, store.visible_seq() - std::max(confirmed, store.removed_seq()));
    text += ",\"lost\":";
    append_json_number(text, consumer.lost);
    consumers.json(consumer.name, text += '}');
  }
}

/// Of what the start found; `audit` and `stele verify` tell more of it.
constexpr std::size_t recovery_items_max = 100;

void append_recovery(std::string& out, ServiceFacts const& facts) {
  auto const& report = facts.recovery;
  auto const gaps_told = std::min(report.gaps.size(), recovery_items_max);
  std::string gaps = "[";
  for (auto const& gap : std::span(report.gaps).first(gaps_told)) {
    if (gaps.size() > 1) gaps += ',';
    gaps += "{\"first_seq\":";
    append_json_number(gaps, gap.first_seq);
    gaps += ",\"last_seq\":";
    append_json_number(gaps, gap.last_seq);
    gaps += ",\"reason\":";
    append_json_string(gaps, wal::to_string(gap.reason));
    gaps += '}';
  }
  gaps += ']';
  auto const findings_told = std::min(report.findings.size(), recovery_items_max);
  std::string findings = "[";
  for (auto const& finding : std::span(report.findings).first(findings_told)) {
    if (findings.size() > 1) findings += ',';
    append_json_string(findings, finding);
  }
  findings += ']';
  ObjectText(out, "recovery")
      .json("clean_stop", report.clean_stop ? "true" : "false")
      .number("entries", report.payloads)
      .number("rejected", facts.recovery_rejected)
      .number("bytes", report.bytes)
      .number("segments", report.segments)
      .number("took_us", facts.recovery_us)
      .json("gaps", gaps)
      .number("gaps_omitted", report.gaps.size() - gaps_told)
      .json("findings", findings)
      .number("findings_omitted", report.findings.size() - findings_told + report.findings_omitted);
}

bool is_damaged(ServiceFacts const& facts, LogPort const& log) {
  return facts.recovery_rejected > 0 || facts.recovery.damage_without_seqs ||
         log.gaps().totals().damaged > log.gaps().totals().acknowledged;
}

/// Before the machine had a say in it.
std::uint64_t asked_store_bytes(ServiceFacts const& facts) noexcept {
  return facts.store_is_cut ? store_bytes_max(facts.config, facts.machine_bytes)
                            : facts.store_bytes_max;
}

}  // namespace

bool is_full(ServiceFacts const& facts, Store const& store) noexcept {
  bool const makes_room = facts.config.retain_bytes != 0 && !facts.store_is_cut;
  return !makes_room && store.held_bytes() >= facts.store_bytes_max;
}

std::string_view service_state(ServiceFacts const& facts, Store const& store, LogPort const& log,
                               bool draining) {
  auto const error = log.admit(1, 1);
  if (error == wal::Errc::failed) return "log_failed";
  if (draining) return "shutting_down";
  if (log.is_full() || is_full(facts, store)) return "no_space";
  return is_damaged(facts, log) ? "damaged" : "ok";
}

std::size_t batch_bytes_max(ServiceFacts const& facts) noexcept {
  return facts.commit_bytes_max - wal::admitted_bytes(0, 0);
}

std::size_t batch_bytes(std::size_t entries, std::size_t payload_bytes) noexcept {
  return wal::admitted_bytes(entries, payload_bytes) - wal::admitted_bytes(0, 0);
}

void append_limits(std::string& out, ServiceFacts const& facts) {
  Config const& config = facts.config;
  ObjectText(out, "limits")
      .number("frame_bytes_max", config.max_frame_bytes)
      .number("entry_bytes_max", config.max_entry_bytes)
      .number("batch_bytes_max", batch_bytes_max(facts))
      .number("batch_entry_bytes", batch_bytes(1, protocol::canonical_bytes_max({})))
      .number("json_depth_max", protocol::json_depth_max)
      .number("request_id_bytes_max", protocol::request_id_bytes_max)
      .number("read_frame_bytes", protocol::read_frame_bytes)
      .number("contains_bytes_max", protocol::contains_bytes_max)
      .number("where_bytes_max", protocol::where_bytes_max)
      .number("where_members_max", protocol::where_members_max)
      .number("count_buckets_max", protocol::count_buckets_max)
      .number("connections_max", config.max_connections)
      .number("user_connections_max", config.max_user_connections)
      .number("in_flight_bytes_max", config.max_in_flight_bytes)
      .number("unsent_bytes_max", config.max_unsent_bytes)
      .number("user_unsent_bytes_max", config.max_user_unsent_bytes)
      .number("all_unsent_bytes_max", config.max_all_unsent_bytes)
      .number("unread_bytes_max", facts.unread_bytes_max)
      .number("user_unread_bytes_max", user_unread_bytes_max(config))
      .number("all_unread_bytes_max", all_unread_bytes_max(config))
      .number("unanswered_max", config.max_unanswered)
      .number("tails_max", config.max_tails)
      .number("writers_max", config.max_writers)
      .number("writer_writes_max", WriterTable::writes_max)
      .number("request_seconds_max", static_cast<std::uint64_t>(config.request_timeout.count()))
      .number("idle_seconds_max", static_cast<std::uint64_t>(config.idle_timeout.count()))
      .number("reader_seconds_max", static_cast<std::uint64_t>(config.reader_timeout.count()))
      .number("retain_bytes", config.retain_bytes)
      .number("retain_seconds", static_cast<std::uint64_t>(config.retain_age.count()))
      .number("hold_bytes", held_bytes_max(config))
      .number("history_bytes_max", history_bytes_max(config))
      .number("store_bytes_max", facts.store_bytes_max)
      .number("memory_bytes_max", memory_bounds(config, asked_store_bytes(facts)).sum());
}

void append_stats(std::string& out, StatsView const& view) {
  out += ",\"version\":";
  append_json_string(out, version);
  out += ",\"state\":";
  append_json_string(out, service_state(view.facts, view.store, view.log, view.draining));
  out += ",\"store_id\":";
  append_json_string(out, view.facts.store_id);
  out += ",\"uptime_us\":";
  append_json_number(out, microseconds_of(view.now - view.facts.started_at));
  out += ',';
  append_log(out, view);
  out += ',';
  append_store(out, view.store);
  out += ',';
  append_history(out, view);
  out += ',';
  append_missing(out, view.log.gaps().totals());
  out += ',';
  append_counters(out, view.metrics);
  out += ',';
  append_tails(out, view.metrics);
  out += ',';
  append_memory(out, view);
  out += ',';
  append_diagnostics(out);
  out += ',';
  append_writers(out, view);
  out += ',';
  append_consumers(out, view.store);
  out += ',';
  append_limits(out, view.facts);
  out += ',';
  append_recovery(out, view.facts);
}

}  // namespace stele::daemon
