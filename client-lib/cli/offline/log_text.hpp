// How the offline verbs word what they found in a log's directory.
#pragma once

#include <string>
#include <string_view>

#include "client-lib/cli/command_line/given_options.hpp"
#include "wal/error.hpp"
#include "wal/offline/backup.hpp"
#include "wal/offline/log_check.hpp"
#include "wal/offline/salvage.hpp"

namespace stele::cli {

/// Where the service keeps its log.
inline constexpr std::string_view default_data_dir = "/var/lib/stele";

/// Throws UsageError if the word is not there.
std::string directory_given(GivenOptions const& given, std::string_view key);

/// Each finding and each stretch that is missing on a line of its own, then a line that sums up.
std::string check_text(wal::LogCheck const& check);

/// What the new log lacks, a line each, then what was copied.
std::string salvage_text(wal::SalvageReport const& report);

/// What is wrong with the log that was copied, then what was done.
std::string backup_text(wal::BackupReport const& report);

int exit_code_for(wal::LogCheck const& check) noexcept;

/// Prints what could not be read; returns exit_unreadable.
int report_unreadable(std::string const& directory, wal::Failure const& failure);

/// The same for the log in `directory`, if that is why; else that there is no `copy`, and what was
/// `left` of it, the end of a sentence; returns exit_failed then.
int report_no_copy(std::string_view copy, std::string const& directory, wal::Failure const& failure,
                   std::string const& left);

}  // namespace stele::cli
