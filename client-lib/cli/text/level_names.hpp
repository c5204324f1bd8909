// The names of levels: those that the command line takes, and those that logs have.
#pragma once

#include <optional>
#include <string_view>

#include "stele/log_entry.hpp"

namespace stele::cli {

/// What the command line takes, in any case: `trace debug info warn error fatal`, syslog's names
/// and digits (`err`, `3`), and other common names.
std::optional<Level> parse_level_name(std::string_view name);

/// For help and error texts.
inline constexpr std::string_view level_names =
    "trace debug info warn error fatal (or syslog's emerg alert crit err warning notice, 0 to 7)";

struct ReadLevel {
  Level level = Level::info;
  bool is_exact = true;  ///< The level says all that the text said.
};

/// The nearest level to what a log has: names in any case, and the letters and numbers of common
/// loggers: syslog 0 to 7, bunyan and pino 10 to 60, monolog 100 to 600, log4j 5000 to 50000, slog
/// `INFO+2`, `D`, redis `#`. Nothing for other texts.
std::optional<ReadLevel> read_level(std::string_view text);

}  // namespace stele::cli
