#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "client-lib/cli/exit_code.hpp"
#include "client-lib/cli/given_options.hpp"
#include "client-lib/cli/log_text.hpp"
#include "client-lib/cli/report.hpp"
#include "client-lib/cli/streams.hpp"
#include "client-lib/cli/terminal_text.hpp"
#include "client-lib/cli/verbs.hpp"
#include "wal/plain_directory.hpp"
#include "wal/salvage.hpp"

namespace stele::cli {
namespace {

constexpr std::string_view help_text =
    R"(Copy all that can be read of a log into a new one; the old one is only read.

Example:
  stele salvage /var/lib/stele /var/lib/stele.new

Takes single entries out of damaged commits, too. Entries keep their seqs; what is missing, the new
log names, and `stele audit` tells it. No daemon may have the old log open. The copy is made under
the name NEWDIR.unfinished, which becomes NEWDIR when all of it is on disk. Exit code 0: NEWDIR is
there, whatever it lacks; 1: it is not; 7: no log can be read in DIR.
)";

constexpr std::array option_list{
    Option{.names = "DIR", .value = "DIR", .help = "The old log: the daemon's --data-dir"},
    Option{.names = "NEWDIR", .value = "NEWDIR", .help = "The new log; must not be there yet"},
};

std::uint64_t kernel_entropy() {
  std::uint64_t value = 0;
  while (::getrandom(&value, sizeof value, 0) != sizeof value) {
  }
  return value;
}

int fail(std::string const& path, std::string_view doing, int error) {
  std::string sentence;
  append_visible(sentence, path);
  sentence += ": ";
  sentence += doing;
  sentence += ": " + std::system_category().message(error);
  print_error(sentence);
  return exit_failed;
}

std::string without_slashes(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

/// A daemon that runs as the owner of the old log is to find its own files in the new one.
void give_to_owner_of(std::string const& source, std::string const& target) {
  struct stat owner {};
  if (::geteuid() != 0 || ::stat(source.c_str(), &owner) != 0) return;
  std::error_code ignored;
  for (auto const& file : std::filesystem::directory_iterator(target, ignored)) {
    (void)!::lchown(file.path().c_str(), owner.st_uid, owner.st_gid);
  }
  (void)!::lchown(target.c_str(), owner.st_uid, owner.st_gid);
}

/// Returns 0 or errno.
int rename_and_sync(std::string const& from, std::string const& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) != 0)
    return errno;
  int const parent = ::open((to + "/..").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (parent < 0) return errno;
  int const error = ::fsync(parent) == 0 ? 0 : errno;
  ::close(parent);
  return error;
}

int run(ClientOptions const& /*options*/, GivenOptions const& given) {
  auto const path = directory_given(given, "DIR");
  auto const new_path = without_slashes(directory_given(given, "NEWDIR"));
  auto const unfinished = new_path + ".unfinished";
  auto const source = wal::open_plain_directory(path, wal::PlainAccess::read);
  if (!source) return report_unreadable(path, source.error());
  struct stat found {};
  if (::lstat(new_path.c_str(), &found) == 0) return fail(new_path, "will not use it", EEXIST);
  if (::mkdir(unfinished.c_str(), 0700) != 0) {
    int const error = errno;
    fail(unfinished, "cannot make it", error);
    if (error == EEXIST) print_error("an earlier salvage did not finish; remove what it left");
    return exit_failed;
  }
  auto const target = wal::open_plain_directory(unfinished, wal::PlainAccess::write);
  if (!target) return report_unreadable(unfinished, target.error());
  auto const salvaged =
      wal::salvage_log(*source->directory, *target->directory,
                       {.in_use = [&] { return source->in_use(); }, .entropy = kernel_entropy});
  if (!salvaged) {
    ::rmdir(unfinished.c_str());  // Goes if nothing was written yet.
    if (salvaged.error().code != wal::Errc::locked) {
      return report_unreadable(path, salvaged.error());
    }
    print_error("a process has the log open", "stop the daemon first");
    return exit_failed;
  }
  give_to_owner_of(path, unfinished);
  if (int const error = rename_and_sync(unfinished, new_path); error != 0) {
    return fail(new_path, "cannot give it its name", error);
  }
  Output output;
  output.text() = salvage_text(*salvaged);
  return output.finish();
}

}  // namespace

Verb const salvage_verb{.name = "salvage", .text = help_text, .options = option_list, .run = run};

}  // namespace stele::cli
