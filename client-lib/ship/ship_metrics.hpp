// The metrics of a shipper, in Prometheus' text format.
#pragma once

#include <cstdint>
#include <string>

#include "client-lib/ship/shipper.hpp"

namespace stele::ship {

/// `stream` and `log` are labels of each figure. `now_us`: since the epoch.
std::string metrics_text(ShipMetrics const& metrics, std::string const& stream,
                         std::string const& log, std::uint64_t now_us);

enum class FileUse : std::uint8_t {
  metrics,  ///< For everybody to read, now.
  state,    ///< Must outlast a power cut.
};

/// Replaces the file as a whole, so that nobody reads half of it. False: it could not be written.
bool replace_file(std::string const& path, std::string const& text, FileUse use);

}  // namespace stele::ship
