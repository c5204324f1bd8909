#include "support/process_figures.hpp"

#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace stele::test {
namespace {

std::string proc(pid_t pid, char const* file) {
  return "/proc/" + std::to_string(pid) + "/" + file;
}

}  // namespace

ProcessFigures figures_of(pid_t pid) {
  ProcessFigures figures;
  std::ifstream status(proc(pid, "status"));
  std::string word;
  while (status >> word) {
    std::size_t kilobytes = 0;
    if (word == "VmRSS:" && status >> kilobytes) figures.resident_bytes = kilobytes << 10;
    if (word == "VmHWM:" && status >> kilobytes) figures.peak_bytes = kilobytes << 10;
  }
  if (figures.resident_bytes == 0) throw std::runtime_error("no process " + std::to_string(pid));
  std::filesystem::directory_iterator const descriptors(proc(pid, "fd"));
  figures.descriptors =
      static_cast<std::size_t>(std::distance(begin(descriptors), end(descriptors)));
  return figures;
}

void forget_peak(pid_t pid) {
  std::ofstream file(proc(pid, "clear_refs"));
  file << "5" << std::flush;
  if (!file) throw std::runtime_error("cannot reset the peak of " + std::to_string(pid));
}

void allow_descriptors(std::size_t count) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= count) return;
  limit.rlim_cur = count;
  if (limit.rlim_max < count) limit.rlim_max = count;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    throw std::runtime_error("no " + std::to_string(count) + " descriptors: see ulimit -Hn");
  }
}

}  // namespace stele::test
