// The verbs that need the libraries of other systems. They are done by the program `stele-ship`,
// which is installed by itself: `stele` runs it in its place.
#pragma once

#include "client-lib/cli/command_line/given_options.hpp"
#include "stele/client.hpp"

namespace stele::cli {

/// `stele ship`.
int run_ship(ClientOptions const& options, GivenOptions const& given);
/// `stele read --from`.
int run_remote_read(GivenOptions const& given);

}  // namespace stele::cli
