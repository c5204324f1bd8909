#include "client-lib/cli/offline/dump_lines.hpp"

#include <algorithm>
#include <utility>

#include "client-lib/cli/times/time_text.hpp"
#include "protocol/entry/canonical_entry.hpp"
#include "protocol/text/json_text.hpp"

namespace stele::cli {

using protocol::JsonWriter;

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
    JsonWriter writer(out);
    writer.begin_object().begin_object("not_an_entry");
    writer.member("seq", seq).member("bytes", payload.size()).end_object().end_object();
    out += '\n';
    return;
  }
  out += payload.substr(0, payload.size() - 1);
  out += ",\"time\":\"";
  append_utc_time(out, key->timestamp);
  out += "\"}\n";
}

void append_dumped_gap(std::string& out, wal::Gap const& gap) {
  JsonWriter writer(out);
  writer.begin_object().begin_object("gap").member("reason", to_string(gap.reason));
  if (gap.reason == wal::GapReason::dropped_by_client) {
    writer.member("before_seq", gap.first_seq).member("count", gap.dropped);
  } else {
    writer.member("first_seq", gap.first_seq).member("last_seq", gap.last_seq);
    if (gap.reason != wal::GapReason::expired) {
      writer.member("segment_no", gap.segment_no).member("offset", gap.offset);
    }
  }
  writer.end_object().end_object();
  out += '\n';
}

}  // namespace stele::cli
