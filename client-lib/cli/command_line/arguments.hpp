// The command line, read by the table of verbs; and its help.
#pragma once

#include <optional>

#include "client-lib/cli/command_line/given_options.hpp"
#include "client-lib/cli/verb.hpp"
#include "stele/client.hpp"

namespace stele::cli {

struct Arguments {
  ClientOptions options{};
  Verb const* verb = nullptr;
  GivenOptions given{};
};

/// Nothing to run if help or the version was asked for, or if the command line is wrong; then the
/// text is printed already.
struct ParsedArguments {
  std::optional<Arguments> arguments{};
  int exit_code = 0;
};
ParsedArguments parse_arguments(int argc, char** argv);

}  // namespace stele::cli
