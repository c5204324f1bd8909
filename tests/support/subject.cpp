#include "support/subject.hpp"

#include <cstdlib>

#include "support/environment.hpp"

namespace stele::test {
namespace {

std::string path_from_environment(char const* name, char const* otherwise) {
  char const* const path = std::getenv(name);
  return path != nullptr ? path : otherwise;
}

}  // namespace

std::string steled_path() { return path_from_environment("STELE_STELED", STELE_STELED_BUILT); }

std::string stele_path() { return path_from_environment("STELE_STELE", STELE_STELE_BUILT); }

bool is_sanitized() {
  return number_from_environment("STELE_SANITIZED", STELE_SANITIZED_BUILT) != 0;
}

}  // namespace stele::test
