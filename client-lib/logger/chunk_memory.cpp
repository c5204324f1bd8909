#include "client-lib/logger/chunk_memory.hpp"

#include <sys/mman.h>

#include <cstdint>
#include <memory>

namespace stele::client {
namespace {

/// At a multiple of its size, as a huge page must be; nullptr: there is no memory.
char* map_block() noexcept {
  constexpr auto twice = 2 * chunk_block_bytes;
  void* const mapped =
      ::mmap(nullptr, twice, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* const start = static_cast<char*>(mapped);
  auto const over = reinterpret_cast<std::uintptr_t>(start) % chunk_block_bytes;
  auto const before = over == 0 ? 0 : chunk_block_bytes - over;
  if (before > 0) ::munmap(start, before);
  ::munmap(start + before + chunk_block_bytes, chunk_block_bytes - before);
  return start + before;
}

}  // namespace

std::vector<RecordChunk> make_chunks(std::size_t capacity) {
  std::vector<RecordChunk> chunks;
  chunks.reserve(chunk_block_bytes / capacity);
  auto* const start = map_block();
  if (start == nullptr) return chunks;
  ::madvise(start, chunk_block_bytes, MADV_HUGEPAGE);  // Without it there are only more pages.
  std::shared_ptr<char[]> const block{start,
                                      [](char* bytes) { ::munmap(bytes, chunk_block_bytes); }};
  for (std::size_t at = 0; at + capacity <= chunk_block_bytes; at += capacity) {
    chunks.emplace_back(std::shared_ptr<char[]>{block, start + at}, capacity);
  }
  return chunks;
}

}  // namespace stele::client
