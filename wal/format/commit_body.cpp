#include "wal/format/commit_body.hpp"

namespace stele::wal {

std::optional<std::string_view> RecordReader::next() noexcept {
  if (records_.size() < record_header_bytes) return std::nullopt;
  auto const header = decode_record_header(records_.first<record_header_bytes>());
  if (header.payload_bytes > records_.size() - record_header_bytes) return std::nullopt;
  auto const payload = records_.subspan(record_header_bytes, header.payload_bytes);
  records_ = records_.subspan(record_header_bytes + header.payload_bytes);
  return std::string_view(reinterpret_cast<char const*>(payload.data()), payload.size());
}

std::optional<Group> GroupReader::next() noexcept {
  if (body_.size() < group_header_bytes) return std::nullopt;
  auto const header = decode_group_header(body_.first<group_header_bytes>());
  if (header.records_bytes > body_.size() - group_header_bytes) return std::nullopt;
  Group const group{header, body_.subspan(group_header_bytes, header.records_bytes)};
  body_ = body_.subspan(group_header_bytes + header.records_bytes);
  return group;
}

bool is_well_formed(CommitHeader const& header, std::span<std::byte const> body) noexcept {
  if (header.kind == CommitKind::gap) {
    return header.payload_count == 0 && body.size() % gap_record_bytes == 0;
  }
  if (header.kind != CommitKind::entries) return header.payload_count == 0 && body.empty();
  std::uint64_t payloads = 0;
  GroupReader groups(body);
  while (auto const group = groups.next()) {
    RecordReader records(group->records);
    std::uint32_t in_group = 0;
    while (records.next()) ++in_group;
    if (!records.at_end() || in_group != group->header.payload_count) return false;
    payloads += in_group;
  }
  return groups.at_end() && payloads == header.payload_count && payloads > 0;
}

std::vector<Gap> decode_gaps(std::span<std::byte const> body) {
  std::vector<Gap> gaps;
  for (; body.size() >= gap_record_bytes; body = body.subspan(gap_record_bytes)) {
    if (auto const gap = decode_gap(body.first<gap_record_bytes>())) gaps.push_back(*gap);
  }
  return gaps;
}

std::vector<Gap> decode_acknowledgements(std::span<std::byte const> body) {
  std::vector<Gap> all;
  for (; body.size() >= gap_record_bytes; body = body.subspan(gap_record_bytes)) {
    auto const known = decode_acknowledgement(body.first<gap_record_bytes>());
    if (known) all.push_back(*known);
  }
  return all;
}

std::optional<std::chrono::milliseconds> decode_age(std::span<std::byte const> body) {
  std::optional<std::chrono::milliseconds> age;
  for (; body.size() >= gap_record_bytes; body = body.subspan(gap_record_bytes)) {
    if (auto const found = decode_age_record(body.first<gap_record_bytes>())) age = found;
  }
  return age;
}

}  // namespace stele::wal
