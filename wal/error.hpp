// What can go wrong with a log on disk, as values that a caller can act on.
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <cstdint>
#include <string>
#include <string_view>

namespace stele::wal {

enum class Errc : std::uint8_t {
  locked = 1,           ///< Another process holds the directory.
  not_local,            ///< The file system is not a local one.
  unsupported_version,  ///< Written by a newer format; not damage.
  not_a_log,            ///< The directory has files of a log, but no readable MANIFEST.
  damaged,              ///< Damage was found and the options say to refuse.
  no_space,             ///< The disk is full; nothing was written.
  failed,               ///< An earlier write or sync failed; the log accepts nothing more.
  too_large,            ///< The group does not fit in one commit.
  short_write,          ///< The device took fewer bytes than were given.
  sink_full,            ///< The log holds more than its reader takes.
  diverged,             ///< The directory holds something else than an earlier copy of the log.
  not_empty,            ///< The directory holds files of others, and no log.
  replaced,             ///< The directory or a file was removed or replaced while it was in use.
};

boost::system::error_category const& error_category() noexcept;
boost::system::error_code make_error_code(Errc error) noexcept;

/// An error with the file (and offset) that it is about.
struct Failure {
  boost::system::error_code code{};
  std::string message{};
};

template <class T>
using Result = boost::system::result<T, Failure>;

[[noreturn]] void throw_exception_from_error(Failure const& failure,
                                             boost::source_location const& where);

/// Errc::no_space for a full disk or quota; any other errno as it is, in the system category.
boost::system::error_code disk_error(int error) noexcept;

/// "<path>: <doing>: <text of the errno>".
Failure disk_failure(std::string_view path, std::string_view doing, int error);

}  // namespace stele::wal

template <>
struct boost::system::is_error_code_enum<stele::wal::Errc> : std::true_type {};
