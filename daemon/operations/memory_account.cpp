#include "daemon/operations/memory_account.hpp"

#include <malloc.h>

#include <algorithm>
#include <string>
#include <utility>

#include "daemon/operations/session_memory.hpp"
#include "daemon/store/writer_table.hpp"
#include "protocol/frame/frame.hpp"
#include "protocol/limits.hpp"

namespace stele::daemon {
namespace {

/// Those who wait are notified when so much came back: each of them costs a turn.
constexpr std::size_t worth_telling_bytes = std::size_t{256} << 10;
constexpr std::size_t kept_for_root = 8;  ///< One part of this many.

/// Code and libraries, the heap's slack, chunks in reserve.
constexpr std::uint64_t program_bytes = std::uint64_t{64} << 20;
/// A request that is being parsed: what is known of each of its entries, by the byte of its text.
constexpr std::uint64_t parsed_bytes_per_byte = 4;
/// Buffers of requests that are kept for the next ones, in frames of the largest size.
constexpr std::uint64_t spare_frames = 2;
/// What is made ready for the entries of a write before they are there, likewise.
constexpr std::uint64_t prepared_frames = 2;
/// Memory of entries that are gone, kept for those to come, likewise.
constexpr std::uint64_t spare_entry_frames = 4;
/// The kernel counts what it keeps for a socket as the sender's: net.core.wmem_default, and what
/// describes it.
constexpr std::uint64_t socket_bytes = std::uint64_t{224} << 10;

constexpr std::size_t mmap_threshold_bytes = std::size_t{4} << 20;
constexpr std::size_t worth_trimming_bytes = std::size_t{16} << 20;

std::uint64_t mebibytes_up(std::uint64_t bytes) noexcept { return (bytes + (1 << 20) - 1) >> 20; }

std::uint64_t add(std::uint64_t left, std::uint64_t right) noexcept {
  return left > UINT64_MAX - right ? UINT64_MAX : left + right;
}

std::uint64_t times(std::uint64_t left, std::uint64_t right) noexcept {
  return right != 0 && left > UINT64_MAX / right ? UINT64_MAX : left * right;
}

}  // namespace

void MemoryWaiters::await(MemoryWaiter& waiter) noexcept {
  if (!waiter.is_linked()) waiting_.push_back(waiter);
}

void MemoryWaiters::on_freed(std::size_t bytes) noexcept {
  if (waiting_.empty()) return;
  freed_bytes_ += bytes;
  if (freed_bytes_ < worth_telling_bytes) return;
  freed_bytes_ = 0;
  while (!waiting_.empty()) {
    auto& waiter = waiting_.front();
    waiting_.pop_front();
    waiter.on_memory_freed();
  }
}

MemoryQuota::Share::Share(MemoryQuota& quota, std::uint32_t uid)
    : quota_(&quota), user_(&quota.users_[uid]), uid_(uid) {
  ++user_->shares;
}

MemoryQuota::Share::Share(Share&& other) noexcept
    : quota_(std::exchange(other.quota_, nullptr)),
      user_(other.user_),
      uid_(other.uid_),
      bytes_(other.bytes_) {}

MemoryQuota::Share::~Share() {
  if (quota_ == nullptr) return;
  set(0);
  if (--user_->shares == 0) quota_->users_.erase(uid_);
}

void MemoryQuota::Share::set(std::size_t bytes) noexcept {
  auto const before = std::exchange(bytes_, bytes);
  if (bytes == before) return;
  quota_->bytes_ += bytes - before;  // Also where it becomes less: modulo 2^64.
  user_->bytes += bytes - before;
  if (bytes < before) quota_->waiters_.on_freed(before - bytes);
}

bool MemoryQuota::Share::has_room(std::size_t more, Part part) const noexcept {
  auto all_max = quota_->limits_.all_max;
  auto user_max = quota_->limits_.user_max;
  if (uid_ != 0) all_max -= all_max / kept_for_root;
  if (part == Part::half) {
    all_max /= 2;
    user_max /= 2;
  }
  auto const fits = [more](std::size_t bytes, std::size_t bytes_max) {
    return bytes < bytes_max && more <= bytes_max - bytes;
  };
  return fits(user_->bytes, user_max) && fits(quota_->bytes_, all_max);
}

void MemoryAccount::apply(Config const& config) noexcept {
  unread_.set_limits(
      {.all_max = all_unread_bytes_max(config), .user_max = user_unread_bytes_max(config)});
  unsent_.set_limits(
      {.all_max = config.max_all_unsent_bytes, .user_max = config.max_user_unsent_bytes});
  auto const frame_bytes = config.max_frame_bytes + protocol::frame_header_bytes;
  spare_buffers_.set_bytes_max(spare_frames * frame_bytes);
}

std::size_t spare_entry_bytes_max(Config const& config) noexcept {
  return spare_entry_frames * config.max_frame_bytes;
}

std::uint64_t MemoryBounds::sum() const noexcept {
  std::uint64_t total = 0;
  for (auto const part : {program, store, in_flight, writers, connections, unread, unsent}) {
    total = add(total, part);
  }
  return total;
}

MemoryBounds memory_bounds(Config const& config, std::uint64_t store_bytes_max) noexcept {
  MemoryBounds bounds;
  auto const frames = parsed_bytes_per_byte + spare_frames + prepared_frames + spare_entry_frames;
  bounds.program = add(program_bytes, times(config.max_frame_bytes, frames));
  bounds.store = store_bytes_max;
  // Buffers grow by doubling; the message that crosses the limit is taken whole, and its entries
  // are longer than its text.
  bounds.in_flight = times(add(config.max_in_flight_bytes, 2 * config.max_frame_bytes), 2);
  bounds.writers = WriterTable::bytes_max(config.max_writers, config.max_connections);
  bounds.connections =
      times(config.max_connections, socket_bytes + SessionMemory::free_bytes_per_connection);
  bounds.unread = all_unread_bytes_max(config);
  bounds.unsent = config.max_all_unsent_bytes;
  return bounds;
}

std::string memory_line(Config const& config, std::uint64_t machine_bytes) {
  auto const bounds = memory_bounds(config, store_bytes_max(config, machine_bytes));
  std::string text = "memory: at most " + std::to_string(mebibytes_up(bounds.sum())) + " MiB: ";
  auto const part = [&text](std::string_view name, std::uint64_t bytes) {
    if (text.back() != ' ') text += ", ";
    text += name;
    text += ' ' + std::to_string(mebibytes_up(bytes));
  };
  part("entries", bounds.store);
  part("commits", bounds.in_flight);
  part("writers", bounds.writers);
  part("connections", bounds.connections);
  part("requests", bounds.unread);
  part("replies", bounds.unsent);
  part("the program", bounds.program);
  return text;
}

/// Left alone, malloc raises the threshold to the size of what was freed, up to 32 MiB: then large
/// buffers lie in the heap, and what lies above them keeps them.
void set_up_heap() noexcept {
  ::mallopt(M_MMAP_THRESHOLD, static_cast<int>(mmap_threshold_bytes));
  ::mallopt(M_TRIM_THRESHOLD, static_cast<int>(2 * mmap_threshold_bytes));
}

void HeapTrimmer::note(std::size_t held_bytes) noexcept {
  held_bytes_max_ = std::max(held_bytes_max_, held_bytes);
  if (held_bytes_max_ - held_bytes < worth_trimming_bytes) return;
  held_bytes_max_ = held_bytes;
  ::malloc_trim(mmap_threshold_bytes);
}

}  // namespace stele::daemon
