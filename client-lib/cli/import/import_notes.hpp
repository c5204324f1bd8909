// What an import did to a line beyond taking it as it is.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "stele/client.hpp"

namespace stele::cli {

enum class Note : std::size_t {
  time_of_other_line,  ///< It has no time: that of the line before, or of the first with one.
  time_of_arrival,     ///< It has no time, and neither had a line before it.
  impossible_date,     ///< The year that was given for it has no such day.
  unknown_time,        ///< It has a time that is not understood; the member is kept.
  other_level,         ///< Its level is not one of stele's: the nearest, and the member is kept.
  unknown_level,       ///< Its level is not known at all; the member is kept.
  undecided_level,     ///< --level-pattern gave up.
  unknown_group,       ///< What --level-pattern found is no level.
  text,                ///< It is no JSON object.
  object_as_text,      ///< It is one that no entry can hold.
  left_out,            ///< journalctl wrote null for a field that is too long.
  no_message,          ///< No member of it is the message.
  double_name,         ///< Two members of an object have one name: the second has another now.
  half_pair,           ///< Half of a surrogate pair is U+FFFD now.
  cut,                 ///< What comes behind it could not be read.
  count
};

using Notes = std::bitset<static_cast<std::size_t>(Note::count)>;

class NoteCounts {
 public:
  void add(Notes notes) noexcept {
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += notes[i] ? 1U : 0U;
  }
  void add(NoteCounts const& other) noexcept {
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  }
  std::uint64_t of(Note note) const noexcept { return counts_[static_cast<std::size_t>(note)]; }

  /// A line of text for each kind that there was.
  std::string text() const;

 private:
  std::array<std::uint64_t, static_cast<std::size_t>(Note::count)> counts_{};
};

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
