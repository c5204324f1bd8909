#include "client-lib/record_queue.hpp"

#include <array>
#include <boost/assert.hpp>
#include <cstring>
#include <utility>

namespace stele::client {
namespace {

constexpr std::size_t text_count = 5;

/// In front of the texts of a record.
struct Header {
  void* owner;
  std::uint64_t timestamp;
  std::int64_t time_before_epoch;
  std::uint64_t thread;
  std::array<std::uint32_t, text_count> text_bytes;
  std::uint32_t line;
  Level level;
};

std::array<std::string_view, text_count> texts_of(Record const& record) noexcept {
  return {record.message, record.metadata, record.logger, record.file, record.function};
}

}  // namespace

std::size_t RecordQueue::bytes_of(Record const& record) noexcept {
  std::size_t bytes = sizeof(Header);
  for (auto const text : texts_of(record)) bytes += text.size();
  return bytes;
}

void RecordQueue::Chunk::append(Record const& record) noexcept {
  BOOST_ASSERT(bytes_of(record) <= free_bytes());
  auto const texts = texts_of(record);
  Header header{.owner = record.owner,
                .timestamp = record.timestamp,
                .time_before_epoch = record.time_before_epoch,
                .thread = record.thread,
                .text_bytes = {},
                .line = record.line,
                .level = record.level};
  for (std::size_t i = 0; i < text_count; ++i) {
    header.text_bytes[i] = static_cast<std::uint32_t>(texts[i].size());
  }
  std::memcpy(bytes_.get() + used_, &header, sizeof header);
  used_ += sizeof header;
  for (auto const text : texts) {
    if (!text.empty()) std::memcpy(bytes_.get() + used_, text.data(), text.size());
    used_ += text.size();
  }
}

std::optional<Record> RecordQueue::Chunk::next() noexcept {
  if (read_ == used_) return std::nullopt;
  Header header;
  std::memcpy(&header, bytes_.get() + read_, sizeof header);
  read_ += sizeof header;
  std::array<std::string_view, text_count> texts;
  for (std::size_t i = 0; i < text_count; ++i) {
    texts[i] = {bytes_.get() + read_, header.text_bytes[i]};
    read_ += header.text_bytes[i];
  }
  return Record{.owner = header.owner,
                .timestamp = header.timestamp,
                .time_before_epoch = header.time_before_epoch,
                .thread = header.thread,
                .line = header.line,
                .level = header.level,
                .message = texts[0],
                .metadata = texts[1],
                .logger = texts[2],
                .file = texts[3],
                .function = texts[4]};
}

void RecordQueue::append(Record const& record) {
  auto const bytes = bytes_of(record);
  if (chunks_.empty() || chunks_.back().free_bytes() < bytes) {
    if (bytes > large_bytes) {
      chunks_.emplace_back(bytes);
    } else if (spares_.empty()) {
      chunks_.emplace_back(chunk_bytes);
    } else {
      chunks_.push_back(std::move(spares_.back()));
      spares_.pop_back();
    }
  }
  chunks_.back().append(record);
}

RecordQueue::Chunk RecordQueue::take_oldest() {
  BOOST_ASSERT(!chunks_.empty());
  auto chunk = std::move(chunks_.front());
  chunks_.pop_front();
  return chunk;
}

void RecordQueue::give_back(Chunk chunk) {
  if (chunk.capacity() != chunk_bytes || spares_.size() == spares_max) return;
  chunk.clear();
  spares_.push_back(std::move(chunk));
}

}  // namespace stele::client
