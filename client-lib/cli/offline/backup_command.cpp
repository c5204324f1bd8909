#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <optional>

#include "client-lib/cli/command_line/given_options.hpp"
#include "client-lib/cli/offline/log_text.hpp"
#include "client-lib/cli/offline/new_log_directory.hpp"
#include "client-lib/cli/terminal/report.hpp"
#include "client-lib/cli/terminal/streams.hpp"
#include "client-lib/cli/verbs.hpp"
#include "wal/offline/backup.hpp"
#include "wal/offline/offline_directory.hpp"

namespace stele::cli {
namespace {

constexpr std::string_view backup_help =
    R"(Copy a log while a daemon writes it, checked before and after; changes nothing in it.

Examples:
  stele backup /backup/stele
  stele backup --incremental /backup/stele
  stele backup --data-dir /var/lib/stele-web /backup/web

The copy holds all that was acknowledged before the command began. It is a log of its own: a daemon
starts on it, and `stele verify`, `dump` and `salvage` read it. It is made under the name
DIR.unfinished, which becomes DIR when all of it is on disk, and is removed if that fails. With
--incremental DIR may hold an earlier copy of the same log, which is brought up to date: only
segments that are new or have grown are copied, and what retention has removed goes. Damage of the
log is copied as it is, and named.
Exit code 0: the copy is there and nothing is damaged; 1: it is there and has the damage of the log,
or it could not be made; 6: it ends in an unfinished write; 7: no log can be read.
)";

constexpr std::array backup_options{
    Option{.names = "DIR", .value = "DIR", .help = "The copy"},
    Option{.names = "--data-dir",
           .value = "PATH",
           .help = "The log: the daemon's --data-dir",
           .default_value = default_data_dir},
    Option{.names = "--incremental", .help = "Bring an earlier copy up to date, if there is one"},
};

/// The directory that takes the copy: the earlier copy, or a new one.
struct Target {
  std::optional<NewLogDirectory> made{};
  wal::OfflineDirectory earlier{};

  wal::Directory& directory() { return made ? made->directory() : *earlier.directory; }
};

bool is_there(std::string const& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0;
}

/// Whether a directory that is there may take a copy: it is empty, or has been a log's. That it is
/// one of this log is found when the log has been read. Printed if not.
bool may_take_copy(wal::OfflineDirectory const& directory, wal::OfflineDirectory const& source) {
  bool const is_own =
      directory.owner.user == ::geteuid() || directory.owner.user == source.owner.user;
  if (!is_own) {
    print_error(directory.path + ": belongs to neither you nor the owner of the log",
                "name another directory");
    return false;
  }
  auto const may_take = directory.may_take_copy();
  if (!may_take) {
    report_unreadable(directory.path, may_take.error());
    return false;
  }
  if (*may_take) return true;
  print_error(directory.path + ": neither empty nor an earlier copy of this log",
              "name another directory");
  return false;
}

/// Nothing if it cannot be used; that is printed.
std::optional<Target> open_target(std::string const& path, bool incremental,
                                  wal::OfflineDirectory const& source) {
  Target target;
  if (!incremental || !is_there(path)) {
    target.made = NewLogDirectory::make(path, source);
    if (!target.made) return std::nullopt;
    return target;
  }
  auto opened = wal::open_offline_directory(path, wal::OfflineAccess::write, owner_of_copy(source));
  if (!opened) {
    print_error(opened.error().message, "name a directory, and no symbolic link to one");
    return std::nullopt;
  }
  if (!may_take_copy(*opened, source)) return std::nullopt;
  if (opened->in_use()) {
    print_error("a process has the copy open", "a copy that a daemon serves is a log of its own");
    return std::nullopt;
  }
  target.earlier = *std::move(opened);
  return target;
}

/// `left`: what became of a new copy.
int report_failure(std::string const& data_dir, std::string const& path,
                   wal::Failure const& failure, std::string const& left) {
  if (failure.code == wal::Errc::diverged) {
    print_error(path + ": not an earlier copy of this log: " + failure.message,
                "name another directory");
    return exit_failed;
  }
  return report_no_copy("backup", data_dir, failure, left);
}

int run_backup(ClientOptions const& /*options*/, GivenOptions const& given) {
  auto const data_dir = given.text("--data-dir", default_data_dir);
  auto const path = without_slashes(directory_given(given, "DIR"));
  auto const source = wal::open_offline_directory(data_dir, wal::OfflineAccess::read);
  if (!source) return report_unreadable(data_dir, source.error());
  auto target = open_target(path, given.has("--incremental"), *source);
  if (!target) return exit_failed;
  auto const done =
      wal::backup_log(*source->directory, target->directory(), [&] { return source->in_use(); });
  if (!done) {
    auto const left = target->made ? target->made->give_up() : std::string{};
    return report_failure(data_dir, path, done.error(), left);
  }
  if (target->made && !target->made->finish()) return exit_failed;
  Output output;
  output.text() = backup_text(*done);
  if (auto const exit_code = output.finish(); exit_code != exit_ok) return exit_code;
  return exit_code_for(done->check);
}

}  // namespace

Verb const backup_verb{
    .name = "backup", .text = backup_help, .options = backup_options, .run = run_backup};

}  // namespace stele::cli
