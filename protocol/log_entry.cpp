#include "stele/log_entry.hpp"

#include <array>

namespace stele {
namespace {

constexpr std::array<std::string_view, 6> names{"trace", "debug", "info", "warn", "error", "fatal"};

}  // namespace

std::string_view to_string(Level level) noexcept { return names[static_cast<std::size_t>(level)]; }

std::optional<Level> parse_level(std::string_view name) noexcept {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<Level>(i);
  }
  return std::nullopt;
}

}  // namespace stele
