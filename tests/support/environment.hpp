// What a person sets to choose how long a test runs, and which run it repeats.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace stele::test {

inline std::uint64_t number_from_environment(char const* name, std::uint64_t otherwise) {
  char const* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace stele::test
