// What `read` and `tail` were asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "client-lib/cli/command_line/given_options.hpp"
#include "client-lib/cli/output/entry_text.hpp"
#include "client-lib/cli/read/selection.hpp"
#include "client-lib/cli/verb.hpp"
#include "stele/log_entry.hpp"

namespace stele::cli {

struct ReadArguments {
  EntrySelection selection{};
  std::optional<std::uint64_t> newest{};  ///< `-n N`: the newest N.
  std::optional<std::uint64_t> first{};   ///< `-n +N`: the first N.
  bool newest_first = false;
  bool follow = false;
  EntryStyle style{};
  bool pager = false;
  bool pager_at_end = false;
  bool quiet = false;
  bool fail_empty = false;
  std::string cursor{};
  bool show_cursor = false;
};

/// `tail`: follow, with the newest ten first. Throws UsageError.
ReadArguments read_arguments(GivenOptions const& given, bool tail = false);

std::span<Option const> read_options() noexcept;
std::span<Option const> tail_options() noexcept;

/// Prints entries as they are written, until it is interrupted. Returns the exit code.
int follow_log(ClientOptions const& options, ReadArguments const& arguments);

}  // namespace stele::cli
