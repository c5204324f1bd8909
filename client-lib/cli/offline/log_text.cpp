#include "client-lib/cli/offline/log_text.hpp"

#include <algorithm>
#include <iterator>
#include <span>
#include <vector>

#include "client-lib/cli/terminal/progress.hpp"
#include "client-lib/cli/terminal/report.hpp"
#include "client-lib/cli/terminal/terminal_text.hpp"

namespace stele::cli {
namespace {

using Kind = wal::Finding::Kind;

std::string_view word_for(Kind kind) noexcept {
  switch (kind) {
    case Kind::damage:
      return "damage: ";
    case Kind::torn:
      return "torn: ";
    case Kind::note:
      return "note: ";
  }
  return "";
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + ' ' + std::string(count == 1 ? one : many);
}

void append_gap(std::string& out, wal::Gap const& gap) {
  out += "missing: ";
  if (gap.reason == wal::GapReason::dropped_by_client) {
    out += counted(gap.dropped, "entry", "entries") + " that a client dropped before seq " +
           std::to_string(gap.first_seq);
  } else {
    out += "seqs " + std::to_string(gap.first_seq) + " to " + std::to_string(gap.last_seq) + ", " +
           std::string(to_string(gap.reason));
  }
  out += '\n';
}

/// A log may have very many places; nobody reads more of them.
constexpr std::size_t lines_max = 1000;

void append_rest(std::string& out, std::size_t count, std::string_view one, std::string_view many) {
  if (count > lines_max) out += "and " + counted(count - lines_max, one, many) + '\n';
}

/// The gaps that no finding is about.
std::vector<wal::Gap> gaps_not_told(wal::LogCheck const& check) {
  std::vector<wal::Gap> found;
  for (auto const& finding : check.findings) found.push_back(finding.gap);
  std::ranges::sort(found, {}, &wal::Gap::first_seq);
  std::vector<wal::Gap> others;
  std::ranges::copy_if(check.report.gaps, std::back_inserter(others), [&](wal::Gap const& gap) {
    auto const [from, to] =
        std::ranges::equal_range(found, gap.first_seq, {}, &wal::Gap::first_seq);
    return std::find(from, to, gap) == to;
  });
  return others;
}

void append_gaps(std::string& out, std::vector<wal::Gap> const& gaps) {
  for (auto const& gap : std::span(gaps).first(std::min(gaps.size(), lines_max))) {
    append_gap(out, gap);
  }
  append_rest(out, gaps.size(), "more gap", "more gaps");
}

/// A torn end that an earlier start has named is history.
bool ends_torn(wal::LogCheck const& check) noexcept {
  return std::ranges::any_of(check.findings, [](wal::Finding const& finding) {
    return finding.kind == Kind::torn && !finding.named;
  });
}

std::string_view verdict_for(wal::LogCheck const& check) noexcept {
  if (check.has(Kind::damage)) return "damaged: ";
  return ends_torn(check) ? "torn: " : "clean: ";
}

}  // namespace

std::string directory_given(GivenOptions const& given, std::string_view key) {
  auto path = given.text(key);
  if (path.empty()) throw UsageError(std::string(key) + " is missing", "name a log's directory");
  return path;
}

std::string check_text(wal::LogCheck const& check) {
  std::string out;
  auto const& findings = check.findings;
  for (auto const& finding : std::span(findings).first(std::min(findings.size(), lines_max))) {
    out += word_for(finding.kind);
    append_visible(out, finding.text);
    if (finding.named) out += "; a gap record names them";
    out += '\n';
  }
  append_rest(out, findings.size(), "more place", "more places");
  auto const& report = check.report;
  append_gaps(out, gaps_not_told(check));
  out += verdict_for(check);
  out += counted(report.payloads, "entry", "entries") + " in " +
         counted(report.commits, "commit", "commits") + " and " +
         counted(report.segments, "segment", "segments") + ", " + bytes_text(report.bytes);
  if (check.in_use) out += "; a process has the log open, so its very end was not judged";
  out += '\n';
  return out;
}

std::string salvage_text(wal::SalvageReport const& report) {
  std::string out;
  append_gaps(out, report.gaps);
  out += "copied " + counted(report.payloads, "entry", "entries");
  if (report.out_of_damage > 0) {
    out += ", " + std::to_string(report.out_of_damage) + " of them out of damaged commits";
  }
  out += '\n';
  return out;
}

std::string backup_text(wal::BackupReport const& report) {
  auto out = check_text(report.check);
  out += "copied " + counted(report.segments_copied, "segment", "segments") + " of " +
         std::to_string(report.segments) + ", " + bytes_text(report.bytes_copied);
  if (report.segments_removed > 0) {
    out += "; removed " + std::to_string(report.segments_removed) + " that have expired";
  }
  out += '\n';
  return out;
}

int exit_code_for(wal::LogCheck const& check) noexcept {
  if (check.has(Kind::damage)) return exit_failed;
  return ends_torn(check) ? exit_torn : exit_ok;
}

int report_unreadable(std::string const& directory, wal::Failure const& failure) {
  std::string sentence;
  append_visible(sentence, directory);
  sentence += ": cannot read a log: ";
  append_visible(sentence, failure.message);
  bool const denied = failure.code == boost::system::errc::permission_denied;
  print_error(sentence, denied ? "its files are its owner's: use sudo"
                               : "name the directory that steled was given as --data-dir");
  return exit_unreadable;
}

int report_no_copy(std::string_view copy, std::string const& directory, wal::Failure const& failure,
                   std::string const& left) {
  if (failure.code == wal::Errc::not_a_log || failure.code == wal::Errc::unsupported_version) {
    return report_unreadable(directory, failure);
  }
  print_error("no " + std::string{copy} + ": " + failure.message + left);
  return exit_failed;
}

}  // namespace stele::cli
