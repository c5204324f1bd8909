// Which process this is, among those that fork() has made of one.
#pragma once

#include <cstdint>
#include <memory>

#include "stele/error.hpp"

namespace stele::client {

/// How many forks lie between the process that loaded the library and this one.
std::uint32_t fork_generation() noexcept;

/// What a call fails with whose object was made by a parent of this process.
Failure made_before_fork();

/// The process in which it was made. Sockets, threads and locked mutexes belong to that one: a
/// child leaves them alone.
class HomeProcess {
 public:
  HomeProcess() noexcept : generation_(fork_generation()) {}
  bool is_here() const noexcept { return generation_ == fork_generation(); }

 private:
  std::uint32_t generation_;
};

/// Keeps, until the process ends, what a destructor in a child must not take apart: its threads and
/// locks are those of the parent.
void leave_to_parent(std::shared_ptr<void> owned);

}  // namespace stele::client
