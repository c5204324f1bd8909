// What the process ends with; documented in README.md for service managers and scripts.
#pragma once

#include <sysexits.h>

#include "stele/error.hpp"
#include "wal/error.hpp"

namespace stele::daemon {

inline constexpr int exit_ok = 0;
inline constexpr int exit_usage = EX_USAGE;      // 64
inline constexpr int exit_damaged = EX_DATAERR;  // 65
inline constexpr int exit_io_error = EX_IOERR;   // 74
inline constexpr int exit_locked = EX_TEMPFAIL;  // 75
inline constexpr int exit_config = EX_CONFIG;    // 78

/// Why the log, or the socket, could not be opened.
int exit_code_of(wal::Failure const& failure) noexcept;
int exit_code_of(Failure const& failure) noexcept;

}  // namespace stele::daemon
