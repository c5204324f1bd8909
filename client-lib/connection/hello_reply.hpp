// What the daemon's reply to hello says.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "stele/client.hpp"

namespace stele::client {

struct HelloReply {
  ServerHello server{};
  bool takes_since_seq = false;     ///< The daemon says what it knows of a writer.
  std::uint64_t forgotten_seq = 0;  ///< Up to here they may be of writers that are forgotten.
};

/// Fails with protocol_violation if the text is none, or the daemon speaks another protocol.
Result<HelloReply> parse_hello(std::string_view text);

}  // namespace stele::client
