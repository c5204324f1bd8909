#include "client-lib/cli/level_names.hpp"

#include <algorithm>
#include <array>

namespace stele::cli {
namespace {

struct Alias {
  std::string_view name;
  Level level;
};

constexpr std::array aliases{
    Alias{"emerg", Level::fatal},    Alias{"alert", Level::fatal}, Alias{"crit", Level::fatal},
    Alias{"critical", Level::fatal}, Alias{"err", Level::error},   Alias{"warning", Level::warn},
    Alias{"notice", Level::info},
};

}  // namespace

std::optional<Level> parse_level_name(std::string_view name) noexcept {
  if (auto const level = parse_level(name)) return level;
  auto const found = std::find_if(aliases.begin(), aliases.end(),
                                  [name](Alias const& alias) { return alias.name == name; });
  if (found == aliases.end()) return std::nullopt;
  return found->level;
}

}  // namespace stele::cli
