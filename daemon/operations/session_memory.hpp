// What one connection holds of the memory that all share, and what it may hold more.
#pragma once

#include <cstddef>
#include <cstdint>

#include "daemon/operations/memory_account.hpp"
#include "protocol/frame/frame_reader.hpp"

namespace stele::daemon {

/// Each connection has a little without asking, so that small requests and their replies always get
/// through. For more it needs room in the bounds of its user and of all.
///
/// A request that needs more gets the memory for all of it before more of it is received, or waits:
/// those who have begun never wait for one another.
class SessionMemory {
 public:
  /// Of a request, and of replies that are made while there is no room.
  static constexpr std::size_t free_unread_bytes = std::size_t{16} << 10;
  static constexpr std::size_t free_unsent_bytes = std::size_t{16} << 10;
  /// What replies have without being counted: buffers that are kept for the next ones.
  static constexpr std::size_t kept_unsent_bytes = std::size_t{64} << 10;
  /// With what describes the connection itself.
  static constexpr std::size_t free_bytes_per_connection =
      free_unread_bytes + free_unsent_bytes + kept_unsent_bytes + (std::size_t{8} << 10);

  SessionMemory(MemoryAccount& account, std::uint32_t uid)
      : waiters_(&account.waiters()),
        unread_(account.unread(), uid),
        unsent_(account.unsent(), uid) {}

  /// How much may be received of `wanted`, which is at least 1; 0: nothing before there is room.
  std::size_t receivable(protocol::FrameReader const& reader, std::size_t wanted) const noexcept;
  /// As much as receivable() said is about to be received.
  void reserve(protocol::FrameReader const& reader, std::size_t bytes) noexcept;
  /// After messages were taken out of the reader; gives back what it does not need.
  void settle_unread(protocol::FrameReader& reader);

  /// Whether another reply may be made, or a request taken whose reply waits: `held_bytes` are
  /// held now.
  bool has_unsent_room(std::size_t held_bytes) const noexcept;
  /// The same for replies that are never large.
  bool has_small_unsent_room(std::size_t held_bytes) const noexcept {
    return held_bytes < free_unsent_bytes || has_unsent_room(held_bytes);
  }
  void settle_unsent(std::size_t held_bytes) noexcept;

  MemoryWaiters& waiters() const noexcept { return *waiters_; }

 private:
  MemoryWaiters* waiters_;
  MemoryQuota::Share unread_;
  MemoryQuota::Share unsent_;
};

}  // namespace stele::daemon
