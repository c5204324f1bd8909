#include "wal/format/commit_buffer.hpp"

#include <algorithm>
#include <cstring>

#include "wal/format/crc32c.hpp"

namespace stele::wal {
namespace {

constexpr std::size_t first_capacity = std::size_t{64} << 10;
/// A buffer that large groups made grow beyond this is given back when it is cleared.
constexpr std::size_t kept_capacity_max = std::size_t{20} << 20;
/// And beyond this when the log has become idle.
constexpr std::size_t idle_capacity_max = std::size_t{8} << 20;

}  // namespace

std::byte* CommitBuffer::extend(std::size_t bytes) {
  auto const needed = size_ + bytes;
  if (needed > memory_.capacity()) {
    memory_.reserve(std::max({first_capacity, needed, memory_.capacity() * 2}),
                    memory_.capacity() == 0 ? 0 : size_);
  }
  auto* const start = memory_.data() + size_;
  size_ = needed;
  return start;
}

void CommitBuffer::add_group(WriterMark const& writer, std::span<std::string_view const> payloads) {
  std::size_t payload_bytes = 0;
  for (auto const payload : payloads) payload_bytes += payload.size();
  auto const total = group_bytes(payloads.size(), payload_bytes);
  auto* out = extend(total);

  GroupHeader const header{.writer = writer,
                           .payload_count = static_cast<std::uint32_t>(payloads.size()),
                           .records_bytes = static_cast<std::uint32_t>(total - group_header_bytes)};
  encode_group_header(header, std::span<std::byte, group_header_bytes>(out, group_header_bytes));
  out += group_header_bytes;
  for (auto const payload : payloads) {
    auto const bytes = std::as_bytes(std::span(payload));
    RecordHeader const record{.payload_bytes = static_cast<std::uint32_t>(bytes.size()),
                              .payload_crc = crc32c(bytes)};
    encode_record_header(record,
                         std::span<std::byte, record_header_bytes>(out, record_header_bytes));
    if (!bytes.empty()) std::memcpy(out + record_header_bytes, bytes.data(), bytes.size());
    out += record_header_bytes + bytes.size();
  }
  payload_count_ += header.payload_count;
  payload_bytes_ += payload_bytes;
}

void CommitBuffer::add_gap(Gap const& gap) {
  encode_gap(gap,
             std::span<std::byte, gap_record_bytes>(extend(gap_record_bytes), gap_record_bytes));
}

void CommitBuffer::add_record(std::span<std::byte const, gap_record_bytes> record) {
  std::memcpy(extend(gap_record_bytes), record.data(), gap_record_bytes);
}

std::span<std::byte const> CommitBuffer::seal(CommitHeader header, std::size_t commit_align) {
  auto const body = body_bytes();
  auto const padding = align_up(size_, commit_align) - size_;
  if (memory_.capacity() == 0) memory_.reserve(first_capacity, 0);
  std::memset(extend(padding), static_cast<int>(padding_byte), padding);

  header.payload_count = payload_count_;
  header.body_bytes = static_cast<std::uint32_t>(body);
  header.body_crc =
      body_crc(header.salt, std::span<std::byte const>(memory_.data() + commit_header_bytes, body));
  auto const encoded = encode_commit_header(header);
  std::memcpy(memory_.data(), encoded.data(), encoded.size());
  chain_ = header_crc(encoded);
  return {memory_.data(), size_};
}

void CommitBuffer::shrink() noexcept {
  if (memory_.capacity() > idle_capacity_max) memory_ = AlignedBuffer();
}

void CommitBuffer::clear() noexcept {
  if (memory_.capacity() > kept_capacity_max) memory_ = AlignedBuffer();
  size_ = commit_header_bytes;
  payload_count_ = 0;
  payload_bytes_ = 0;
}

}  // namespace stele::wal
