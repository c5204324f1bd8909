#include "client-lib/cli/monitor/prometheus_text.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>

#include "client-lib/json_number.hpp"

namespace stele::cli {
namespace {

namespace json = boost::json;

struct Metric {
  std::string_view group;  ///< The object that holds it; empty: the reply itself.
  std::string_view member;
  std::string_view name;
  std::string_view type;
  std::string_view help;
  double scale = 1;
};

constexpr double us = 1e-6;
/// Of the daemon's histogram of commits; the last one is for all that took longer.
constexpr std::size_t commit_buckets = 24;
constexpr std::string_view counter = "counter";
constexpr std::string_view gauge = "gauge";

constexpr std::array metrics{
    Metric{"", "uptime_us", "stele_uptime_seconds", gauge, "Time since the daemon's start.", us},
    Metric{"entry_counts", "written", "stele_entries_written_total", counter, "Entries stored."},
    Metric{"entry_counts", "read", "stele_entries_read_total", counter, "Entries sent to readers."},
    Metric{"store", "oldest_ts", "stele_oldest_entry_timestamp_seconds", gauge,
           "Timestamp of the oldest entry that can be read.", us},
    Metric{"store", "newest_ts", "stele_newest_entry_timestamp_seconds", gauge,
           "Timestamp of the newest one.", us},
    Metric{"store", "entries", "stele_entries", gauge, "Entries that can be read."},
    Metric{"store", "bytes", "stele_entry_bytes", gauge, "Their bytes."},
    Metric{"store", "index_bytes", "stele_index_bytes", gauge, "Bytes of the index over them."},
    Metric{"store", "packed_entries", "stele_packed_entries", gauge,
           "Entries that are kept packed in memory."},
    Metric{"store", "packed_bytes", "stele_packed_entry_bytes", gauge,
           "Bytes of memory that they take."},
    Metric{"store", "packed_text_bytes", "stele_packed_entry_text_bytes", gauge,
           "Bytes that their text would take."},
    Metric{"store", "blocks_unpacked", "stele_blocks_unpacked_total", counter,
           "Blocks of entries that reads had to unpack."},
    Metric{"wal", "durable_seq", "stele_durable_seq", gauge, "The last seq on disk."},
    Metric{"wal", "pending_bytes", "stele_pending_bytes", gauge, "Bytes on their way to disk."},
    Metric{"wal", "commits", "stele_commits_total", counter, "Commits written."},
    Metric{"wal", "commit_entries", "stele_commit_entries_total", counter,
           "Entries in them: by commits, the size of a group commit."},
    Metric{"wal", "commit_entries_max", "stele_commit_entries_max", gauge,
           "The most entries that one commit took."},
    Metric{"wal", "commit_bytes", "stele_commit_bytes_total", counter, "Their bytes."},
    Metric{"wal", "segments", "stele_segments", gauge, "Segments of the log."},
    Metric{"wal", "segments_removed", "stele_segments_removed_total", counter,
           "Segments that retention removed."},
    Metric{"wal", "segment_waits", "stele_segment_waits_total", counter,
           "Commits that waited for a segment."},
    Metric{"wal", "segment_wait_us", "stele_segment_wait_seconds_total", counter,
           "How long they waited.", us},
    Metric{"wal", "space_failures", "stele_space_failures_total", counter,
           "Attempts to make a segment that found no space."},
    Metric{"wal", "log_bytes", "stele_log_bytes", gauge, "Disk space of the log."},
    Metric{"wal", "segments_packed", "stele_segments_packed_total", counter, "Segments packed."},
    Metric{"wal", "segments_not_packed", "stele_segments_not_packed_total", counter,
           "Segments that are damaged, or that an error kept from being packed."},
    Metric{"wal", "packed_bytes", "stele_packed_bytes_total", counter,
           "What the packed segments take."},
    Metric{"wal", "packed_from_bytes", "stele_packed_from_bytes_total", counter,
           "What they had taken before."},
    Metric{"missing", "expired", "stele_missing_expired", gauge, "Seqs removed by retention."},
    Metric{"missing", "damaged", "stele_missing_damaged", gauge,
           "Seqs that were on disk and cannot be read."},
    Metric{"missing", "acknowledged", "stele_missing_acknowledged", gauge,
           "Of the damaged ones, those that an operator has acknowledged."},
    Metric{"missing", "torn", "stele_missing_torn", gauge,
           "Seqs of writes that a crash cut off; never acknowledged."},
    Metric{"missing", "dropped", "stele_missing_dropped", gauge,
           "Entries that clients reported as dropped."},
    Metric{"connections", "open", "stele_connections", gauge, "Connections that are open."},
    Metric{"connections", "accepted", "stele_connections_accepted_total", counter,
           "Connections accepted."},
    Metric{"connections", "refused", "stele_connections_refused_total", counter,
           "Connections refused."},
    Metric{"connections", "timed_out", "stele_connections_timed_out_total", counter,
           "Connections closed since they finished no request."},
    Metric{"connections", "readers_timed_out", "stele_readers_timed_out_total", counter,
           "Connections closed since they took nothing of their replies."},
    Metric{"memory", "bytes", "stele_memory_bytes", gauge, "Memory that is held, as counted."},
    Metric{"memory", "unread_bytes", "stele_unread_bytes", gauge,
           "Memory of requests that are not handled."},
    Metric{"memory", "unsent_bytes", "stele_unsent_bytes", gauge,
           "Memory of replies that are not sent."},
    Metric{"memory", "waiting", "stele_memory_waiting", gauge,
           "Connections that wait for memory of others."},
    Metric{"diagnostics", "lines_dropped", "stele_log_lines_dropped_total", counter,
           "Lines of the daemon's own log that had no room."},
    Metric{"tails", "open", "stele_tails", gauge, "Follows that are open."},
    Metric{"tails", "entries", "stele_tail_entries_total", counter, "Entries sent to follows."},
    Metric{"tails", "lagged", "stele_tails_lagged_total", counter,
           "Times that retention overtook a follow."},
    Metric{"writers", "remembered", "stele_writers", gauge, "Writers that are remembered."},
    Metric{"writers", "writes_repeated", "stele_writes_repeated_total", counter,
           "Writes that were sent again and stored once."},
    Metric{"limits", "connections_max", "stele_connections_max", gauge, "The setting."},
    Metric{"limits", "store_bytes_max", "stele_store_bytes_max", gauge,
           "Bytes of entries and index above which writes are refused."},
    Metric{"limits", "memory_bytes_max", "stele_memory_bytes_max", gauge,
           "All that the daemon may take."},
    Metric{"limits", "retain_bytes", "stele_retain_bytes", gauge, "The setting; 0: no limit."},
    Metric{"limits", "hold_bytes", "stele_hold_bytes", gauge, "The setting; 0: no consumers."},
    Metric{"limits", "retain_seconds", "stele_retain_seconds", gauge, "The setting; 0: no limit."},
    Metric{"recovery", "took_us", "stele_recovery_seconds", gauge, "How long the start took.", us},
    Metric{"recovery", "bytes", "stele_recovery_bytes", gauge, "Bytes that it read."},
    Metric{"recovery", "entries", "stele_recovery_entries", gauge, "Entries that it found."},
    Metric{"recovery", "rejected", "stele_recovery_rejected", gauge,
           "Payloads that it found whole and could not understand."},
};

constexpr std::array<std::string_view, 5> states{"ok", "damaged", "no_space", "shutting_down",
                                                 "log_failed"};

json::object const* object_in(json::object const& object, std::string_view name) {
  if (name.empty()) return &object;
  auto const* value = object.if_contains({name.data(), name.size()});
  return value == nullptr ? nullptr : value->if_object();
}

std::string number_text(double value) {
  char digits[40];
  return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
}

std::optional<std::string> scaled(json::value const& value, double scale) {
  auto const number = client::number_of(&value);
  if (!number) return std::nullopt;
  if (scale == 1) return std::to_string(*number);
  return number_text(static_cast<double>(*number) * scale);
}

void append_plain(std::string& out, json::object const& stats) {
  for (auto const& metric : metrics) {
    auto const* group = object_in(stats, metric.group);
    if (group == nullptr) continue;
    auto const* value = group->if_contains({metric.member.data(), metric.member.size()});
    if (value == nullptr) continue;
    auto const text = scaled(*value, metric.scale);
    if (!text) continue;
    append_metric_head(out, metric.name, metric.type, metric.help);
    ((out += metric.name) += ' ') += *text;
    out += '\n';
  }
}

void append_sample(std::string& out, std::string_view name, std::string_view label,
                   json::string_view value, std::string const& number) {
  ((((out += name) += '{') += label) += "=\"") += std::string_view{value.data(), value.size()};
  ((out += "\"} ") += number) += '\n';
}

// One value for each member of an object, with the member's name as label.
void append_labelled(std::string& out, json::object const& stats, std::string_view group_name,
                     std::string_view name, std::string_view label, std::string_view help) {
  auto const* group = object_in(stats, group_name);
  if (group == nullptr) return;
  append_metric_head(out, name, counter, help);
  for (auto const& member : *group) {
    auto const text = scaled(member.value(), 1);
    if (!text) continue;
    append_sample(out, name, label, member.key(), *text);
  }
}

constexpr std::array consumer_metrics{
    Metric{"consumers", "confirmed_seq", "stele_consumer_confirmed_seq", gauge,
           "The last seq that a consumer has confirmed since the daemon's start."},
    Metric{"consumers", "unconfirmed", "stele_consumer_unconfirmed_entries", gauge,
           "Entries that are kept and not confirmed."},
    Metric{"consumers", "lost", "stele_consumer_lost_entries_total", counter,
           "Entries that retention took before they were confirmed."},
};

// Their names need no escapes: they are settings of letters, digits and a few signs.
void append_consumers(std::string& out, json::object const& stats) {
  auto const* consumers = object_in(stats, "consumers");
  if (consumers == nullptr) return;
  for (auto const& metric : consumer_metrics) {
    append_metric_head(out, metric.name, metric.type, metric.help);
    for (auto const& consumer : *consumers) {
      auto const* members = consumer.value().if_object();
      if (members == nullptr) continue;
      auto const number =
          client::number_of(members->if_contains({metric.member.data(), metric.member.size()}));
      if (!number) continue;
      append_sample(out, metric.name, "consumer", consumer.key(), std::to_string(*number));
    }
  }
}

void append_state(std::string& out, json::object const& stats) {
  auto const* state = stats.if_contains("state");
  if (state == nullptr || !state->is_string()) return;
  append_metric_head(out, "stele_state", gauge, "1 for the state that the daemon is in.");
  for (auto const known : states) {
    bool const is_it = state->get_string() == json::string_view{known.data(), known.size()};
    ((out += "stele_state{state=\"") += known) += is_it ? "\"} 1\n" : "\"} 0\n";
  }
}

// The daemon reports [lower bound in microseconds, count] of the buckets that are not empty; bounds
// are powers of two. Here each bound has its line always, as those who read the series expect.
void append_commit_times(std::string& out, json::object const& stats) {
  auto const* wal = object_in(stats, "wal");
  auto const* buckets = wal == nullptr ? nullptr : wal->if_contains("commit_us");
  if (buckets == nullptr || !buckets->is_array()) return;
  std::array<std::uint64_t, commit_buckets> counts{};
  for (auto const& bucket : buckets->get_array()) {
    auto const* pair = bucket.if_array();
    if (pair == nullptr || pair->size() != 2) continue;
    auto const lower = client::number_of(&(*pair)[0]).value_or(0);
    auto const index = lower < 2 ? 0 : static_cast<std::size_t>(std::bit_width(lower)) - 1;
    counts[std::min(index, counts.size() - 1)] += client::number_of(&(*pair)[1]).value_or(0);
  }
  constexpr std::string_view name = "stele_commit_seconds";
  append_metric_head(out, name, "histogram", "How long commits took until they were on disk.");
  std::uint64_t total = 0;
  for (std::size_t i = 0; i + 1 < counts.size(); ++i) {
    total += counts[i];
    (((out += name) += "_bucket{le=\"") += number_text(std::ldexp(us, static_cast<int>(i) + 1))) +=
        "\"} ";
    (out += std::to_string(total)) += '\n';
  }
  total += counts.back();
  (((out += name) += "_bucket{le=\"+Inf\"} ") += std::to_string(total)) += '\n';
  (((out += name) += "_count ") += std::to_string(total)) += '\n';
  auto const* sum = wal->if_contains("commit_us_sum");
  auto const text = sum == nullptr ? std::nullopt : scaled(*sum, us);
  if (text) (((out += name) += "_sum ") += *text) += '\n';
}

std::string escaped_label(std::string_view value) {
  std::string out;
  for (char const c : value) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

std::string log_label(std::string const& socket_path) {
  std::string_view name = socket_path;
  constexpr std::string_view place = "/run/";
  constexpr std::string_view file = "/stele.sock";
  if (!name.starts_with(place) || !name.ends_with(file)) return socket_path;
  name = name.substr(place.size());
  name.remove_suffix(file.size());
  bool const is_units = name.starts_with("stele") && name.find('/') == name.npos;
  return is_units ? std::string(name) : socket_path;
}

std::string with_label(std::string_view text, std::string_view name, std::string_view value) {
  auto const label = std::string(name) + "=\"" + escaped_label(value) + '"';
  std::string out;
  while (!text.empty()) {
    auto const end = std::min(text.find('\n'), text.size() - 1) + 1;
    auto const line = text.substr(0, end);
    text.remove_prefix(end);
    auto const at = line.find_first_of("{ ");
    if (line.starts_with('#') || at == line.npos) {
      out += line;
    } else if (line[at] == '{') {
      ((out += line.substr(0, at + 1)) += label + ',') += line.substr(at + 1);
    } else {
      ((out += line.substr(0, at)) += '{' + label + '}') += line.substr(at);
    }
  }
  return out;
}

void append_metric_head(std::string& out, std::string_view name, std::string_view type,
                        std::string_view help) {
  ((out += "# HELP ") += name) += ' ';
  (out += help) += '\n';
  (((out += "# TYPE ") += name) += ' ') += type;
  out += '\n';
}

std::string prometheus_text(std::string_view stats_json) {
  boost::system::error_code ec;
  auto const value = json::parse({stats_json.data(), stats_json.size()}, ec);
  if (ec.failed() || !value.is_object()) return {};
  auto const& stats = value.get_object();
  std::string out;
  append_state(out, stats);
  append_plain(out, stats);
  append_labelled(out, stats, "requests", "stele_requests_total", "op", "Requests received.");
  append_labelled(out, stats, "errors", "stele_errors_total", "code", "Requests that failed.");
  append_consumers(out, stats);
  append_commit_times(out, stats);
  return out + "# EOF\n";
}

}  // namespace stele::cli
