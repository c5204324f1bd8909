// What the command's exit status means. It is an interface: scripts depend on it.
#pragma once

namespace stele::cli {

enum ExitCode : int {
  exit_ok = 0,
  exit_failed = 1,       ///< The work itself failed: an unreadable file, a refused line, damage.
  exit_usage = 2,        ///< The command line is wrong.
  exit_unreachable = 3,  ///< No daemon, or the connection to it was lost.
  exit_refused = 4,      ///< The daemon (or a check on its behalf) refused the request.
  exit_empty = 5,        ///< With --fail-empty: nothing matched.
  exit_torn = 6,         ///< The log ends in an unfinished write; nothing else is wrong with it.
  exit_unreadable = 7,   ///< No log could be read in this directory.
  exit_warned = 8,       ///< `doctor` found something to mend, though nothing is lost by it.
  // 128 + n: signal n ended it; 130 for Ctrl-C.
};

}  // namespace stele::cli
