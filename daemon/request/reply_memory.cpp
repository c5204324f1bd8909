#include "daemon/request/reply_memory.hpp"

#include <variant>

namespace stele::daemon {
namespace {

std::size_t filter_bytes_of(bool has_filter) noexcept { return has_filter ? filter_bytes : 0; }

std::size_t own_bytes(ReadyReply const& reply) noexcept { return reply.text.capacity(); }
std::size_t own_bytes(ReadReply const& reply) noexcept {
  return reply.id.capacity() + filter_bytes_of(reply.read.has_filter());
}
std::size_t own_bytes(FollowReply const& reply) noexcept {
  return reply.id.capacity() + sizeof(FollowRead) +
         filter_bytes_of(reply.read != nullptr && reply.read->has_filter());
}
std::size_t own_bytes(CountReply const& reply) noexcept {
  return reply.id.capacity() + filter_bytes_of(reply.count.has_filter());
}
std::size_t own_bytes(CancelReply const& reply) noexcept {
  return reply.id.capacity() + reply.target.capacity();
}
std::size_t own_bytes(auto const& reply) noexcept { return reply.id.capacity(); }

}  // namespace

std::size_t held_bytes(PendingReply const& reply) noexcept {
  return sizeof(PendingReply) + std::visit([](auto const& r) { return own_bytes(r); }, reply);
}

bool is_large(PendingReply const& reply) noexcept {
  if (auto const* const count = std::get_if<CountReply>(&reply)) {
    return count->count.buckets().has_value();
  }
  return std::holds_alternative<ReadReply>(reply) || std::holds_alternative<AuditReply>(reply);
}

}  // namespace stele::daemon
