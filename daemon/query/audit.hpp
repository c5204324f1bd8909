// The proof that the log is whole: every seq of a range is there or is named as missing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/store/store.hpp"
#include "wal/gap_ledger.hpp"

namespace stele::daemon {

/// What is known about the seqs from first_seq to last_seq; a range without any has first_seq =
/// last_seq + 1.
struct AuditResult {
  Seq first_seq = 1;
  Seq last_seq = 0;
  std::uint64_t present = 0;
  wal::GapTotals missing{};
  /// Neither there nor named. A record of the log that is no entry of this program is one of them.
  std::uint64_t unexplained = 0;

  /// Nothing is missing that the log had acknowledged and still ought to hold.
  bool complete() const noexcept { return missing.damaged == 0 && unexplained == 0; }
};

/// From the seq of the first entry, in the order of reads, at or after `start_ts`; 0: from seq 1.
AuditResult audit(Store const& store, wal::GapLedger const& gaps, std::uint64_t start_ts);

/// The reply to `audit`.
void append_audit_reply(std::string& out, std::string_view id, AuditResult const& result,
                        wal::GapLedger const& gaps);

}  // namespace stele::daemon
