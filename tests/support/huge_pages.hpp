// What of this process' memory the system was asked to give huge pages for.
#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

namespace stele::test {

/// Nothing: the system has no huge pages.
inline std::optional<std::size_t> huge_page_bytes() {
  if (!std::filesystem::exists("/sys/kernel/mm/transparent_hugepage")) return std::nullopt;
  std::ifstream maps{"/proc/self/smaps"};
  std::size_t sum = 0;
  std::size_t kib = 0;
  for (std::string line; std::getline(maps, line);) {
    if (line.starts_with("Size:")) std::istringstream{line.substr(5)} >> kib;
    bool const is_asked_for =
        line.starts_with("VmFlags:") && line.find(" hg") != std::string::npos;
    if (is_asked_for) sum += kib << 10;
  }
  return sum;
}

}  // namespace stele::test
