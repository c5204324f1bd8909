
#include <algorithm>
#include <array>
#include <optional>

#include "wal/format/commit_body.hpp"
#include "wal/format/crc32c.hpp"

namespace stele::wal {
namespace {

/// What a device writes as a whole, and may write in a wrong place.
constexpr std::size_t sector_bytes = commit_align_min;

struct Record {
  std::span<std::byte const> payload{};
  std::uint32_t stored_crc = 0;
  std::uint32_t crc = 0;

  bool good() const noexcept { return !payload.empty() && crc == stored_crc; }
};

/// Takes the next record from the front; nothing if the bytes do not hold it.
std::optional<Record> take_record(std::span<std::byte const>& bytes) noexcept {
  if (bytes.size() < record_header_bytes) return std::nullopt;
  auto const header = decode_record_header(bytes.first<record_header_bytes>());
  bytes = bytes.subspan(record_header_bytes);
  if (header.payload_bytes > bytes.size()) return std::nullopt;
  Record const record{.payload = bytes.first(header.payload_bytes),
                      .stored_crc = header.payload_crc,
                      .crc = crc32c(bytes.first(header.payload_bytes))};
  bytes = bytes.subspan(header.payload_bytes);
  return record;
}

/// What a difference of two checksums becomes behind this many bytes that are the same.
std::uint32_t carried(std::uint32_t difference, std::size_t bytes) noexcept {
  static constexpr std::array<std::byte, 4096> zeros{};
  while (bytes > 0) {
    auto const piece = std::span(zeros).first(std::min(bytes, zeros.size()));
    difference = ~crc32c(piece, ~difference);
    bytes -= piece.size();
  }
  return difference;
}

/// Walks the records, all groups through, as far as `on_record` says.
template <class OnRecord>
void walk_records(std::span<std::byte const> body, OnRecord const& on_record) {
  while (body.size() >= group_header_bytes) {
    auto const header = decode_group_header(body.first<group_header_bytes>());
    body = body.subspan(group_header_bytes);
    auto records = body.first(std::min<std::size_t>(header.records_bytes, body.size()));
    body = body.subspan(records.size());
    while (!records.empty()) {
      auto const record = take_record(records);
      if (!record || !on_record(*record)) return;
    }
  }
}

/// Whether nothing but payloads differs from what was written, and of them only those whose own
/// checksums say so. A payload's checksum does not know its log; the commit's, which begins with
/// the salt, does: taken together, the differences of the bad ones must be that of the whole. Bytes
/// of another log in the place of ours may look like records of our commit, but not add up to it.
bool differs_in_bad_payloads_only(CommitHeader const& header, std::span<std::byte const> body) {
  auto expected = header.body_crc ^ body_crc(header.salt, body);
  auto const* const end = body.data() + body.size();
  walk_records(body, [&](Record const& record) {
    auto const* const payload_end = record.payload.data() + record.payload.size();
    expected ^=
        carried(record.stored_crc ^ record.crc, static_cast<std::size_t>(end - payload_end));
    return true;
  });
  return expected == 0;
}

}  // namespace

std::vector<RemainingPayload> salvageable_payloads(CommitHeader const& header,
                                                   std::span<std::byte const> body) {
  std::vector<RemainingPayload> remains;
  bool const all_is_known = body.size() == header.body_bytes && is_well_formed(header, body) &&
                            differs_in_bad_payloads_only(header, body);
  // Bytes that the device refuses are missing, and nothing says that others are wrong. Where bytes
  // are there and wrong, somebody has written them, and only the sector of the header is known to
  // be ours: with it the records that begin there, and all that their checksums say of their
  // payloads.
  bool const is_cut_short = body.size() < header.body_bytes;
  auto const begins_in_first_sector = [&](Record const& record) {
    auto const offset = static_cast<std::size_t>(record.payload.data() - body.data());
    return commit_header_bytes + offset <= sector_bytes;
  };
  auto seq = header.first_seq;
  auto const end = seq + header.payload_count;
  walk_records(body, [&](Record const& record) {
    if (seq == end) return false;
    bool const is_known = is_cut_short || begins_in_first_sector(record);
    if (!all_is_known && !(is_known && record.good())) return false;
    if (record.good()) {
      auto const* text = reinterpret_cast<char const*>(record.payload.data());
      remains.push_back({seq, {text, record.payload.size()}});
    }
    ++seq;
    return true;
  });
  return remains;
}

}  // namespace stele::wal
