#include "client-lib/wire_forms.hpp"

namespace stele::client {

protocol::ReadLogs read_request(ReadOptions const& options) {
  return {.start_ts = options.start_ts,
          .end_ts = options.end_ts,
          .order = options.order == Order::asc ? protocol::Order::asc : protocol::Order::desc,
          .limit = options.limit,
          .cursor = options.cursor};
}

std::string without_envelope(std::string_view text, std::uint64_t id) {
  auto const envelope = "{\"id\":" + std::to_string(id) + ",\"ok\":true,";
  if (!text.starts_with(envelope)) return std::string{text};
  return '{' + std::string{text.substr(envelope.size())};
}

}  // namespace stele::client
