#include <sys/random.h>

#include <array>
#include <cstdint>

#include "client-lib/cli/command_line/given_options.hpp"
#include "client-lib/cli/offline/log_text.hpp"
#include "client-lib/cli/offline/new_log_directory.hpp"
#include "client-lib/cli/terminal/report.hpp"
#include "client-lib/cli/terminal/streams.hpp"
#include "client-lib/cli/verbs.hpp"
#include "wal/offline/offline_directory.hpp"
#include "wal/offline/salvage.hpp"

namespace stele::cli {
namespace {

constexpr std::string_view salvage_help =
    R"(Copy all that can be read of a log into a new one; the old one is only read.

Example:
  stele salvage /var/lib/stele /var/lib/stele.new

Takes single entries out of damaged commits, too. Entries keep their seqs; what is missing, the new
log names, and `stele audit` names it. No daemon may have the old log open. The copy is made under
the name NEWDIR.unfinished, which becomes NEWDIR when all of it is on disk, and is removed if that
fails. Exit code 0: NEWDIR is there, whatever it lacks; 1: it is not; 7: no log can be read in DIR.
)";

constexpr std::array salvage_options{
    Option{.names = "DIR", .value = "DIR", .help = "The old log: the daemon's --data-dir"},
    Option{.names = "NEWDIR", .value = "NEWDIR", .help = "The new log; must not be there yet"},
};

std::uint64_t kernel_entropy() {
  std::uint64_t value = 0;
  while (::getrandom(&value, sizeof value, 0) != sizeof value) {
  }
  return value;
}

int run_salvage(ClientOptions const& /*options*/, GivenOptions const& given) {
  auto const path = directory_given(given, "DIR");
  auto const source = wal::open_offline_directory(path, wal::OfflineAccess::read);
  if (!source) return report_unreadable(path, source.error());
  auto made = NewLogDirectory::make(directory_given(given, "NEWDIR"), *source);
  if (!made) return exit_failed;
  auto const salvaged =
      wal::salvage_log(*source->directory, made->directory(),
                       {.in_use = [&] { return source->in_use(); }, .entropy = kernel_entropy});
  if (!salvaged) {
    auto const left = made->give_up();
    if (salvaged.error().code != wal::Errc::locked) {
      return report_no_copy("new log", path, salvaged.error(), left);
    }
    print_error("a process has the log open", "stop the daemon first");
    return exit_failed;
  }
  if (!made->finish()) return exit_failed;
  Output output;
  output.text() = salvage_text(*salvaged);
  return output.finish();
}

}  // namespace

Verb const salvage_verb{
    .name = "salvage", .text = salvage_help, .options = salvage_options, .run = run_salvage};

}  // namespace stele::cli
