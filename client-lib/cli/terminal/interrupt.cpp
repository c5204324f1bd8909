#include "client-lib/cli/terminal/interrupt.hpp"

#include <csignal>

namespace stele::cli {
namespace {

volatile std::sig_atomic_t signal_seen = 0;

extern "C" void on_signal(int number) { signal_seen = number; }

}  // namespace

void watch_for_interrupt() noexcept {
  for (int const number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action {};
    ::sigaction(number, nullptr, &action);
    if (number == SIGHUP && action.sa_handler == SIG_IGN) continue;  // nohup
    action.sa_handler = on_signal;
    action.sa_flags = static_cast<int>(SA_RESETHAND);  // No SA_RESTART: a waiting read returns.
    ::sigaction(number, &action, nullptr);
  }
}

bool interrupted() noexcept { return signal_seen != 0; }

int interrupted_exit_code() noexcept { return 128 + signal_seen; }

}  // namespace stele::cli
