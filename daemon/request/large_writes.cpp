// What a RequestHandler decides about large writes: whether there is room for one in the log, and
// where its entries come to lie.
#include "daemon/request/request_handler.hpp"

namespace stele::daemon {
namespace {

/// What is shorter makes so few pages that it need not do so in parts.
constexpr std::size_t large_write_bytes_min = std::size_t{256} << 10;

}  // namespace

std::size_t payload_bytes_max(protocol::Write const& write) noexcept {
  std::size_t bytes = 0;
  for (auto const& draft : write.entries) bytes += protocol::canonical_bytes_max(draft);
  return bytes;
}

bool RequestHandler::overloaded() const noexcept {
  return log_.pending_bytes() >= facts_.config.max_in_flight_bytes;
}

bool RequestHandler::has_room_for_large(std::uint32_t uid,
                                        std::size_t payload_bytes) noexcept {
  if (payload_bytes < LargeRequests::huge_bytes_min) {
    return log_.gathering().bytes < large_pending_bytes && !is_over_commit_quota(uid);
  }
  return log_.pending_bytes() < large_pending_bytes && log_.has_segment_for(payload_bytes);
}

PreparedMemory RequestHandler::memory_for(protocol::Write const& write,
                                          std::size_t payload_bytes) {
  if (log_.admit(write.entries.size(), payload_bytes) || is_full(facts_, store_)) return {};
  auto const bytes = payload_bytes + write.entries.size();  // With the commas.
  bool const has_room = bytes < large_write_bytes_min || store_.free_bytes() >= bytes;
  return has_room && bytes <= chunk_bytes ? PreparedMemory() : store_.prepare_memory(bytes);
}

void RequestHandler::free_unwanted_memory() {
  memory_.spare_buffers().free_unwanted();
  store_.spare_memory().free_unwanted();
  large_requests_.free_unwanted();
}

void RequestHandler::free_spare_memory() {
  memory_.spare_buffers().free_all();
  store_.spare_memory().free_all();
  large_requests_.free_all();
}

}  // namespace stele::daemon
