#include "stele/log_entry.hpp"

#include <cstddef>

#include "protocol/limits.hpp"

namespace stele {

std::string_view to_string(Level level) noexcept {
  return protocol::level_names[static_cast<std::size_t>(level)];
}

std::optional<Level> parse_level(std::string_view name) noexcept {
  for (std::size_t i = 0; i < protocol::level_names.size(); ++i) {
    if (protocol::level_names[i] == name) return static_cast<Level>(i);
  }
  return std::nullopt;
}

}  // namespace stele
