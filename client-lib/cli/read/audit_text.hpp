// What an audit proved, as a sentence for people.
#pragma once

#include <string>
#include <string_view>

namespace stele::cli {

struct AuditText {
  std::string text{};
  bool lossless = false;  ///< Nothing is damaged and not acknowledged, dropped or unexplained.
};

/// `seqs 101…1200 complete, 100 expired, 0 damaged, 0 torn, 0 dropped`, and a line for each gap but
/// the expired one. `json` is the daemon's reply to `audit`; text that is no such reply comes back
/// unchanged.
AuditText audit_text(std::string_view json);

}  // namespace stele::cli
