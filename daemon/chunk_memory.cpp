#include "daemon/chunk_memory.hpp"

#include <sched.h>
#include <sys/mman.h>

#include <cstdint>
#include <new>
#include <utility>

namespace stele::daemon {
namespace {

constexpr std::size_t page_bytes = 4096;
/// A recovery takes one after another faster than they are made; for writers one would do.
constexpr std::size_t ready_max = 2;

std::size_t round_up(std::size_t bytes, std::size_t unit) noexcept {
  return (bytes + unit - 1) / unit * unit;
}

/// Null if the process has no address space left.
char* map(std::size_t bytes) noexcept {
  void* const mapped =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return mapped == MAP_FAILED ? nullptr : static_cast<char*>(mapped);
}

/// As a large page, whose address is a multiple of its size; small ones where the system has none.
ChunkMemory map_large_page() noexcept {
  auto* const mapped = map(2 * chunk_bytes);
  if (mapped == nullptr) return {};
  auto const address = reinterpret_cast<std::uintptr_t>(mapped);
  std::size_t const before = round_up(address, chunk_bytes) - address;
  if (before > 0) ::munmap(mapped, before);
  ::munmap(mapped + before + chunk_bytes, chunk_bytes - before);
  ::madvise(mapped + before, chunk_bytes, MADV_HUGEPAGE);
  return ChunkMemory(mapped + before, UnmapMemory{chunk_bytes});
}

/// The loop never waits for a processor that this thread has.
void run_when_idle() noexcept {
  sched_param const none{};
  ::sched_setscheduler(0, SCHED_IDLE, &none);
}

/// Not by madvise: that keeps the loop from asking for memory of any kind until it is done.
void touch(ChunkMemory& memory) noexcept {
  for (std::size_t at = 0; at < chunk_bytes; at += page_bytes) {
    *const_cast<char volatile*>(memory.get() + at) = 0;
  }
}

}  // namespace

void UnmapMemory::operator()(char* memory) const noexcept { ::munmap(memory, bytes); }

ChunkMemory map_chunk_memory(std::size_t bytes) {
  auto const size = round_up(bytes, page_bytes);
  auto* const mapped = map(size);
  if (mapped == nullptr) throw std::bad_alloc();
  return ChunkMemory(mapped, UnmapMemory{size});
}

void trim_chunk_memory(ChunkMemory& memory, std::size_t bytes) noexcept {
  auto& size = memory.get_deleter().bytes;
  auto const kept = round_up(bytes, page_bytes);
  // Small entries leave little, and a large page that loses a part is a large page no more.
  if (kept == 0 || size - kept <= size / 32) return;
  ::munmap(memory.get() + kept, size - kept);
  size = kept;
}

ChunkReserve::ChunkReserve() : thread_([this] { fill(); }) {}

ChunkReserve::~ChunkReserve() {
  {
    std::lock_guard const lock(mutex_);
    ends_ = true;
  }
  taken_.notify_one();
  thread_.join();
}

ChunkMemory ChunkReserve::take() {
  auto memory = take_ready();
  return memory != nullptr ? std::move(memory) : map_chunk_memory(chunk_bytes);
}

ChunkMemory ChunkReserve::take_large() {
  auto memory = take_ready();
  if (memory == nullptr) memory = map_large_page();
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

/// Null: none are.
ChunkMemory ChunkReserve::take_ready() {
  std::lock_guard const lock(mutex_);
  taken_.notify_one();
  if (ready_.empty()) return {};
  auto memory = std::move(ready_.back());
  ready_.pop_back();
  return memory;
}

void ChunkReserve::fill() {
  run_when_idle();
  std::unique_lock lock(mutex_);
  ready_.reserve(ready_max);
  while (!ends_) {
    if (ready_.size() >= ready_max) {
      taken_.wait(lock);
      continue;
    }
    lock.unlock();
    auto memory = map_large_page();
    if (memory != nullptr) touch(memory);
    lock.lock();
    if (memory != nullptr) {
      ready_.push_back(std::move(memory));
    } else if (!ends_) {
      taken_.wait(lock);  // Who takes next is told that there is none.
    }
  }
}

}  // namespace stele::daemon
