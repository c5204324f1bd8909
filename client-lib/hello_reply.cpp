#include "client-lib/hello_reply.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string>

#include "protocol/limits.hpp"
#include "protocol/reply.hpp"

namespace stele::client {
namespace {

std::optional<std::uint64_t> find_number(boost::json::object const& object, char const* name) {
  auto const* value = object.if_contains(name);
  if (value == nullptr) return std::nullopt;
  boost::system::error_code ec;
  auto const number = value->to_number<std::uint64_t>(ec);
  if (ec.failed()) return std::nullopt;
  return number;
}

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
  auto const protocol = find_number(reply, "protocol").value_or(0);
  if (protocol != protocol::protocol_version) {
    return Failure{ClientError::protocol_violation,
                   "the daemon speaks protocol " + std::to_string(protocol) +
                       ", this client speaks " + std::to_string(protocol::protocol_version)};
  }
  HelloReply hello{.server = {.store_id = text_or_empty(reply, "store_id"),
                              .server_version = text_or_empty(reply, "version"),
                              .protocol = protocol::protocol_version,
                              .entry_bytes_max = protocol::entry_bytes_default,
                              .frame_bytes_max = protocol::frame_bytes_default,
                              .last_write_no = find_number(reply, "last_write_no")},
                   .durable_seq = find_number(reply, "durable_seq").value_or(0),
                   .forgotten_seq = find_number(reply, "forgotten_seq").value_or(0)};
  auto const* limits = reply.if_contains("limits");
  if (limits != nullptr && limits->is_object()) {
    auto const& object = limits->get_object();
    auto& server = hello.server;
    server.entry_bytes_max =
        find_number(object, "entry_bytes_max").value_or(server.entry_bytes_max);
    server.frame_bytes_max =
        find_number(object, "frame_bytes_max").value_or(server.frame_bytes_max);
  }
  return hello;
}

}  // namespace stele::client
