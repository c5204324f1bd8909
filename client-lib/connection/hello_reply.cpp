#include "client-lib/connection/hello_reply.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string>

#include "client-lib/json_number.hpp"
#include "protocol/limits.hpp"
#include "protocol/reply/reply.hpp"

namespace stele::client {
namespace {

std::string text_or_empty(boost::json::object const& object, char const* name) {
  auto const* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return {};
  return std::string{value->get_string().data(), value->get_string().size()};
}

}  // namespace

Result<HelloReply> parse_hello(std::string_view text) {
  auto parsed = protocol::parse_reply_value(text);
  if (!parsed || !parsed->is_object()) {
    return Failure{ClientError::protocol_violation, "the daemon's reply to hello cannot be read"};
  }
  auto const& reply = parsed->get_object();
  auto const protocol = number_of(reply.if_contains("protocol")).value_or(0);
  if (protocol != protocol::protocol_version) {
    return Failure{ClientError::protocol_violation,
                   "the daemon speaks protocol " + std::to_string(protocol) +
                       ", this client speaks " + std::to_string(protocol::protocol_version)};
  }
  HelloReply hello{
      .server = {.store_id = text_or_empty(reply, "store_id"),
                 .server_version = text_or_empty(reply, "version"),
                 .protocol = protocol::protocol_version,
                 .entry_bytes_max = protocol::entry_bytes_default,
                 .frame_bytes_max = protocol::frame_bytes_default,
                 .last_write_no = number_of(reply.if_contains("last_write_no")),
                 .known_above = number_of(reply.if_contains("known_above")),
                 .durable_seq = number_of(reply.if_contains("durable_seq")).value_or(0)},
      .takes_since_seq = reply.contains("known_above"),
      .forgotten_seq = number_of(reply.if_contains("forgotten_seq")).value_or(0)};
  auto const* limits = reply.if_contains("limits");
  if (limits != nullptr && limits->is_object()) {
    auto const& object = limits->get_object();
    auto& server = hello.server;
    server.entry_bytes_max =
        number_of(object.if_contains("entry_bytes_max")).value_or(server.entry_bytes_max);
    server.frame_bytes_max =
        number_of(object.if_contains("frame_bytes_max")).value_or(server.frame_bytes_max);
  }
  return hello;
}

}  // namespace stele::client
