// A thread of the library in somebody else's process: signals are not for it, so that no handler of
// the program runs in it.
#pragma once

#include <pthread.h>

#include <csignal>
#include <thread>
#include <utility>

namespace stele::client {

/// Starts a thread that runs `work`, with all signals blocked from its first instruction on: a new
/// thread inherits the mask of the one that starts it. Throws std::system_error as std::thread.
template <class Work>
std::thread start_quiet_thread(Work&& work) {
  struct Blocked {
    Blocked() noexcept {
      sigset_t all;
      sigfillset(&all);
      pthread_sigmask(SIG_SETMASK, &all, &before);
    }
    Blocked(Blocked const&) = delete;
    Blocked& operator=(Blocked const&) = delete;
    ~Blocked() { pthread_sigmask(SIG_SETMASK, &before, nullptr); }
    sigset_t before{};
  };
  Blocked const blocked;
  return std::thread(std::forward<Work>(work));
}

}  // namespace stele::client
