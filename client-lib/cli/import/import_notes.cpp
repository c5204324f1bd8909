#include "client-lib/cli/import/import_notes.hpp"

#include <string_view>

#include "client-lib/cli/terminal/terminal_text.hpp"

namespace stele::cli {
namespace {

// As Note; after `7 lines `.
constexpr std::array<std::string_view, static_cast<std::size_t>(Note::count)> sentences{
    "without a time: each has that of the line before, or of the first that has one",
    "without a time, and without one before: each has the time of its arrival",
    "with a date that the year given with --year does not have: each has the time of another line, "
    "or of its arrival",
    "with a time that is not understood: it is kept in the metadata",
    "with a level of another name: the nearest is taken, and the name kept in the metadata",
    "with an unknown level: it is kept in the metadata",
    "on which the pattern of levels gives up: each has the level of lines that name none",
    "on which the pattern of levels finds no known level: each has that of lines that name none",
    "without a JSON object: each is a message",
    "with a JSON object that no entry can hold (too deep, or a number out of range): each is a "
    "message",
    "with a field that journalctl left out: it needs --all for those above 4096 bytes",
    "without a member that is the message: it is empty, and all members are in the metadata",
    "with two members of one name: the second has a # and a number behind its name",
    "with half of a surrogate pair: U+FFFD stands in its place",
    "cut off where the input could not be read on: its start is kept, and marked in its metadata",
};

std::string count_of(std::uint64_t count, std::string_view noun) {
  return std::to_string(count) + ' ' + std::string{noun} + (count == 1 ? "" : "s");
}

// The names of files may hold anything.
std::string visible(std::string_view text) {
  std::string shown;
  append_visible(shown, text);
  return shown;
}

}  // namespace

std::string NoteCounts::text() const {
  std::string text;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] == 0) continue;
    text += std::to_string(counts_[i]) + (counts_[i] == 1 ? " line " : " lines ");
    text += sentences[i];
    text += '\n';
  }
  return text;
}

void ImportSummary::add_stored(SeqRange range, std::uint64_t line_count) noexcept {
  if (lines == 0) seqs.first_seq = range.first_seq;
  seqs.last_seq = range.last_seq;
  lines += line_count;
}

std::string summary_text(ImportSummary const& summary) {
  auto text = "imported " + count_of(summary.lines, "line");
  if (summary.lines > 0) {
    text += " as seq " + std::to_string(summary.seqs.first_seq) + ".." +
            std::to_string(summary.seqs.last_seq);
    auto const seq_count = summary.seqs.last_seq - summary.seqs.first_seq + 1;
    if (seq_count > summary.lines) {
      text += ", with " + std::to_string(seq_count - summary.lines) + " of other writers between";
    }
  }
  text += '\n';
  if (summary.invalid_bytes > 0) {
    text += count_of(summary.invalid_bytes, "byte") + " in " +
            count_of(summary.invalid_lines, "line") +
            " not valid UTF-8: each became U+FFFD, and the entry's metadata counts them\n";
  }
  if (summary.nul_bytes > 0) {
    text += count_of(summary.nul_bytes, "NUL byte") + " kept, as a crash leaves them\n";
  }
  if (!summary.time_forms.empty()) text += "times read as " + visible(summary.time_forms) + '\n';
  text += summary.notes.text();
  for (auto const& remark : summary.remarks) text += visible(remark) + '\n';
  if (summary.refused_lines > 0) {
    text += count_of(summary.refused_lines, "line") + " not imported\n";
  }
  if (!summary.complete) {
    text += summary.last_stored.empty() ? "stopped before anything was stored\n"
                                        : "stopped after " + visible(summary.last_stored) + '\n';
  }
  if (!summary.unknown_lines.empty()) {
    text += visible(summary.unknown_lines) + " may be stored or not\n";
  }
  return text;
}

}  // namespace stele::cli
