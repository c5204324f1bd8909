// What an import did, in words.
#pragma once

#include <cstdint>
#include <string>

#include "stele/client.hpp"

namespace stele::cli {

struct ImportSummary {
  std::uint64_t lines = 0;  ///< Acknowledged.
  SeqRange seqs{};          ///< Of these lines; other writers' entries can lie between.
  std::uint64_t refused_lines = 0;
  std::uint64_t earlier_times = 0;  ///< Lines with the time of a line before them.
  std::uint64_t invalid_lines = 0;
  std::uint64_t invalid_bytes = 0;
  std::string last_stored{};    ///< `line 7 of FILE`; empty if nothing is stored.
  std::string unknown_lines{};  ///< `lines 8 to 9 of FILE`: sent, but not acknowledged.
  bool complete = true;         ///< All input was tried.

  void add_stored(SeqRange range, std::uint64_t line_count) noexcept;
};

/// One or more lines of text.
std::string summary_text(ImportSummary const& summary);

}  // namespace stele::cli
