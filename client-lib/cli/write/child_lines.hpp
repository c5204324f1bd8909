// A command that runs as a child, and the lines that it prints.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "stele/error.hpp"

namespace stele::cli {

/// A line, or a part of one that is longer than a part may be.
struct ChildLine {
  std::string_view text{};
  bool is_stderr = false;
  pid_t pid = 0;
  std::size_t part = 0;    ///< From 1 on; 0: the line is whole.
  bool continues = false;  ///< Another part follows.
};

struct ChildOptions {
  std::size_t part_bytes_max = std::size_t{256} << 10;
};

struct ChildEnd {
  int exit_code = 0;           ///< 128 + n if signal n ended the command.
  bool output_is_cut = false;  ///< A signal ended the reading while something had the output open.
};

/// Runs a command, hands out each line of its two streams as it comes, and returns how it
/// ended. Lines of one stream come in order; a last line may lack its end; no part ends within a
/// character. It returns when both streams have ended: what the command left running may print,
/// too. SIGTERM, SIGHUP and SIGINT are passed on to the command (unless its terminal has sent it as
/// well); once that is gone they end the reading after two seconds, and a second one at once. Fails
/// with the system's error if the command cannot be started.
Result<ChildEnd> run_child(std::vector<std::string> const& command, ChildOptions const& options,
                           std::function<void(ChildLine const&)> const& on_line);

/// Whether one of these signals has come.
bool child_was_signalled() noexcept;

}  // namespace stele::cli
