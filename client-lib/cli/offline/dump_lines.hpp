// The lines of `stele dump`: entries, and what is missing between them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wal/log.hpp"

namespace stele::cli {

/// Puts entries and gaps in seq order. `gaps` are known before, sorted; what is missing beyond them
/// went to retention meanwhile.
class DumpLines {
 public:
  DumpLines(std::vector<wal::Gap> gaps, wal::Seq next_seq);

  /// Appends the lines that a payload brings: none for a seq that the dump does not reach.
  void add(std::string& out, wal::Seq seq, std::string_view payload);
  /// Appends what is left to say.
  void finish(std::string& out);

 private:
  void append_gaps_up_to(std::string& out, wal::Seq seq);

  std::vector<wal::Gap> gaps_;
  std::size_t told_ = 0;
  wal::Seq expected_ = 1;
  wal::Seq next_seq_;  ///< The dump ends before it.
};

/// The stored entry with `time` (RFC 3339, UTC) added, as `stele read -o json` prints it; a payload
/// that is no entry is counted only: `{"not_an_entry":{"seq":7,"bytes":3}}`.
void append_dumped_payload(std::string& out, wal::Seq seq, std::string_view payload);

/// `{"gap":{"reason":"damaged","first_seq":6,"last_seq":6,"segment_no":1,"offset":9216}}`, with the
/// members of the audit reply of PROTOCOL.md.
void append_dumped_gap(std::string& out, wal::Gap const& gap);

}  // namespace stele::cli
