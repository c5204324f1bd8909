#include "client-lib/cli/offline/dump_lines.hpp"

#include <algorithm>
#include <utility>

#include "client-lib/cli/times/time_text.hpp"
#include "protocol/entry/canonical_entry.hpp"
#include "protocol/text/json_text.hpp"

namespace stele::cli {
namespace {

void append_member(std::string& out, std::string_view name, std::uint64_t value) {
  out += ",\"";
  out += name;
  out += "\":";
  protocol::append_json_number(out, value);
}

}  // namespace

DumpLines::DumpLines(std::vector<wal::Gap> gaps, wal::Seq next_seq)
    : gaps_(std::move(gaps)), next_seq_(next_seq) {}

void DumpLines::append_gaps_up_to(std::string& out, wal::Seq seq) {
  for (; told_ < gaps_.size() && gaps_[told_].first_seq <= seq; ++told_) {
    append_dumped_gap(out, gaps_[told_]);
    expected_ = std::max(expected_, gaps_[told_].last_seq + 1);
  }
  if (seq <= expected_) return;
  append_dumped_gap(
      out, {.first_seq = expected_, .last_seq = seq - 1, .reason = wal::GapReason::expired});
  expected_ = seq;
}

void DumpLines::add(std::string& out, wal::Seq seq, std::string_view payload) {
  if (seq >= next_seq_) return;
  append_gaps_up_to(out, seq);
  append_dumped_payload(out, seq, payload);
  expected_ = seq + 1;
}

void DumpLines::finish(std::string& out) { append_gaps_up_to(out, next_seq_); }

void append_dumped_payload(std::string& out, wal::Seq seq, std::string_view payload) {
  auto const key = protocol::read_entry_key(payload);
  if (!key || !protocol::read_entry_body(payload) || !payload.ends_with('}')) {
    out += "{\"not_an_entry\":{\"seq\":";
    protocol::append_json_number(out, seq);
    append_member(out, "bytes", payload.size());
    out += "}}\n";
    return;
  }
  out += payload.substr(0, payload.size() - 1);
  out += ",\"time\":\"";
  append_utc_time(out, key->timestamp);
  out += "\"}\n";
}

void append_dumped_gap(std::string& out, wal::Gap const& gap) {
  out += "{\"gap\":{\"reason\":\"";
  out += to_string(gap.reason);
  out += '"';
  if (gap.reason == wal::GapReason::dropped_by_client) {
    append_member(out, "before_seq", gap.first_seq);
    append_member(out, "count", gap.dropped);
  } else {
    append_member(out, "first_seq", gap.first_seq);
    append_member(out, "last_seq", gap.last_seq);
    if (gap.reason != wal::GapReason::expired) {
      append_member(out, "segment_no", gap.segment_no);
      append_member(out, "offset", gap.offset);
    }
  }
  out += "}}\n";
}

}  // namespace stele::cli
