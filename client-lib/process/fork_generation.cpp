#include "client-lib/process/fork_generation.hpp"

#include <pthread.h>

#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

#include "stele/client_error.hpp"

namespace stele::client {
namespace {

std::atomic<std::uint32_t> forks_seen{0};

void count_fork() { forks_seen.fetch_add(1, std::memory_order_relaxed); }

[[maybe_unused]] int const registered = ::pthread_atfork(nullptr, nullptr, count_fork);

}  // namespace

std::uint32_t fork_generation() noexcept { return forks_seen.load(std::memory_order_relaxed); }

Failure made_before_fork() {
  return {ClientError::made_before_fork,
          "it was made before fork() and belongs to the parent: make a new one in the child"};
}

void leave_to_parent(std::shared_ptr<void> owned) {
  static auto& mutex = *new std::mutex;
  static auto& kept = *new std::vector<std::shared_ptr<void>>;
  std::lock_guard const lock{mutex};
  kept.push_back(std::move(owned));
}

}  // namespace stele::client
