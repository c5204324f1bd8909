// One run of `stele import`: lines of files into the log, batch by batch.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "client-lib/cli/import/line_parser.hpp"
#include "stele/client.hpp"

namespace stele::cli {

struct ImportArguments {
  std::vector<std::string> paths{};  ///< `-` is standard input.
  LineForm form{};
  std::size_t batch_entries_max = 1000;
  bool zone_is_given = false;         ///< With --timezone.
  std::vector<std::string> mapped{};  ///< The terms of --map.
};

/// What is stored is always a prefix of the input, without refused lines. Returns the exit code.
int import_lines(ClientOptions const& options, ImportArguments arguments);

}  // namespace stele::cli
