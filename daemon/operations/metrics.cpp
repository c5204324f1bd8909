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

using protocol::JsonWriter;

std::uint64_t microseconds_of(Instant::duration duration) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

/// Pairs of [lower bound in microseconds, count], of the buckets that are not empty. The bounds are
/// powers of two: finer steps would say no more about a disk.
void append_histogram(JsonWriter& writer, std::span<std::uint64_t const> counts) {
  writer.begin_array();
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    auto const bound = i == 0 ? 0 : std::uint64_t{1} << i;
    writer.begin_array().value(bound).value(counts[i]).end_array();
  }
  writer.end_array();
}

void append_log(JsonWriter& writer, StatsView const& view) {
  auto const status = view.log.status();
  auto const& metrics = status.metrics;
  writer.begin_object("wal")
      .member("backend", view.facts.backend)
      .member("next_seq", view.log.next_seq())
      .member("durable_seq", status.durable_seq)
      .member("pending_bytes", status.pending_bytes)
      .member("commits", metrics.commits)
      .member("commit_entries", metrics.commit_payloads)
      .member("commit_entries_max", metrics.commit_payloads_max)
      .member("commit_bytes", metrics.commit_bytes)
      .name("commit_us");
  append_histogram(writer, metrics.commit_latency_us_log2);
  writer.member("commit_us_sum", metrics.commit_latency_us)
      .member("marks", metrics.marks)
      .member("segments", metrics.segments)
      .member("segments_made", metrics.segments_made)
      .member("segments_removed", metrics.segments_removed)
      .member("segment_waits", metrics.segment_waits)
      .member("segment_wait_us", metrics.segment_wait_us)
      .member("active_first_seq", metrics.active_first_seq)
      .member("space_failures", metrics.space_failures)
      .member("log_bytes", metrics.log_bytes)
      .member("segments_packed", metrics.segments_packed)
      .member("segments_not_packed", metrics.segments_not_packed)
      .member("packed_bytes", metrics.packed_bytes)
      .member("packed_from_bytes", metrics.packed_from_bytes)
      .end_object();
}

void append_store(JsonWriter& writer, Store const& store) {
  writer.begin_object("store")
      .member("entries", store.index().size())
      .member("bytes", store.text_bytes())
      .member("index_bytes", store.index_bytes())
      .member("packed_entries", store.packed().entries)
      .member("packed_bytes", store.packed().bytes)
      .member("packed_text_bytes", store.packed().text_bytes)
      .member("blocks_unpacked", store.blocks_unpacked())
      .member("visible_seq", store.visible_seq())
      .member("removed_seq", store.removed_seq());
  if (store.index().size() > 0) {
    writer.member("oldest_ts", store.index().first().timestamp)
        .member("newest_ts", store.index().last().timestamp);
  }
  writer.end_object();
}

/// The users with the largest parts; there may be very many.
constexpr std::size_t history_users_max = 16;

void append_history(JsonWriter& writer, StatsView const& view) {
  auto const& history = view.store.history();
  writer.begin_object("history")
      .member("bytes", history.bytes())
      .member("users", history.users())
      .begin_array("largest");
  for (auto const& user : history.largest(history_users_max)) {
    writer.begin_object().member("uid", user.uid).member("bytes", user.bytes).end_object();
  }
  writer.end_array().member("shares_exceeded", view.metrics.shares_exceeded).end_object();
}

void append_missing(JsonWriter& writer, wal::GapTotals const& missing) {
  writer.begin_object("missing")
      .member("expired", missing.expired)
      .member("damaged", missing.damaged)
      .member("acknowledged", missing.acknowledged)
      .member("torn", missing.torn)
      .member("dropped", missing.dropped)
      .end_object();
}

void append_counters(JsonWriter& writer, Metrics const& metrics) {
  writer.begin_object("connections")
      .member("open", metrics.connections_open)
      .member("accepted", metrics.connections_accepted)
      .member("refused", metrics.connections_refused)
      .member("timed_out", metrics.connections_timed_out)
      .member("readers_timed_out", metrics.readers_timed_out)
      .end_object();
  writer.begin_object("requests");
  for (auto const& operation : protocol::operations) {
    writer.member(operation.name, metrics.requests[static_cast<std::size_t>(operation.op)]);
  }
  writer.end_object().begin_object("errors");
  for (std::size_t i = 0; i < metrics.errors.size(); ++i) {
    if (metrics.errors[i] == 0) continue;
    writer.member(to_string(static_cast<Error>(i)), metrics.errors[i]);
  }
  writer.end_object();
  writer.begin_object("entry_counts")
      .member("written", metrics.entries_written)
      .member("read", metrics.entries_read)
      .end_object();
}

void append_tails(JsonWriter& writer, Metrics const& metrics) {
  writer.begin_object("tails")
      .member("open", metrics.tails_open)
      .member("entries", metrics.entries_tailed)
      .member("lagged", metrics.tails_lagged)
      .end_object();
}

/// What is held now, by what the bounds of `limits` are about.
void append_memory(JsonWriter& writer, StatsView const& view) {
  auto const pending = view.log.pending_bytes();
  auto const gaps = view.log.gaps().gaps().size() * sizeof(wal::Gap);
  auto const writers = view.store.writers().bytes();
  auto const unread = view.memory.unread().bytes();
  auto const unsent = view.memory.unsent().bytes();
  writer.begin_object("memory")
      .member("store_bytes", view.store.held_bytes())
      .member("in_flight_bytes", pending)
      .member("writers_bytes", writers)
      .member("gaps_bytes", gaps)
      .member("unread_bytes", unread)
      .member("unsent_bytes", unsent)
      .member("pinned_bytes", view.store.pinned_bytes())
      .member("machine_bytes", view.facts.machine_bytes)
      .member("bytes", view.store.held_bytes() + pending + writers + gaps + unread + unsent)
      .member("waiting", view.memory.waiters().count())
      .end_object();
}

void append_diagnostics(JsonWriter& writer) {
  writer.begin_object("diagnostics")
      .member("lines_dropped", diagnostics_lines_dropped())
      .end_object();
}

void append_writers(JsonWriter& writer, StatsView const& view) {
  writer.begin_object("writers")
      .member("remembered", view.store.writers().size())
      .member("users", view.store.writers().users())
      .member("bytes", view.store.writers().bytes())
      .member("forgotten_seq", view.store.writers().forgotten_seq())
      .member("writes_repeated", view.metrics.writes_repeated)
      .end_object();
}

void append_consumers(JsonWriter& writer, Store const& store) {
  writer.begin_object("consumers");
  for (auto const& consumer : store.consumers().all()) {
    auto const confirmed = std::max(consumer.confirmed_seq.value_or(0), store.removed_seq());
    writer.begin_object(consumer.name)
        .member("confirmed_seq", consumer.confirmed_seq)
        .member("unconfirmed", store.visible_seq() - confirmed)
        .member("lost", consumer.lost)
        .end_object();
  }
  writer.end_object();
}

/// Of what the start found; `audit` and `stele verify` say more of it.
constexpr std::size_t recovery_items_max = 100;

void append_recovery(JsonWriter& writer, ServiceFacts const& facts) {
  auto const& report = facts.recovery;
  auto const gaps_told = std::min(report.gaps.size(), recovery_items_max);
  auto const findings_told = std::min(report.findings.size(), recovery_items_max);
  writer.begin_object("recovery")
      .member("clean_stop", report.clean_stop)
      .member("entries", report.payloads)
      .member("rejected", facts.recovery_rejected)
      .member("bytes", report.bytes)
      .member("segments", report.segments)
      .member("took_us", facts.recovery_us)
      .begin_array("gaps");
  for (auto const& gap : std::span(report.gaps).first(gaps_told)) {
    writer.begin_object()
        .member("first_seq", gap.first_seq)
        .member("last_seq", gap.last_seq)
        .member("reason", wal::to_string(gap.reason))
        .end_object();
  }
  writer.end_array().member("gaps_omitted", report.gaps.size() - gaps_told);
  writer.begin_array("findings");
  for (auto const& finding : std::span(report.findings).first(findings_told)) {
    writer.value(finding);
  }
  writer.end_array()
      .member("findings_omitted", report.findings.size() - findings_told + report.findings_omitted)
      .end_object();
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
  JsonWriter writer(out);
  writer.begin_object("limits")
      .member("frame_bytes_max", config.max_frame_bytes)
      .member("entry_bytes_max", config.max_entry_bytes)
      .member("batch_bytes_max", batch_bytes_max(facts))
      .member("batch_entry_bytes", batch_bytes(1, protocol::canonical_bytes_max({})))
      .member("json_depth_max", protocol::json_depth_max)
      .member("request_id_bytes_max", protocol::request_id_bytes_max)
      .member("read_frame_bytes", protocol::read_frame_bytes)
      .member("contains_bytes_max", protocol::contains_bytes_max)
      .member("where_bytes_max", protocol::where_bytes_max)
      .member("where_members_max", protocol::where_members_max)
      .member("count_buckets_max", protocol::count_buckets_max)
      .member("connections_max", config.max_connections)
      .member("user_connections_max", config.max_user_connections)
      .member("in_flight_bytes_max", config.max_in_flight_bytes)
      .member("unsent_bytes_max", config.max_unsent_bytes)
      .member("user_unsent_bytes_max", config.max_user_unsent_bytes)
      .member("all_unsent_bytes_max", config.max_all_unsent_bytes)
      .member("unread_bytes_max", facts.unread_bytes_max)
      .member("user_unread_bytes_max", user_unread_bytes_max(config))
      .member("all_unread_bytes_max", all_unread_bytes_max(config))
      .member("unanswered_max", config.max_unanswered)
      .member("tails_max", config.max_tails)
      .member("writers_max", config.max_writers)
      .member("writer_writes_max", WriterTable::writes_max)
      .member("request_seconds_max", static_cast<std::uint64_t>(config.request_timeout.count()))
      .member("idle_seconds_max", static_cast<std::uint64_t>(config.idle_timeout.count()))
      .member("reader_seconds_max", static_cast<std::uint64_t>(config.reader_timeout.count()))
      .member("retain_bytes", config.retain_bytes)
      .member("retain_seconds", static_cast<std::uint64_t>(config.retain_age.count()))
      .member("hold_bytes", held_bytes_max(config))
      .member("history_bytes_max", history_bytes_max(config))
      .member("store_bytes_max", facts.store_bytes_max)
      .member("memory_bytes_max", memory_bounds(config, asked_store_bytes(facts)).sum())
      .end_object();
}

void append_stats(std::string& out, StatsView const& view) {
  JsonWriter writer(out);
  writer.member("version", version)
      .member("state", service_state(view.facts, view.store, view.log, view.draining))
      .member("store_id", view.facts.store_id)
      .member("uptime_us", microseconds_of(view.now - view.facts.started_at));
  append_log(writer, view);
  append_store(writer, view.store);
  append_history(writer, view);
  append_missing(writer, view.log.gaps().totals());
  append_counters(writer, view.metrics);
  append_tails(writer, view.metrics);
  append_memory(writer, view);
  append_diagnostics(writer);
  append_writers(writer, view);
  append_consumers(writer, view.store);
  append_limits(out, view.facts);
  append_recovery(writer, view.facts);
}

}  // namespace stele::daemon
