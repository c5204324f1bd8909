// The options of `stele ship` and `stele read --from` as what they mean.
#pragma once

#include <string>
#include <vector>

#include "client-lib/cli/command_line/given_options.hpp"
#include "client-lib/ship/nats/nats_destination.hpp"
#include "client-lib/ship/otlp/otlp_destination.hpp"

namespace stele::ship {

/// Servers, TLS and identity, from the options of `stele ship`. Throws UsageError.
NatsOptions nats_options_of(cli::GivenOptions const& given, std::string const& servers);

/// Whether this is a receiver of OTLP, and no server of NATS.
bool is_receiver(std::string const& to);

/// A receiver of OTLP. Throws UsageError.
OtlpOptions otlp_options_of(cli::GivenOptions const& given);

/// The name of this machine.
std::string host_name();

}  // namespace stele::ship
