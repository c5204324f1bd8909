// What an operator can set: one table gives the flags, the keys of the configuration file, --help,
// and the checks. daemon/steled.conf is its documented sample.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/security/access.hpp"
#include "protocol/limits.hpp"
#include "wal/io/disk_directory.hpp"
#include "wal/log.hpp"

namespace stele::daemon {

enum class LogLevel : std::uint8_t { debug, info, warn, error };

/// One read of a socket brings no more.
inline constexpr std::size_t read_bytes_max = std::size_t{256} << 10;

/// Sizes are bytes.
struct Config {
  Config();  ///< The defaults of the table.

  std::string socket{};
  std::uint32_t socket_mode{};
  std::optional<std::uint32_t> socket_owner{};  ///< Absent: those of the process.
  std::optional<std::uint32_t> socket_group{};
  AccessList may_write{};
  AccessList may_read{};
  std::string data_dir{};
  wal::Backend wal_backend{};
  bool buffered{};
  bool allow_remote{};
  std::uint64_t segment_bytes{};
  std::uint64_t commit_align{};          ///< 0: the device's sector.
  bool pack{};                           ///< Segments that were left become packs.
  std::uint64_t retain_bytes{};          ///< 0: for ever.
  std::chrono::seconds retain_age{};     ///< 0: for ever.
  std::vector<std::string> consumers{};  ///< Whom retention waits for,
  std::uint64_t hold_bytes{};            ///< and how far above retain_bytes.
  std::uint64_t history_share{};         ///< Percent of a user; 0: no limit.
  std::uint64_t max_store_bytes{};       ///< 0: see store_bytes_max().
  wal::OnDamage on_damage{};
  std::uint64_t max_connections{};
  std::uint64_t max_user_connections{};  ///< 0: max_connections.
  std::uint64_t max_frame_bytes{};
  std::uint64_t max_entry_bytes{};
  std::uint64_t max_in_flight_bytes{};
  std::uint64_t max_unsent_bytes{};
  std::uint64_t max_user_unsent_bytes{};
  std::uint64_t max_all_unsent_bytes{};
  std::uint64_t max_unread_bytes{};       ///< 0: a frame and what a read of the socket brings.
  std::uint64_t max_user_unread_bytes{};  ///< 0: twice that,
  std::uint64_t max_all_unread_bytes{};   ///< 0: four times that of a user.
  std::uint64_t max_unanswered{};
  std::uint64_t max_tails{};
  std::uint64_t max_writers{};
  std::chrono::seconds request_timeout{};  ///< 0: none, here and below.
  std::chrono::seconds idle_timeout{};
  std::chrono::seconds reader_timeout{};
  LogLevel log_level{};

  std::vector<std::string_view> given{};  ///< Names of what a file or a flag has set.
  bool is_given(std::string_view name) const noexcept;

  bool operator==(Config const&) const = default;
};

/// One thing that can be set. `name` is the key in the file, and with `--` before it the flag.
struct Option {
  std::string_view name;
  std::string_view argument;       ///< How --help names the value; empty: a switch.
  std::string_view default_value;  ///< As it would be written.
  std::string_view help;
  /// Takes a value as text; false if it is not a legal one.
  bool (*set)(Config& config, std::string_view value);
  std::string_view allowed;  ///< For the message when it is not.
  void (*copy)(Config const& from, Config& to);
  bool at_run_time = false;  ///< Taken by a daemon that reads its file again.
};
std::span<Option const> options() noexcept;

/// What the command line asks for.
struct Invocation {
  enum class Action { run, help, version, check_config };
  Action action = Action::run;
  Config config{};
};

/// Why there is no configuration: every error that was found, one sentence each.
struct ConfigErrors {
  int exit_code = 0;  ///< EX_USAGE if the command line has any, else EX_CONFIG.
  std::vector<std::string> messages{};
};

/// The file first, then the flags over it, then the defaults' places; then what fits what.
/// Fills `invocation`; returns the errors if there are any.
std::optional<ConfigErrors> parse_command_line(std::span<char const* const> arguments,
                                               Invocation& invocation);

/// The lines of a configuration file. `name` is for messages.
std::vector<std::string> parse_config_file(std::istream& file, std::string_view name,
                                           Config& config);
/// What is wrong with the whole, beyond single values.
std::vector<std::string> validate(Config const& config);

/// How far above retain_bytes the log may become; 0: there is nobody to hold it for.
std::uint64_t held_bytes_max(Config const& config) noexcept;
/// What a user may have of the log before its writes remove others' entries; 0: no limit.
std::uint64_t history_bytes_max(Config const& config) noexcept;
/// How large retention lets the log become, with what it holds for consumers. 0: no limit.
std::uint64_t log_bytes_max(Config const& config) noexcept;

/// What the entries may take of the memory: as set, or what retention lets the log grow to and
/// half as much again, for the index and for what is on its way; or, if nothing is ever removed,
/// half of the machine's memory.
std::uint64_t store_bytes_max(Config const& config, std::uint64_t machine_bytes) noexcept;

/// Of requests that are not handled: of a connection, of a user, and of all.
std::uint64_t unread_bytes_max(Config const& config) noexcept;
std::uint64_t user_unread_bytes_max(Config const& config) noexcept;
std::uint64_t all_unread_bytes_max(Config const& config) noexcept;

/// The text of --help.
std::string help_text();

/// "64M", "1G", "512", with K, M, G, T as powers of 1024; also "64MiB". Nothing if it is no size.
std::optional<std::uint64_t> parse_size(std::string_view text) noexcept;
/// The shortest exact form of the above.
std::string format_size(std::uint64_t bytes);
/// "30s", "5min", "12h", "7d", or "0". Nothing if it is no such time, or longer than 1000 years.
std::optional<std::chrono::seconds> parse_duration(std::string_view text) noexcept;

struct ConfigChange {
  Config in_force{};  ///< What runs, with all that it takes of the new one.
  std::vector<std::string_view> applied{};
  std::vector<std::string_view> needs_restart{};
};

/// Names settings whose values differ.
ConfigChange compare(Config const& running, Config const& wanted);

}  // namespace stele::daemon
