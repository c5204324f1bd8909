#include "wal/commit_remains.hpp"

#include <algorithm>
#include <optional>

#include "wal/commit_body.hpp"
#include "wal/crc32c.hpp"

namespace stele::wal {
namespace {

struct Record {
  std::span<std::byte const> payload{};
  bool good = false;
};

/// Takes the next record from the front; nothing if the bytes do not hold it.
std::optional<Record> take_record(std::span<std::byte const>& bytes) noexcept {
  if (bytes.size() < record_header_bytes) return std::nullopt;
  auto const header = decode_record_header(bytes.first<record_header_bytes>());
  bytes = bytes.subspan(record_header_bytes);
  if (header.payload_bytes > bytes.size()) return std::nullopt;
  Record record{.payload = bytes.first(header.payload_bytes)};
  bytes = bytes.subspan(header.payload_bytes);
  record.good = !record.payload.empty() && crc32c(record.payload) == header.payload_crc;
  return record;
}

}  // namespace

std::vector<RemainingPayload> remains_of(CommitHeader const& header,
                                         std::span<std::byte const> body) {
  std::vector<RemainingPayload> remains;
  bool const counted = body.size() == header.body_bytes && is_well_formed(header, body);
  auto seq = header.first_seq;
  auto const end = seq + header.payload_count;
  while (body.size() >= group_header_bytes && seq < end) {
    auto const group = decode_group_header(body.first<group_header_bytes>());
    body = body.subspan(group_header_bytes);
    auto records = body.first(std::min<std::size_t>(group.records_bytes, body.size()));
    body = body.subspan(records.size());
    while (!records.empty() && seq < end) {
      auto const record = take_record(records);
      if (!record || (!record->good && !counted)) return remains;
      if (record->good) {
        auto const* text = reinterpret_cast<char const*>(record->payload.data());
        remains.push_back({seq, {text, record->payload.size()}});
      }
      ++seq;
    }
  }
  return remains;
}

}  // namespace stele::wal
