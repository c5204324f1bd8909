// Between the types of the public headers and the protocol's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/request.hpp"
#include "stele/client.hpp"

namespace stele::client {

/// Borrows from the options.
protocol::ReadLogs read_request(ReadOptions const& options);

/// `{"id":7,"ok":true,"a":1}` -> `{"a":1}`. Textual, so that every number keeps its digits.
std::string without_envelope(std::string_view text, std::uint64_t id);

}  // namespace stele::client
