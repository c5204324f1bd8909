// The programs under test, for tests that are not in their process: those of the same build, or
// those that the environment names.
#pragma once

#include <string>

namespace stele::test {

std::string steled_path();  ///< STELE_STELED
std::string stele_path();   ///< STELE_STELE

/// Whether they check themselves as they run (STELE_SANITIZED=1), so that all takes several times
/// as long, and memory says nothing.
bool is_sanitized();

}  // namespace stele::test
