// The command line: what it may say, and its help.
#pragma once

#include <optional>
#include <variant>

#include "client-lib/cli/commands.hpp"
#include "stele/client.hpp"

namespace stele::cli {

using Command = std::variant<PingArguments, WriteArguments, ImportArguments, ReadArguments,
                             StatsArguments, AuditArguments>;

struct Arguments {
  ClientOptions options{};
  Command command{};
};

/// Nothing to run if help or the version was asked for, or if the command line is wrong; then the
/// text is printed already.
struct ParsedArguments {
  std::optional<Arguments> arguments{};
  int exit_code = 0;
};
ParsedArguments parse_arguments(int argc, char** argv);

}  // namespace stele::cli
