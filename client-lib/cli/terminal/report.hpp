// What the command says on standard error, and the exit code that goes with it.
#pragma once

#include <string>
#include <string_view>

#include "stele/client.hpp"
#include "stele/client_error.hpp"
#include "stele/error.hpp"

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

/// `stele: sentence`, then `hint: …` if there is one. Names in them may come from anybody: what a
/// terminal would act on is escaped.
void print_error(std::string_view sentence, std::string_view hint = {});

/// That retention was faster than this program.
void print_removed(SeqRange const& removed);

/// What to do next about a failure; empty if there is nothing to say.
std::string_view hint_for(Failure const& failure) noexcept;

/// 3 for a stele::ClientError, 4 for a stele::Error, 1 for all else.
int exit_code_for(Failure const& failure) noexcept;

/// Prints both and returns the exit code.
int report(Failure const& failure);

}  // namespace stele::cli
