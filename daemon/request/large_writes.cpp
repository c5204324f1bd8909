// What a RequestHandler decides about large writes: whether there is room for one in the log, and
// where its entries come to lie.
#include "daemon/request/request_handler.hpp"

#include <algorithm>
#include <cstdint>

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

bool RequestHandler::has_room_for_large(std::uint32_t uid, std::size_t payload_bytes) noexcept {
  if (payload_bytes < LargeRequests::huge_bytes_min) {
    return log_.gathering().bytes < large_pending_bytes && !is_over_commit_quota(uid);
  }
  if (log_.pending_bytes() >= large_pending_bytes || !log_.has_segment_for(payload_bytes)) {
    return false;
  }
  return !shares_.others_write(uid, clock_.wall_us()) || log_.huge_pause_is_over();
}

bool RequestHandler::will_be_refused(protocol::Write const& write,
                                     std::size_t payload_bytes) const {
  return log_.admit(write.entries.size(), payload_bytes) || is_full(facts_, store_);
}

PreparedMemory RequestHandler::memory_for(protocol::Write const& write, std::size_t payload_bytes) {
  if (will_be_refused(write, payload_bytes)) return {};
  auto const bytes = payload_bytes + write.entries.size();  // With the commas.
  bool const has_room = bytes < large_write_bytes_min || store_.free_bytes() >= bytes;
  return has_room ? PreparedMemory() : store_.prepare_memory(bytes);
}

EncodedBatch RequestHandler::begin_batch(protocol::Write const& write, std::size_t payload_bytes,
                                         Origin const& origin) {
  if (will_be_refused(write, payload_bytes)) return {};
  auto const entries = write.entries.size();
  auto const last_seq = log_.next_seq() + entries - 1;
  // What is not needed would be given back, and could not be used again for as large a batch.
  auto const larger_seq = 10 * std::min(last_seq, UINT64_MAX / 10);
  auto const spared =
      protocol::canonical_bytes_max({}) - protocol::canonical_bytes_max({}, larger_seq, origin);
  auto const bytes = payload_bytes + entries - (entries - 1) * spared;
  return {store_.prepare_memory(bytes), entries, {last_seq, clock_.wall_us(), origin}};
}

void RequestHandler::use_next(EncodedBatch encoded) noexcept {
  std::swap(encoded_, encoded);
  if (encoded.is_none()) return;
  store_.use_next(encoded.take_memory());  // Of a write that was refused: it is kept.
  store_.use_next(ChunkMemory());
}

/// The entries' texts, as the payloads; returns how many bytes they have.
std::size_t RequestHandler::stage(protocol::Write const& write, protocol::EntryStamp const& first) {
  payloads_.clear();
  payloads_.reserve(write.entries.size());
  auto seq = first.seq;
  if (!encoded_.is_none() && encoded_.stamp(write.entries, first)) {
    auto const& chunk =
        store_.stage(write.entries, first, encoded_.take_memory(), encoded_.take_ends());
    while (seq < chunk.next_seq()) payloads_.push_back(chunk.entry(seq++));
    return chunk.used_bytes() - payloads_.size();
  }
  std::size_t bytes = 0;
  for (auto const& draft : write.entries) {
    auto const timestamp = draft.timestamp.value_or(first.timestamp);
    payloads_.push_back(store_.stage(draft, {seq++, timestamp, first.origin}));
    bytes += payloads_.back().size();
  }
  return bytes;
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
