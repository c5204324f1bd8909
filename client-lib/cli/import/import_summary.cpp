#include "client-lib/cli/import/import_summary.hpp"

#include <string_view>

#include "client-lib/cli/terminal/terminal_text.hpp"

namespace stele::cli {
namespace {

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
