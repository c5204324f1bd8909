// The names of levels that the command line takes: stele's own, and syslog's.
#pragma once

#include <optional>
#include <string_view>

#include "stele/log_entry.hpp"

namespace stele::cli {

/// One of `trace debug info warn error fatal`, or a syslog name:
/// emerg alert crit critical -> fatal, err -> error, warning -> warn, notice -> info.
std::optional<Level> parse_level_name(std::string_view name) noexcept;

/// For help and error texts.
inline constexpr std::string_view level_names =
    "trace debug info warn error fatal (or syslog's emerg alert crit err warning notice)";

}  // namespace stele::cli
