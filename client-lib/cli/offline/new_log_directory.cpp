#include "client-lib/cli/offline/new_log_directory.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string_view>
#include <system_error>
#include <utility>

#include "client-lib/cli/offline/log_text.hpp"
#include "client-lib/cli/terminal/report.hpp"
#include "client-lib/cli/terminal/terminal_text.hpp"
#include "client-lib/process/unique_fd.hpp"

namespace stele::cli {
namespace {

void print_failure(std::string const& path, std::string_view doing, int error) {
  std::string sentence;
  append_visible(sentence, path);
  sentence += ": ";
  sentence += doing;
  sentence += ": " + std::system_category().message(error);
  print_error(sentence);
}

/// Returns 0 or errno.
int rename_and_sync(std::string const& from, std::string const& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) != 0)
    return errno;
  client::UniqueFd const parent(::open((to + "/..").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return parent && ::fsync(parent.get()) == 0 ? 0 : errno;
}

}  // namespace

std::string without_slashes(std::string path) {
  while (path.size() > 1 && (path.ends_with('/') || path.ends_with("/."))) path.pop_back();
  return path;
}

std::optional<wal::FileOwner> owner_of_copy(wal::OfflineDirectory const& source) {
  if (::geteuid() != 0) return std::nullopt;
  return source.owner;
}

std::optional<NewLogDirectory> NewLogDirectory::make(std::string path,
                                                     wal::OfflineDirectory const& source) {
  path = without_slashes(std::move(path));
  auto const unfinished = path + ".unfinished";
  struct stat found {};
  if (::lstat(path.c_str(), &found) == 0) {
    print_failure(path, "will not use it", EEXIST);
    return std::nullopt;
  }
  if (::mkdir(unfinished.c_str(), 0700) != 0) {
    int const error = errno;
    print_failure(unfinished, "cannot make it", error);
    if (error == EEXIST) print_error("an earlier command did not finish; remove what it left");
    return std::nullopt;
  }
  auto const owner = owner_of_copy(source);
  auto opened = wal::open_offline_directory(unfinished, wal::OfflineAccess::write, owner);
  auto const given = opened && owner ? opened->give_to(*owner) : wal::Result<void>();
  if (!opened || !given) {
    report_unreadable(unfinished, opened ? given.error() : opened.error());
    return std::nullopt;
  }
  return NewLogDirectory(std::move(path), *std::move(opened));
}

bool NewLogDirectory::finish() {
  int const error = rename_and_sync(opened_.path, path_);
  if (error != 0) print_failure(path_, "cannot give it its name", error);
  return error == 0;
}

std::string NewLogDirectory::give_up() {
  int const again = ::openat(opened_.fd.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (auto* const files = again < 0 ? nullptr : ::fdopendir(again)) {
    while (auto const* const file = ::readdir(files)) ::unlinkat(again, file->d_name, 0);
    ::closedir(files);
  }
  if (::rmdir(opened_.path.c_str()) == 0) return "; what was copied is removed";
  std::string left = "; what was copied is left in ";
  append_visible(left, opened_.path);
  return left;
}

}  // namespace stele::cli
