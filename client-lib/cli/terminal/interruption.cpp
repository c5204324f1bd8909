#include "client-lib/cli/terminal/interruption.hpp"

#include <csignal>
#include <random>
#include <thread>

#include "client-lib/cli/terminal/report.hpp"
#include "client-lib/process/backoff.hpp"

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

bool ends_with_connection(Failure const& failure) noexcept {
  return failure.code == ClientError::connection_lost ||
         failure.code == ClientError::cannot_connect ||
         failure.code == ClientError::outcome_unknown || failure.code == ClientError::timed_out ||
         failure.code == Error::shutting_down || failure.code == Error::too_many_connections ||
         failure.code == Error::log_failed;
}

Result<Client> wait_for_daemon(ClientOptions const& options, Deadline const& deadline) {
  print_error("the daemon is gone; waiting for it");
  client::Backoff backoff;
  std::random_device random;
  for (;;) {
    std::this_thread::sleep_for(backoff.next(random()));
    auto client = Client::connect(options);
    bool const may_come = !client && ends_with_connection(client.error());
    if (!may_come || deadline.has_passed() || interrupted()) return client;
  }
}

Result<Client> connect_or_wait(ClientOptions const& options) {
  auto client = Client::connect(options);
  if (!client && ends_with_connection(client.error())) return wait_for_daemon(options);
  return client;
}

}  // namespace stele::cli
