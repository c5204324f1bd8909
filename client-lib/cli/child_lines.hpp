// A command that runs as a child, and the lines that it prints.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "stele/error.hpp"

namespace stele::cli {

struct ChildLine {
  std::string_view text{};
  bool is_stderr = false;
  pid_t pid = 0;
};

/// Runs a command, hands out each line of its two streams as it comes, and returns its exit code:
/// 128 + n if signal n ended it. Lines of one stream come in order; a last line may lack its end;
/// a line above 1 MiB comes in parts. SIGTERM and SIGHUP are passed on to the command, and SIGINT
/// is left to it. When the command has ended, what it printed is read; what it left running is not
/// waited for. Fails if it cannot be started.
Result<int> run_child(std::vector<std::string> const& command,
                      std::function<void(ChildLine const&)> const& on_line);

}  // namespace stele::cli
