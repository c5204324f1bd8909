#include "daemon/store/chunk_memory.hpp"

#include <sched.h>
#include <sys/mman.h>

#include <cstdint>
#include <new>
#include <utility>

#include "wal/quiet_thread.hpp"

namespace stele::daemon {
namespace {

constexpr std::size_t page_bytes = 4096;

std::size_t round_up(std::size_t bytes, std::size_t unit) noexcept {
  return (bytes + unit - 1) / unit * unit;
}

/// Null if the process has no address space left.
char* map(std::size_t bytes) noexcept {
  void* const mapped =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return mapped == MAP_FAILED ? nullptr : static_cast<char*>(mapped);
}

/// In large pages, whose addresses are multiples of their size; small ones where the system has
/// none. `bytes` is a multiple of page_bytes.
ChunkMemory map_large_pages(std::size_t bytes) noexcept {
  auto* const mapped = map(bytes + chunk_bytes);
  if (mapped == nullptr) return {};
  auto const address = reinterpret_cast<std::uintptr_t>(mapped);
  std::size_t const before = round_up(address, chunk_bytes) - address;
  if (before > 0) ::munmap(mapped, before);
  if (before < chunk_bytes) ::munmap(mapped + before + bytes, chunk_bytes - before);
  ::madvise(mapped + before, bytes, MADV_HUGEPAGE);
  return ChunkMemory(mapped + before, UnmapMemory{bytes});
}

void touch(char* page) noexcept { *const_cast<char volatile*>(page) = 0; }

/// The loop never waits for a processor that this thread has.
void run_when_idle() noexcept {
  sched_param const none{};
  ::sched_setscheduler(0, SCHED_IDLE, &none);
}

/// Not by madvise: that keeps the loop from asking for memory of any kind until it is done.
void touch_all(ChunkMemory& memory) noexcept {
  for (std::size_t at = 0; at < chunk_bytes; at += page_bytes) touch(memory.get() + at);
}

}  // namespace

void UnmapMemory::operator()(char* memory) const noexcept { ::munmap(memory, bytes); }

ChunkMemory map_chunk_memory(std::size_t bytes) {
  auto const size = round_up(bytes, page_bytes);
  auto* const mapped = map(size);
  if (mapped == nullptr) throw std::bad_alloc();
  return ChunkMemory(mapped, UnmapMemory{size});
}

ChunkMemory map_large_memory(std::size_t bytes) {
  auto memory = map_large_pages(round_up(bytes, page_bytes));
  if (!memory) throw std::bad_alloc();
  return memory;
}

void trim_chunk_memory(ChunkMemory& memory, std::size_t bytes) noexcept {
  auto& size = memory.get_deleter().bytes;
  auto const kept = round_up(bytes, page_bytes);
  // Small entries leave little, and a large page that loses a part is a large page no more.
  if (kept == 0 || size - kept <= size / 32) return;
  ::munmap(memory.get() + kept, size - kept);
  size = kept;
}

PreparedMemory::PreparedMemory(std::size_t bytes) : memory_(map_chunk_memory(bytes)) {}

std::size_t PreparedMemory::prepare(std::size_t pages_max) noexcept {
  std::size_t pages = 0;
  for (; pages < pages_max && !is_ready(); ++pages) {
    touch(memory_.get() + touched_bytes_);
    touched_bytes_ += page_bytes;
  }
  return pages;
}

ChunkReserve::ChunkReserve() : thread_(wal::start_quiet_thread([this] { fill(); })) {}

ChunkReserve::~ChunkReserve() {
  ends_ = true;
  taken_.release();
  thread_.join();
  while (take_ready() != nullptr) continue;
}

ChunkMemory ChunkReserve::take() {
  auto memory = take_ready();
  return memory != nullptr ? std::move(memory) : map_chunk_memory(chunk_bytes);
}

ChunkMemory ChunkReserve::take_large() {
  auto memory = take_ready();
  if (memory == nullptr) memory = map_large_pages(chunk_bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

/// Null: none are.
ChunkMemory ChunkReserve::take_ready() {
  char* memory = nullptr;
  for (auto& slot : ready_) {
    memory = slot.exchange(nullptr, std::memory_order_acquire);
    if (memory != nullptr) break;
  }
  taken_.release();
  return ChunkMemory(memory, UnmapMemory{chunk_bytes});
}

/// False: the system gives no memory now.
bool ChunkReserve::fill_slot(std::atomic<char*>& slot) {
  if (slot.load(std::memory_order_relaxed) != nullptr) return true;
  auto memory = map_large_pages(chunk_bytes);
  if (memory == nullptr) return false;
  touch_all(memory);
  slot.store(memory.release(), std::memory_order_release);
  return true;
}

void ChunkReserve::fill() {
  run_when_idle();
  while (!ends_) {
    for (auto& slot : ready_) {
      // Who takes next says that it is worth another try.
      if (ends_ || !fill_slot(slot)) break;
    }
    taken_.acquire();
    while (taken_.try_acquire()) continue;
  }
}

}  // namespace stele::daemon
