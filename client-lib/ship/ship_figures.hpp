// The figures of a shipper, in Prometheus' text format.
#pragma once

#include <cstdint>
#include <string>

#include "client-lib/ship/shipper.hpp"

namespace stele::ship {

/// `stream`: a label of each figure. `now_us`: since the epoch.
std::string figures_text(ShipFigures const& figures, std::string const& stream,
                         std::uint64_t now_us);

/// Whether what is written must outlast a power cut, or is only for who reads it now.
enum class Lasting : bool { no, yes };

/// Replaces the file as a whole, so that nobody reads half of it. False: it could not be written.
bool replace_file(std::string const& path, std::string const& text, Lasting lasting = Lasting::no);

}  // namespace stele::ship
