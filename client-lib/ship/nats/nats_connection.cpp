#include "client-lib/ship/nats/nats_connection.hpp"

#include <chrono>
#include <random>
#include <thread>
#include <vector>

#include "client-lib/cli/terminal/report.hpp"
#include "client-lib/process/backoff.hpp"
#include "client-lib/ship/nats/nats_destination.hpp"

namespace stele::ship {
namespace {

constexpr std::int64_t connect_timeout_ms = 5'000;
constexpr std::int64_t reconnect_wait_ms = 250;
/// libnats 3.4 leaves out of its CONNECT a signature whose first byte is zero, which is one in 256,
/// so that the server refuses it. Each connection signs another nonce.
constexpr int signed_attempts = 4;

using Options = std::unique_ptr<natsOptions, Destroy<natsOptions, natsOptions_Destroy>>;

natsStatus set_identity(natsOptions* out, NatsOptions const& options) {
  natsStatus status = NATS_OK;
  if (options.tls) status = natsOptions_SetSecure(out, true);
  if (status == NATS_OK && !options.ca_file.empty()) {
    status = natsOptions_LoadCATrustedCertificates(out, options.ca_file.c_str());
  }
  if (status == NATS_OK && !options.certificate_file.empty()) {
    status = natsOptions_LoadCertificatesChain(out, options.certificate_file.c_str(),
                                               options.key_file.c_str());
  }
  if (status == NATS_OK && !options.credentials_file.empty()) {
    status =
        natsOptions_SetUserCredentialsFromFiles(out, options.credentials_file.c_str(), nullptr);
  }
  if (status == NATS_OK && !options.nkey.empty()) {
    status = natsOptions_SetNKeyFromSeed(out, options.nkey.c_str(), options.nkey_seed_file.c_str());
  }
  return status;
}

natsStatus set_all(natsOptions* out, NatsOptions const& options) {
  std::vector<char const*> servers;
  for (auto const& server : options.servers) servers.push_back(server.c_str());
  auto status = natsOptions_SetServers(out, servers.data(), static_cast<int>(servers.size()));
  if (status == NATS_OK) status = natsOptions_SetName(out, ("stele ship " + options.host).c_str());
  if (status == NATS_OK) status = natsOptions_SetTimeout(out, connect_timeout_ms);
  if (status == NATS_OK) status = natsOptions_SetMaxReconnect(out, -1);
  if (status == NATS_OK) status = natsOptions_SetReconnectWait(out, reconnect_wait_ms);
  return status == NATS_OK ? set_identity(out, options) : status;
}

bool may_come(natsStatus status) noexcept {
  switch (status) {
    case NATS_NO_SERVER:
    case NATS_TIMEOUT:
    case NATS_IO_ERROR:
    case NATS_CONNECTION_CLOSED:
    case NATS_CONNECTION_DISCONNECTED:
    case NATS_STALE_CONNECTION:
    case NATS_NOT_YET_CONNECTED:
      return true;
    default:
      return false;
  }
}

natsStatus connect(natsConnection** out, natsOptions* nats_options, NatsOptions const& options) {
  auto const is_signed = !options.nkey.empty() || !options.credentials_file.empty();
  auto status = natsConnection_Connect(out, nats_options);
  for (int attempt = 1;
       is_signed && status == NATS_CONNECTION_AUTH_FAILED && attempt < signed_attempts; ++attempt) {
    status = natsConnection_Connect(out, nats_options);
  }
  return status;
}

}  // namespace

std::string nats_text(natsStatus status) {
  auto const* const detail = nats_GetLastError(nullptr);
  std::string text = natsStatus_GetText(status);
  if (detail != nullptr && *detail != '\0') text += std::string(": ") + detail;
  return text;
}

Outcome<NatsConnection> connect_to_nats(NatsOptions const& options,
                                        std::optional<std::chrono::milliseconds> patience) {
  natsOptions* made = nullptr;
  auto status = natsOptions_Create(&made);
  Options const nats_options(made);
  if (status == NATS_OK) status = set_all(made, options);
  if (status == NATS_OK && patience && patience->count() < connect_timeout_ms) {
    status = natsOptions_SetTimeout(made, patience->count());
  }
  if (status != NATS_OK) return ShipError{nats_text(status), true};
  client::Backoff backoff;
  std::random_device random;
  auto const start = std::chrono::steady_clock::now();
  for (bool reported = false;; reported = true) {
    natsConnection* connection = nullptr;
    status = connect(&connection, made, options);
    if (status == NATS_OK) return NatsConnection(connection);
    if (!may_come(status)) {
      return ShipError{
          .message = "cannot connect: " + nats_text(status), .is_final = true, .may_pass = true};
    }
    auto const text = "no server can be reached (" + nats_text(status) + ")";
    if (patience && std::chrono::steady_clock::now() - start >= *patience) return ShipError{text};
    if (!reported) cli::print_error(text + "; waiting");
    std::this_thread::sleep_for(backoff.next(random()));
  }
}

std::string header_of(natsMsg* message, char const* name) {
  char const* value = nullptr;
  auto const status = natsMsgHeader_Get(message, name, &value);
  return status == NATS_OK && value != nullptr ? value : "";
}

}  // namespace stele::ship
