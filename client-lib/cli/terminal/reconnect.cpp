#include "client-lib/cli/terminal/reconnect.hpp"

#include <random>
#include <thread>

#include "client-lib/cli/terminal/interrupt.hpp"
#include "client-lib/cli/terminal/report.hpp"
#include "client-lib/process/backoff.hpp"

namespace stele::cli {

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
