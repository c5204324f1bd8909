#include "daemon/store/packed_chunk.hpp"

#include <algorithm>
#include <boost/assert.hpp>
#include <cstring>
#include <iterator>
#include <utility>

namespace stele::daemon {

PackedChunk::PackedChunk(wal::PackedBlock const& block, std::shared_ptr<char[]> memory,
                         std::size_t begin)
    : header_(block.header),
      summary_(read_block_summary(block.note(), block.header.payload_count)),
      memory_(std::move(memory)),
      begin_(begin) {}

PackedChunk::Maker::Maker(std::span<wal::PackedBlock const> blocks) {
  std::size_t bytes = 0;
  for (auto const& block : blocks) bytes += block.payloads().size() + block.lengths().size();
  memory_ = map_large_memory(bytes);
  chunks_.reserve(blocks.size());
}

void PackedChunk::Maker::add(wal::PackedBlock const& block) {
  PackedChunk chunk(block, memory_, begin_);
  std::memcpy(memory_.get() + begin_, block.bytes.data(), chunk.content().size());
  begin_ += chunk.content().size();
  chunks_.push_back(std::move(chunk));
}

std::vector<PackedChunk> PackedChunk::make(std::vector<wal::PackedBlock> const& blocks) {
  Maker maker(blocks);
  for (auto const& block : blocks) maker.add(block);
  return maker.take();
}

std::span<std::byte const> PackedChunk::content() const noexcept {
  auto const bytes = std::size_t{header_.payloads.bytes} + header_.lengths.bytes;
  return std::as_bytes(std::span(memory_.get() + begin_, bytes));
}

void PackedChunk::unpack(wal::Decompressor& decompressor, wal::UnpackedBlock& into) const {
  [[maybe_unused]] bool const is_right =
      wal::unpack_payloads(header_, content(), decompressor, into);
  BOOST_ASSERT(is_right && into.ends.size() == entries());
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
  packed.unpack(decompressor_, buffer_);
  auto const bytes = packed.text_bytes();
  auto memory = std::move(spare_);
  if (!memory || memory.get_deleter().bytes < bytes) memory = map_chunk_memory(bytes);
  std::memcpy(memory.get(), buffer_.bytes.data(), buffer_.bytes.size());
  memory.get()[buffer_.bytes.size()] = ',';
  chunks_.push_front(
      std::make_shared<Chunk>(packed.first_seq(), std::move(memory), std::move(buffer_.ends)));
  bytes_ += chunks_.front()->held_bytes();
  for (auto const side : {Side::before, Side::behind}) shorten_trail(side);
  return &chunks_.front();
}

UnpackedChunks::Chunks::iterator UnpackedChunks::neighbour(Chunk const& chunk, Side side) noexcept {
  return std::ranges::find_if(chunks_, [&](std::shared_ptr<Chunk> const& other) {
    return side == Side::before ? other->next_seq() == chunk.first_seq()
                                : other->first_seq() == chunk.next_seq();
  });
}

/// Who reads on unpacks one block beside the other. What lies far behind on that way is not looked
/// at again, so it goes before what others page through.
void UnpackedChunks::shorten_trail(Side side) noexcept {
  std::size_t bytes = 0;
  auto at = chunks_.begin();
  for (; at != chunks_.end() && bytes < trail_bytes_max; at = neighbour(**at, side)) {
    bytes += (*at)->held_bytes();
  }
  if (at != chunks_.end()) chunks_.splice(chunks_.end(), chunks_, at);
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
