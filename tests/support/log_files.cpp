#include "support/log_files.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "support/program.hpp"

namespace stele::test {

std::map<std::string, std::string> log_files(std::string const& directory) {
  std::map<std::string, std::string> files;
  for (auto const& file : std::filesystem::directory_iterator(directory)) {
    auto const name = file.path().filename().string();
    if (name != "LOCK") files[name] = read_file(file.path());
  }
  return files;
}

std::string last_used_segment(std::string const& directory) {
  std::string last;
  for (auto const& file : std::filesystem::directory_iterator(directory)) {
    if (file.path().extension() != ".seg") continue;
    auto const text = read_file(file.path());
    if (text.find("SCMT") != std::string::npos) last = std::max(last, file.path().string());
  }
  return last;
}

void change_last(std::string const& path, std::string const& text) {
  auto const place = read_file(path).rfind(text);
  if (place == std::string::npos) throw std::runtime_error(path + " does not hold " + text);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(place));
  file.put('#');
}

void begin_commit_at_the_end(std::string const& path) {
  auto const content = read_file(path);
  auto const last = content.rfind("SCMT");
  auto const free = content.find(std::string(512, '\0'), last) / 512 * 512 + 512;
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(free));
  file << "SCMT";
}

}  // namespace stele::test
