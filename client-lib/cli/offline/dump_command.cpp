#include <unistd.h>

#include <array>
#include <cstdio>

#include "client-lib/cli/command_line/given_options.hpp"
#include "client-lib/cli/offline/dump_lines.hpp"
#include "client-lib/cli/offline/log_text.hpp"
#include "client-lib/cli/terminal/report.hpp"
#include "client-lib/cli/terminal/streams.hpp"
#include "client-lib/cli/terminal/terminal_text.hpp"
#include "client-lib/cli/verbs.hpp"
#include "wal/offline/offline_directory.hpp"

namespace stele::cli {
namespace {

constexpr std::string_view dump_help =
    R"(Print every entry that can be read in a log's directory, as JSON lines; no daemon is asked.

Examples:
  stele dump /var/lib/stele > log.jsonl
  stele dump /var/lib/stele | jq 'select(.gap)'

Entries come in the order of their seqs, as `stele read -o json` prints them; what is missing
between them is a line {"gap":{...}}. Each place of damage is named on standard error, and the exit
code is that of `stele verify`. A daemon may be at work in the directory.
)";

constexpr std::array dump_options{
    Option{.names = "DIR", .value = "DIR", .help = "The daemon's --data-dir"},
};

/// Prints as it reads. Once the reader of the output is gone there is nothing to print to.
class Printer final : public wal::RecoverySink {
 public:
  explicit Printer(DumpLines lines) : lines_(std::move(lines)) {}

  void on_payload(wal::Seq seq, std::string_view payload) override {
    if (!output_.ok()) return;
    line_.clear();
    lines_.add(line_, seq, payload);
    print();
  }
  int finish() {
    line_.clear();
    lines_.finish(line_);
    print();
    return output_.finish();
  }

 private:
  void print() {
    // Line ends are no text of the log.
    for (std::size_t begin = 0; begin < line_.size();) {
      auto const end = line_.find('\n', begin) + 1;
      auto const text = std::string_view(line_).substr(begin, end - begin - 1);
      if (terminal_) {
        append_visible(output_.text(), text);
      } else {
        output_.text() += text;
      }
      output_.text() += '\n';
      begin = end;
    }
    output_.flush_if_large();
  }

  DumpLines lines_;
  std::string line_{};
  Output output_{};
  bool const terminal_ = is_terminal(STDOUT_FILENO);
};

int run_dump(ClientOptions const& /*options*/, GivenOptions const& given) {
  auto const path = directory_given(given, "DIR");
  auto const opened = wal::open_offline_directory(path, wal::OfflineAccess::read);
  if (!opened) return report_unreadable(path, opened.error());
  auto const check = wal::check_log(*opened->directory, [&] { return opened->in_use(); });
  if (!check) return report_unreadable(path, check.error());
  Printer printer(DumpLines(check->report.gaps, check->end.next_seq));
  auto const delivered = wal::deliver_log(*opened->directory, printer);
  if (auto const exit_code = printer.finish(); exit_code != exit_ok) return exit_code;
  if (!delivered) return report_unreadable(path, delivered.error());
  auto const exit_code = exit_code_for(*check);
  if (exit_code != exit_ok) {
    auto const text = check_text(*check);
    std::fwrite(text.data(), 1, text.size(), stderr);
  }
  return exit_code;
}

}  // namespace

Verb const dump_verb{.name = "dump", .text = dump_help, .options = dump_options, .run = run_dump};

}  // namespace stele::cli
