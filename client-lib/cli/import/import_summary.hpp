// What an import did, in words.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client-lib/cli/import/import_notes.hpp"
#include "stele/client.hpp"

namespace stele::cli {

struct ImportSummary {
  std::uint64_t lines = 0;  ///< Acknowledged.
  SeqRange seqs{};          ///< Of these lines; other writers' entries can lie between.
  std::uint64_t refused_lines = 0;
  std::string time_forms{};  ///< `syslog`, or several by file; empty: none were read.
  NoteCounts notes{};
  std::vector<std::string> remarks{};  ///< Sentences: what was asked for and did nothing.
  std::uint64_t invalid_lines = 0;
  std::uint64_t invalid_bytes = 0;
  std::uint64_t nul_bytes = 0;  ///< Kept, as a crash leaves them.
  std::string last_stored{};    ///< `line 7 of FILE`; empty if nothing is stored.
  std::string unknown_lines{};  ///< `lines 8 to 9 of FILE`: sent, but not acknowledged.
  bool complete = true;         ///< All input was tried.

  void add_stored(SeqRange range, std::uint64_t line_count) noexcept;
};

/// One or more lines of text.
std::string summary_text(ImportSummary const& summary);

}  // namespace stele::cli
