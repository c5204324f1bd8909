#include "daemon/operations/session_memory.hpp"

#include <algorithm>

namespace stele::daemon {
namespace {

using protocol::FrameForm;
using protocol::FrameReader;

/// What is above this is received alone: its buffer becomes no larger than it is.
constexpr std::size_t large_bytes = FrameReader::kept_bytes_default;

/// What the request at the front needs until it is whole; 0: nobody knows, and little as yet.
std::size_t front_bytes_needed(FrameReader const& reader) noexcept {
  auto const frame = reader.front_bytes();
  if (frame > 0) return frame;
  bool const is_line = reader.form() == FrameForm::line;
  return is_line && reader.unread_bytes() >= large_bytes ? reader.frame_bytes_max() : 0;
}

std::size_t counted(std::size_t bytes, std::size_t free_bytes) noexcept {
  return bytes > free_bytes ? bytes - free_bytes : 0;
}

/// What the buffer is to hold for `bytes` more.
std::size_t bytes_needed(FrameReader const& reader, std::size_t bytes) noexcept {
  return std::max({reader.capacity(), reader.unread_bytes() + bytes, front_bytes_needed(reader)});
}

}  // namespace

std::size_t SessionMemory::receivable(FrameReader const& reader,
                                      std::size_t wanted) const noexcept {
  auto const unread = reader.unread_bytes();
  auto const front = reader.front_bytes();
  if (front > large_bytes && front > unread) wanted = std::min(wanted, front - unread);
  auto const needed = counted(bytes_needed(reader, wanted), free_unread_bytes);
  if (needed <= unread_.bytes()) return wanted;
  auto const part = needed > large_bytes ? MemoryQuota::Part::whole : MemoryQuota::Part::half;
  if (unread_.has_room(needed - unread_.bytes(), part)) return wanted;
  auto const has = std::max(free_unread_bytes, reader.capacity());
  return std::min(wanted, counted(has, unread));
}

void SessionMemory::reserve(FrameReader const& reader, std::size_t bytes) noexcept {
  auto const needed = counted(bytes_needed(reader, bytes), free_unread_bytes);
  auto const part = needed > large_bytes ? MemoryQuota::Part::whole : MemoryQuota::Part::half;
  if (needed <= unread_.bytes()) return;
  if (unread_.has_room(needed - unread_.bytes(), part)) unread_.set(needed);
}

void SessionMemory::settle_unread(FrameReader& reader) {
  if (reader.unread_bytes() == 0 && (reader.capacity() > 2 * large_bytes || !waiters_->empty())) {
    reader.release();
  }
  auto const capacity = counted(reader.capacity(), free_unread_bytes);
  auto const front = counted(front_bytes_needed(reader), free_unread_bytes);
  unread_.set(std::max(capacity, std::min(unread_.bytes(), front)));
}

bool SessionMemory::has_unsent_room(std::size_t held_bytes) const noexcept {
  auto const uncounted = counted(held_bytes, kept_unsent_bytes);
  return unsent_.has_room(1 + counted(uncounted, unsent_.bytes()));
}

void SessionMemory::settle_unsent(std::size_t held_bytes) noexcept {
  unsent_.set(counted(held_bytes, kept_unsent_bytes));
}

}  // namespace stele::daemon
