#include <array>

#include "client-lib/cli/command_line/given_options.hpp"
#include "client-lib/cli/offline/log_text.hpp"
#include "client-lib/cli/terminal/report.hpp"
#include "client-lib/cli/terminal/streams.hpp"
#include "client-lib/cli/verbs.hpp"
#include "wal/offline/offline_directory.hpp"

namespace stele::cli {
namespace {

constexpr std::string_view verify_help =
    R"(Look through a log's directory for damage; changes nothing, and takes no lock.

Example:
  stele verify /var/lib/stele

Names file, offset and reason of each place, and what is missing there. A daemon may be at work in
the directory: what it is just writing is not judged. Exit code 0: nothing is damaged; 1: damage;
6: the log ends in an unfinished write, which was never acknowledged; 7: no log can be read here.
)";

constexpr std::array verify_options{
    Option{.names = "DIR", .value = "DIR", .help = "The daemon's --data-dir"},
};

int run_verify(ClientOptions const& /*options*/, GivenOptions const& given) {
  auto const path = directory_given(given, "DIR");
  auto const opened = wal::open_offline_directory(path, wal::OfflineAccess::read);
  if (!opened) return report_unreadable(path, opened.error());
  auto const check = wal::check_log(*opened->directory, [&] { return opened->in_use(); });
  if (!check) return report_unreadable(path, check.error());
  Output output;
  output.text() = check_text(*check);
  if (auto const exit_code = output.finish(); exit_code != exit_ok) return exit_code;
  return exit_code_for(*check);
}

}  // namespace

Verb const verify_verb{
    .name = "verify", .text = verify_help, .options = verify_options, .run = run_verify};

}  // namespace stele::cli
