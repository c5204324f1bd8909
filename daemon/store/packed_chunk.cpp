#include "daemon/store/packed_chunk.hpp"

#include <algorithm>
#include <boost/assert.hpp>
#include <cstring>
#include <iterator>
#include <utility>

namespace stele::daemon {

PackedChunk::PackedChunk(wal::PackedBlock block) : block_(std::move(block)) {
  block_.bytes.resize(static_cast<std::size_t>(block_.header.content_bytes()));
  block_.bytes.shrink_to_fit();
}

std::shared_ptr<Chunk> const* UnpackedChunks::find(Seq seq) noexcept {
  auto const found = std::ranges::find_if(chunks_, [seq](std::shared_ptr<Chunk> const& chunk) {
    return seq >= chunk->first_seq() && seq < chunk->next_seq();
  });
  if (found == chunks_.end()) return nullptr;
  chunks_.splice(chunks_.begin(), chunks_, found);
  return &chunks_.front();
}

std::shared_ptr<Chunk> const* UnpackedChunks::add(PackedChunk const& packed) {
  // What the log gave was right by its checksum.
  [[maybe_unused]] bool const is_right =
      wal::unpack_payloads(packed.block(), decompressor_, buffer_);
  BOOST_ASSERT(is_right && buffer_.ends.size() == packed.entries());
  auto const bytes = packed.text_bytes();
  auto memory = std::move(spare_);
  if (!memory || memory.get_deleter().bytes < bytes) memory = map_chunk_memory(bytes);
  std::memcpy(memory.get(), buffer_.bytes.data(), buffer_.bytes.size());
  memory.get()[buffer_.bytes.size()] = ',';
  chunks_.push_front(
      std::make_shared<Chunk>(packed.first_seq(), std::move(memory), std::move(buffer_.ends)));
  bytes_ += chunks_.front()->held_bytes();
  return &chunks_.front();
}

void UnpackedChunks::trim() noexcept {
  while (bytes_ > bytes_max && chunks_.size() > 1) drop(std::prev(chunks_.end()));
}

void UnpackedChunks::remove_up_to(Seq seq) noexcept {
  for (auto chunk = chunks_.begin(); chunk != chunks_.end();) {
    auto const next = std::next(chunk);
    if ((*chunk)->next_seq() <= seq + 1) drop(chunk);
    chunk = next;
  }
}

/// Replies that share it go on to.
void UnpackedChunks::drop(Chunks::iterator chunk) noexcept {
  bytes_ -= (*chunk)->held_bytes();
  if (chunk->use_count() == 1) spare_ = (*chunk)->take_memory();
  chunks_.erase(chunk);
}

}  // namespace stele::daemon
