// What the command says on standard error, and the exit code that goes with it.
#pragma once

#include <string>
#include <string_view>

#include "stele/client.hpp"
#include "stele/client_error.hpp"
#include "stele/error.hpp"

namespace stele::cli {

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
