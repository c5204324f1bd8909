#include "daemon/query/audit.hpp"

#include <algorithm>

#include "protocol/limits.hpp"
#include "protocol/reply/reply.hpp"
#include "protocol/text/json_text.hpp"
#include "protocol/writer_id.hpp"

namespace stele::daemon {
namespace {

using protocol::JsonWriter;

/// Who knows all digits of a writer may write under its name.
constexpr std::size_t writer_digits_told = 8;

void append_gap(JsonWriter& writer, wal::Gap const& gap) {
  writer.begin_object().member("reason", wal::to_string(gap.reason));
  if (gap.reason == wal::GapReason::dropped_by_client) {
    writer.member("before_seq", gap.first_seq).member("count", gap.dropped);
    if (gap.writer != protocol::WriterId{}) {
      writer.member("writer", protocol::to_text(gap.writer).substr(0, writer_digits_told));
    }
  } else {
    writer.member("first_seq", gap.first_seq)
        .member("last_seq", gap.last_seq)
        .member("segment_no", gap.segment_no);
    if (gap.reason != wal::GapReason::expired) writer.member("offset", gap.offset);
    if (gap.acknowledged) writer.member("acknowledged", true);
  }
  writer.end_object();
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
  JsonWriter writer(out);
  writer.member("first_seq", result.first_seq)
      .member("last_seq", result.last_seq)
      .member("complete", result.complete())
      .member("present", result.present)
      .member("expired", result.missing.expired)
      .member("damaged", result.missing.damaged)
      .member("acknowledged", result.missing.acknowledged)
      .member("torn", result.missing.torn)
      .member("dropped", result.missing.dropped)
      .member("unexplained", result.unexplained)
      .begin_array("gaps");
  std::size_t listed = 0;
  std::size_t omitted = 0;
  for (auto const& gap : gaps.gaps()) {
    if (!concerns(gap, result)) continue;
    if (listed == protocol::audit_gaps_max) {
      ++omitted;
      continue;
    }
    ++listed;
    append_gap(writer, gap);
  }
  writer.end_array().member("gaps_omitted", omitted).end_object();
}

}  // namespace stele::daemon
