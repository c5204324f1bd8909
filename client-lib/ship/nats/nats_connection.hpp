// libnats' objects with owners, and a connection that goes on until it is given up.
#pragma once

#include <nats/nats.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "client-lib/ship/destination.hpp"

namespace stele::ship {

struct NatsOptions;

template <class T, auto destroy>
struct Destroy {
  void operator()(T* object) const noexcept { (void)destroy(object); }
};
using NatsConnection =
    std::unique_ptr<natsConnection, Destroy<natsConnection, natsConnection_Destroy>>;
using NatsMessage = std::unique_ptr<natsMsg, Destroy<natsMsg, natsMsg_Destroy>>;
using JsContext = std::unique_ptr<jsCtx, Destroy<jsCtx, jsCtx_Destroy>>;
using JsStream = std::unique_ptr<jsStreamInfo, Destroy<jsStreamInfo, jsStreamInfo_Destroy>>;

/// A sentence for what went wrong.
std::string nats_text(natsStatus status);

/// Connects; while no server can be reached it says so once, and tries again: for ever, or for so
/// long.
Outcome<NatsConnection> connect_to_nats(NatsOptions const& options,
                                        std::optional<std::chrono::milliseconds> patience = {});

/// The value of a message's header; empty: there is none.
std::string header_of(natsMsg* message, char const* name);

}  // namespace stele::ship
