// Opening files of the data directory that nobody else planted there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wal/error.hpp"
#include "wal/file/unique_fd.hpp"

namespace stele::wal {

/// An open directory, and its path for messages.
struct DirectoryHandle {
  UniqueFd fd{};
  std::string path{};
  std::uint32_t owner = 0;

  std::string path_of(std::string_view name) const;
};

/// openat(2) with `flags` (O_CLOEXEC, O_NOFOLLOW and mode 0600 are added), then a check: a regular
/// file with one name, owned by this process's user or by the directory's owner (so that root can
/// inspect a service's directory). Nothing is written to a file that fails the check; so O_TRUNC
/// must not be among the flags. Without O_DIRECT where the file system refuses that.
Result<UniqueFd> open_checked(DirectoryHandle const& place, std::string_view name, int flags);

/// Gives the space of the file's bytes from `offset` on, which are zeros, back to the file system.
/// One without holes says no; then it stays taken.
void punch_zeros(DirectoryHandle const& place, std::string_view name,
                 std::uint64_t offset) noexcept;

/// Locked for as long as a process has the log open: with flock(2), which decides, and with an open
/// file description lock besides, which others can ask for without taking it.
inline constexpr std::string_view lock_name = "LOCK";

/// All names in it, of whatever kind.
Result<std::vector<std::string>> list_all_names(DirectoryHandle const& place);
/// The names of the regular files in it, sorted; LOCK is left out.
Result<std::vector<std::string>> list_regular_files(DirectoryHandle const& place);

/// Errc::not_empty if there is no log in it, and something that a first start cannot have left: a
/// log is made in a directory of its own. Looks at names only, and changes nothing.
Result<void> check_is_for_a_log(DirectoryHandle const& place);

}  // namespace stele::wal
