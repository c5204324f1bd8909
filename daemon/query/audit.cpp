#include "daemon/query/audit.hpp"

#include <algorithm>

#include "protocol/limits.hpp"
#include "protocol/reply/reply.hpp"
#include "protocol/text/json_text.hpp"
#include "protocol/writer_id.hpp"

namespace stele::daemon {
namespace {

using protocol::append_json_number;
using protocol::append_json_string;

/// Who knows all digits of a writer may write under its name.
constexpr std::size_t writer_digits_told = 8;

void append_member(std::string& out, std::string_view name, std::uint64_t value) {
  out += ",\"";
  out += name;
  out += "\":";
  append_json_number(out, value);
}

void append_gap(std::string& out, wal::Gap const& gap) {
  out += "{\"reason\":";
  append_json_string(out, wal::to_string(gap.reason));
  if (gap.reason == wal::GapReason::dropped_by_client) {
    append_member(out, "before_seq", gap.first_seq);
    append_member(out, "count", gap.dropped);
    if (gap.writer != protocol::WriterId{}) {
      out += ",\"writer\":\"";
      out += protocol::to_text(gap.writer).substr(0, writer_digits_told);
      out += '"';
    }
  } else {
    append_member(out, "first_seq", gap.first_seq);
    append_member(out, "last_seq", gap.last_seq);
    append_member(out, "segment_no", gap.segment_no);
    if (gap.reason != wal::GapReason::expired) append_member(out, "offset", gap.offset);
    if (gap.acknowledged) out += ",\"acknowledged\":true";
  }
  out += '}';
}

/// Whether it is about what lies in the range of the result.
bool concerns(wal::Gap const& gap, AuditResult const& result) noexcept {
  if (gap.reason == wal::GapReason::dropped_by_client) return gap.first_seq >= result.first_seq;
  return gap.last_seq >= result.first_seq;
}

}  // namespace

AuditResult audit(Store const& store, wal::GapLedger const& gaps, std::uint64_t start_ts) {
  AuditResult result;
  result.last_seq = store.visible_seq();
  if (start_ts > 0) {
    result.first_seq = result.last_seq + 1;
    store.index().ascend({start_ts, 0}, [&](TimeIndex::Keys keys) {
      result.first_seq = keys.front().seq;
      return false;
    });
  }
  result.present = store.count_between(result.first_seq, result.last_seq);
  result.missing = gaps.totals(result.first_seq - 1);
  auto const seqs = result.last_seq + 1 - result.first_seq;
  auto const known = result.present + result.missing.missing_seqs();
  result.unexplained = seqs - std::min(seqs, known);
  return result;
}

void append_audit_reply(std::string& out, std::string_view id, AuditResult const& result,
                        wal::GapLedger const& gaps) {
  protocol::append_ok_start(out, id);
  append_member(out, "first_seq", result.first_seq);
  append_member(out, "last_seq", result.last_seq);
  out += result.complete() ? ",\"complete\":true" : ",\"complete\":false";
  append_member(out, "present", result.present);
  append_member(out, "expired", result.missing.expired);
  append_member(out, "damaged", result.missing.damaged);
  append_member(out, "acknowledged", result.missing.acknowledged);
  append_member(out, "torn", result.missing.torn);
  append_member(out, "dropped", result.missing.dropped);
  append_member(out, "unexplained", result.unexplained);
  out += ",\"gaps\":[";
  std::size_t told = 0;
  std::size_t omitted = 0;
  for (auto const& gap : gaps.gaps()) {
    if (!concerns(gap, result)) continue;
    if (told == protocol::audit_gaps_max) {
      ++omitted;
      continue;
    }
    if (told++ > 0) out += ',';
    append_gap(out, gap);
  }
  out += ']';
  append_member(out, "gaps_omitted", omitted);
  out += '}';
}

}  // namespace stele::daemon
