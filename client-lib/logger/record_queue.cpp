#include "client-lib/logger/record_queue.hpp"

#include <boost/assert.hpp>
#include <cstring>
#include <utility>

namespace stele::client {
namespace {

/// In front of each record.
struct [[gnu::packed]] Header {
  std::uint64_t time = 0;  ///< Of a line before 1970, as a negative number.
  std::uint32_t message_bytes = 0;
  std::uint32_t place = 0;  ///< Its offset; with metadata: the bytes of that.
  std::uint8_t level : 4 = 0;
  std::uint8_t has_metadata : 1 = 0;
  std::uint8_t has_new_place : 1 = 0;  ///< It follows.
  std::uint8_t is_before_epoch : 1 = 0;
};

/// In front of the texts of a place.
struct [[gnu::packed]] PlaceHeader {
  std::uint64_t thread = 0;
  std::uint32_t line = 0;
  std::array<std::uint32_t, 4> text_bytes{};

  bool operator==(PlaceHeader const&) const = default;
};

std::array<std::string_view, 4> place_texts(Record const& record) noexcept {
  return {record.logger, record.file, record.function, record.context};
}

PlaceHeader place_header(Record const& record) noexcept {
  PlaceHeader header{.thread = record.thread, .line = record.line};
  auto const texts = place_texts(record);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    header.text_bytes[i] = static_cast<std::uint32_t>(texts[i].size());
  }
  return header;
}

}  // namespace

std::size_t RecordChunk::bytes_of(Record const& record) noexcept {
  auto const bytes = sizeof(Header) + record.message.size();
  if (!record.metadata.empty()) return bytes + record.metadata.size();
  std::size_t place = sizeof(PlaceHeader);
  for (auto const text : place_texts(record)) place += text.size();
  return bytes + place;
}

void RecordChunk::put(void const* bytes, std::size_t count) noexcept {
  if (count > 0) std::memcpy(bytes_.get() + used_, bytes, count);
  used_ += count;
}

void RecordChunk::get(void* bytes, std::size_t count) noexcept {
  std::memcpy(bytes, bytes_.get() + read_, count);
  read_ += count;
}

std::string_view RecordChunk::get_text(std::size_t count) noexcept {
  std::string_view const text{bytes_.get() + read_, count};
  read_ += count;
  return text;
}

void RecordChunk::clear() noexcept {
  used_ = read_ = 0;
  places_ = {};
}

void RecordChunk::append(Record const& record) noexcept {
  BOOST_ASSERT(bytes_of(record) <= free_bytes());
  bool const is_before_epoch = record.time_before_epoch != 0;
  Header header{.time = is_before_epoch ? static_cast<std::uint64_t>(record.time_before_epoch)
                                        : record.timestamp,
                .message_bytes = static_cast<std::uint32_t>(record.message.size()),
                .level = static_cast<std::uint8_t>(static_cast<unsigned>(record.level) & 15U),
                .is_before_epoch = is_before_epoch};
  auto const start = used_;
  used_ += sizeof header;
  if (record.metadata.empty()) {
    header.place = put_place(record);
    header.has_new_place = header.place == start + sizeof header;
  } else {
    header.has_metadata = 1;
    header.place = static_cast<std::uint32_t>(record.metadata.size());
    put(record.metadata.data(), record.metadata.size());
  }
  put(record.message.data(), record.message.size());
  std::memcpy(bytes_.get() + start, &header, sizeof header);
}

/// Returns its offset.
std::uint32_t RecordChunk::put_place(Record const& record) noexcept {
  auto& known = places_[((record.thread * 31 + record.line) * 0x9E3779B97F4A7C15U) >> 60];
  if (known != 0 && is_at(known, record)) return known;
  known = static_cast<std::uint32_t>(used_);
  auto const header = place_header(record);
  put(&header, sizeof header);
  for (auto const text : place_texts(record)) put(text.data(), text.size());
  return known;
}

bool RecordChunk::is_at(std::size_t offset, Record const& record) const noexcept {
  PlaceHeader header;
  std::memcpy(&header, bytes_.get() + offset, sizeof header);
  if (header != place_header(record)) return false;
  offset += sizeof header;
  for (auto const text : place_texts(record)) {
    if (std::string_view{bytes_.get() + offset, text.size()} != text) return false;
    offset += text.size();
  }
  return true;
}

std::optional<Record> RecordChunk::next() noexcept {
  if (read_ == used_) return std::nullopt;
  auto const start = read_;
  Header header;
  get(&header, sizeof header);
  Record record{.level = static_cast<Level>(header.level)};
  if (header.has_metadata) {
    record.metadata = get_text(header.place);
  } else {
    auto const behind = read_;
    get_place(header.place, record);
    if (!header.has_new_place) read_ = behind;
  }
  record.message = get_text(header.message_bytes);
  if (header.is_before_epoch) {
    record.time_before_epoch = static_cast<std::int64_t>(header.time);
  } else {
    record.timestamp = header.time;
  }
  last_bytes_ = read_ - start;
  return record;
}

void RecordChunk::get_place(std::uint32_t offset, Record& record) noexcept {
  read_ = offset;
  PlaceHeader header;
  get(&header, sizeof header);
  record.thread = header.thread;
  record.line = header.line;
  record.logger = get_text(header.text_bytes[0]);
  record.file = get_text(header.text_bytes[1]);
  record.function = get_text(header.text_bytes[2]);
  record.context = get_text(header.text_bytes[3]);
}

void RecordMerger::add(RecordShard& shard, std::vector<RecordChunk> chunks) {
  BOOST_ASSERT(!chunks.empty());
  auto& lane = lanes_.emplace_back();
  lane.shard = &shard;
  lane.chunks = std::move(chunks);
  lane.head = lane.chunks.front().next().value();
  lane.head_bytes = lane.chunks.front().last_bytes();
}

std::optional<RecordMerger::Merged> RecordMerger::next() {
  if (std::exchange(has_current_, false)) advance();
  if (lanes_.empty()) return std::nullopt;
  current_ = 0;
  for (std::size_t i = 1; i < lanes_.size(); ++i) {
    if (lanes_[i].head.timestamp < lanes_[current_].head.timestamp) current_ = i;
  }
  has_current_ = true;
  auto const& lane = lanes_[current_];
  return Merged{lane.head, lane.head_bytes, lane.shard};
}

/// Behind the record that was handed out last.
void RecordMerger::advance() {
  auto& lane = lanes_[current_];
  auto record = lane.chunks[lane.at].next();
  if (!record) {
    spent_.push_back(std::move(lane.chunks[lane.at]));
    if (++lane.at < lane.chunks.size()) record = lane.chunks[lane.at].next();
  }
  if (record) {
    lane.head = *record;
    lane.head_bytes = lane.chunks[lane.at].last_bytes();
  } else {
    if (current_ + 1 < lanes_.size()) lane = std::move(lanes_.back());
    lanes_.pop_back();
  }
}

std::optional<RecordChunk> RecordMerger::take_spent() {
  if (spent_.empty()) return std::nullopt;
  auto chunk = std::move(spent_.back());
  spent_.pop_back();
  return chunk;
}

}  // namespace stele::client
