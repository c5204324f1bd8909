// A bound for the memory of the processes that a test starts.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

namespace stele::test {

/// A memory cgroup of its own, for whoever starts in it or is put there; none where this process
/// may make none.
class MemoryGroup {
 public:
  explicit MemoryGroup(std::size_t bytes) {
    for (std::string const root : {"/sys/fs/cgroup/memory", "/sys/fs/cgroup"}) {
      auto const path = root + "/stele-test-" + std::to_string(::getpid());
      std::error_code error;
      if (!std::filesystem::create_directory(path, error)) continue;
      for (auto const* const name : {"/memory.limit_in_bytes", "/memory.max"}) {
        if (std::filesystem::exists(path + name)) limit_ = path + name;
      }
      path_ = path;
      if (!limit_.empty() && (std::ofstream(limit_) << bytes << std::flush)) return;
      remove();
    }
  }
  MemoryGroup(MemoryGroup const&) = delete;
  MemoryGroup& operator=(MemoryGroup const&) = delete;
  ~MemoryGroup() { remove(); }

  bool is_there() const noexcept { return !path_.empty(); }
  bool take(pid_t pid) const {
    return is_there() && !!(std::ofstream(path_ + "/cgroup.procs") << pid << std::flush);
  }
  std::vector<std::string> launcher() const {
    if (!is_there()) return {};
    return {"/bin/sh", "-c", R"(echo $$ > "$0" && exec "$@")", path_ + "/cgroup.procs"};
  }

 private:
  void remove() {
    if (!path_.empty()) ::rmdir(path_.c_str());
    path_.clear();
  }
  std::string path_{};
  std::string limit_{};
};

}  // namespace stele::test
