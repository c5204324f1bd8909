#include "client-lib/client/client_service.hpp"

namespace stele::client {

void ClientService::add(ContextClient& client) {
  std::lock_guard const lock{mutex_};
  clients_.push_back(client);
}

void ClientService::remove(ContextClient& client) noexcept {
  std::lock_guard const lock{mutex_};
  if (client.is_linked()) client.unlink();
}

// Nothing of the context runs any more. A handler that is destroyed may destroy further clients.
void ClientService::shutdown() {
  for (;;) {
    std::unique_lock lock{mutex_};
    if (clients_.empty()) return;
    auto& client = clients_.front();
    clients_.pop_front();
    lock.unlock();
    client.abandon_handlers();
  }
}

}  // namespace stele::client
