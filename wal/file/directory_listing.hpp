// The files that are in a log directory.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "wal/file/checked_open.hpp"

namespace stele::wal {

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
