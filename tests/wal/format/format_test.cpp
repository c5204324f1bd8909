// Each structure on disk: its bytes, both ways, on buffers of exactly its size.
#include "wal/format/format.hpp"

#include <boost/test/unit_test.hpp>
#include <span>
#include <string_view>
#include <vector>

#include "support/exact_bytes.hpp"
#include "support/hex_dump.hpp"
#include "wal/format/crc32c.hpp"
#include "wal/format/field_codec.hpp"

using namespace stele::wal;
using stele::test::ExactBytes;
using stele::test::from_hex;

namespace {

SegmentHeader const segment_header{.segment_bytes = 0x4000000,
                                   .commit_align = 4096,
                                   .store_id = {0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17,
                                                0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f},
                                   .segment_no = 0x0102030405060708,
                                   .salt = 0x1112131415161718,
                                   .prev_segment_no = 0x0102030405060707,
                                   .prev_salt = 0x2122232425262728,
                                   .prev_end_commit = 0x3132333435363738};

constexpr std::string_view segment_header_golden =
    "53 54 45 4c 45 57 41 4c 01 00 02 00 80 00 00 00\n"
    "00 00 00 00 00 00 00 00 00 00 00 04 00 00 00 00\n"
    "00 10 00 00 00 00 00 00 10 11 12 13 14 15 16 17\n"
    "18 19 1a 1b 1c 1d 1e 1f 08 07 06 05 04 03 02 01\n"
    "18 17 16 15 14 13 12 11 07 07 06 05 04 03 02 01\n"
    "28 27 26 25 24 23 22 21 38 37 36 35 34 33 32 31\n"
    "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"
    "00 00 00 00 00 00 00 00 00 00 00 00 8a 00 65 d9\n";

CommitHeader const commit_header{.kind = CommitKind::entries,
                                 .salt = 0x1112131415161718,
                                 .commit_no = 0x0102030405060708,
                                 .first_seq = 0x2122232425262728,
                                 .durable_commit = 0x0102030405060707,
                                 .payload_count = 3,
                                 .body_bytes = 0x1000,
                                 .body_crc = 0xa1a2a3a4,
                                 .chain = 0xb1b2b3b4};

constexpr std::string_view commit_header_golden =
    "53 43 4d 54 01 01 40 00 18 17 16 15 14 13 12 11\n"
    "08 07 06 05 04 03 02 01 28 27 26 25 24 23 22 21\n"
    "07 07 06 05 04 03 02 01 03 00 00 00 00 10 00 00\n"
    "a4 a3 a2 a1 b4 b3 b2 b1 00 00 00 00 aa 05 58 e6\n";

Decoded<SegmentHeader> decode_segment(std::span<std::byte const> bytes) {
  return decode_segment_header(ExactBytes(bytes).fixed<segment_header_bytes>());
}

Decoded<CommitHeader> decode_commit(std::span<std::byte const> bytes) {
  return decode_commit_header(ExactBytes(bytes).fixed<commit_header_bytes>());
}

/// A header with other bytes at `offset` and the checksum that belongs to it.
std::vector<std::byte> resealed(std::string_view golden, std::size_t offset,
                                std::string_view digits) {
  auto bytes = from_hex(golden);
  std::ranges::copy(from_hex(digits), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
  std::span const all(bytes);
  FieldWriter(all.last(4)).u32(crc32c(all.first(all.size() - 4)));
  return bytes;
}

template <class Decode>
std::size_t accepted_bit_flips(std::string_view golden, Decode decode) {
  auto bytes = from_hex(golden);
  std::size_t accepted = 0;
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto const mask = std::byte{1} << (bit % 8);
    bytes[bit / 8] ^= mask;
    if (decode(bytes).index() == 0) ++accepted;
    bytes[bit / 8] ^= mask;
  }
  return accepted;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(format_test)

BOOST_AUTO_TEST_CASE(segment_header_has_its_golden_bytes) {
  auto const golden = from_hex(segment_header_golden);
  BOOST_TEST(std::ranges::equal(encode_segment_header(segment_header), golden));
  BOOST_TEST((decode_segment(golden) == Decoded<SegmentHeader>(segment_header)));
}

BOOST_AUTO_TEST_CASE(commit_header_has_its_golden_bytes) {
  auto const golden = from_hex(commit_header_golden);
  BOOST_TEST(std::ranges::equal(encode_commit_header(commit_header), golden));
  BOOST_TEST((decode_commit(golden) == Decoded<CommitHeader>(commit_header)));
  BOOST_TEST(header_crc(encode_commit_header(commit_header)) == 0xe65805aau);
}

BOOST_AUTO_TEST_CASE(every_kind_of_commit_is_read_back) {
  for (auto const kind :
       {CommitKind::entries, CommitKind::mark, CommitKind::seal, CommitKind::gap}) {
    auto header = commit_header;
    header.kind = kind;
    BOOST_TEST((decode_commit(encode_commit_header(header)) == Decoded<CommitHeader>(header)));
  }
}

BOOST_AUTO_TEST_CASE(group_header_has_its_golden_bytes) {
  GroupHeader const header{
      .writer = {.writer = segment_header.store_id, .write_no = 0x0102030405060708},
      .payload_count = 3,
      .records_bytes = 0x1000};
  auto const golden = from_hex(
      "10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f\n"
      "08 07 06 05 04 03 02 01 03 00 00 00 00 10 00 00\n");
  ExactBytes bytes(group_header_bytes);
  encode_group_header(header, bytes.fixed<group_header_bytes>());
  BOOST_TEST(std::ranges::equal(bytes.all(), golden));
  BOOST_TEST((decode_group_header(bytes.fixed<group_header_bytes>()) == header));
}

BOOST_AUTO_TEST_CASE(record_header_has_its_golden_bytes) {
  ExactBytes bytes(record_header_bytes);
  encode_record_header({.payload_bytes = 0x1000, .payload_crc = 0xa1a2a3a4},
                       bytes.fixed<record_header_bytes>());
  BOOST_TEST(std::ranges::equal(bytes.all(), from_hex("00 10 00 00 a4 a3 a2 a1")));
  auto const header = decode_record_header(bytes.fixed<record_header_bytes>());
  BOOST_TEST(header.payload_bytes == 0x1000u);
  BOOST_TEST(header.payload_crc == 0xa1a2a3a4u);
}

BOOST_AUTO_TEST_CASE(gap_record_has_its_golden_bytes) {
  Gap const torn{.first_seq = 7,
                 .last_seq = 12,
                 .reason = GapReason::torn,
                 .segment_no = 4,
                 .offset = first_commit_offset};
  Gap const dropped{.first_seq = 8,
                    .last_seq = 7,
                    .reason = GapReason::dropped_by_client,
                    .dropped = 0x0102030405060708,
                    .writer = {0xa0, 0xa1}};
  std::vector<std::pair<Gap, std::string>> const cases{
      {torn,
       "03 00 00 00 00 00 00 00 07 00 00 00 00 00 00 00\n"
       "0c 00 00 00 00 00 00 00 04 00 00 00 00 00 00 00\n"
       "00 20 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"
       "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"},
      {dropped,
       "04 00 00 00 00 00 00 00 08 00 00 00 00 00 00 00\n"
       "07 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"
       "00 00 00 00 00 00 00 00 08 07 06 05 04 03 02 01\n"
       "a0 a1 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"}};
  for (auto const& [gap, golden] : cases) {
    ExactBytes bytes(gap_record_bytes);
    encode_gap(gap, bytes.fixed<gap_record_bytes>());
    BOOST_TEST(std::ranges::equal(bytes.all(), from_hex(golden)));
    BOOST_TEST((decode_gap(bytes.fixed<gap_record_bytes>()) == gap));
  }
}

BOOST_AUTO_TEST_CASE(gap_of_an_unknown_reason_is_no_gap) {
  for (std::uint32_t const reason : {0u, 5u, 0x100u, 0xffffffffu}) {
    ExactBytes bytes(gap_record_bytes);
    FieldWriter(bytes.all()).u32(reason);
    BOOST_TEST(!decode_gap(bytes.fixed<gap_record_bytes>()).has_value(), reason);
  }
}

BOOST_AUTO_TEST_CASE(no_single_bit_flip_of_a_segment_header_is_accepted) {
  BOOST_TEST(accepted_bit_flips(segment_header_golden, decode_segment) == 0u);
}

BOOST_AUTO_TEST_CASE(no_single_bit_flip_of_a_commit_header_is_accepted) {
  BOOST_TEST(accepted_bit_flips(commit_header_golden, decode_commit) == 0u);
}

BOOST_AUTO_TEST_CASE(zeros_are_no_header) {
  BOOST_TEST((decode_segment(std::vector<std::byte>(segment_header_bytes)) ==
              Decoded<SegmentHeader>(HeaderFault::invalid)));
  BOOST_TEST((decode_commit(std::vector<std::byte>(commit_header_bytes)) ==
              Decoded<CommitHeader>(HeaderFault::invalid)));
}

BOOST_AUTO_TEST_CASE(segment_header_of_a_newer_version_is_unsupported_not_invalid) {
  Decoded<SegmentHeader> const unsupported = HeaderFault::unsupported;
  BOOST_TEST((decode_segment(resealed(segment_header_golden, 8, "02 00")) == unsupported));
  BOOST_TEST((decode_segment(resealed(segment_header_golden, 12, "c0")) == unsupported));
  BOOST_TEST((decode_segment(resealed(segment_header_golden, 16, "01")) == unsupported));
  BOOST_TEST((decode_segment(resealed(segment_header_golden, 19, "80")) == unsupported));
}

BOOST_AUTO_TEST_CASE(segment_header_of_a_newer_minor_version_is_read) {
  Decoded<SegmentHeader> const same = segment_header;
  BOOST_TEST((decode_segment(resealed(segment_header_golden, 10, "07 00")) == same));
  BOOST_TEST((decode_segment(resealed(segment_header_golden, 20, "ff ff ff ff")) == same));
}

BOOST_AUTO_TEST_CASE(commit_header_of_a_newer_version_is_unsupported_not_invalid) {
  Decoded<CommitHeader> const unsupported = HeaderFault::unsupported;
  BOOST_TEST((decode_commit(resealed(commit_header_golden, 4, "02")) == unsupported));
  BOOST_TEST((decode_commit(resealed(commit_header_golden, 5, "00")) == unsupported));
  BOOST_TEST((decode_commit(resealed(commit_header_golden, 5, "05")) == unsupported));
  BOOST_TEST((decode_commit(resealed(commit_header_golden, 6, "60")) == unsupported));
  BOOST_TEST((decode_commit(resealed(commit_header_golden, 56, "01")) == unsupported));
  BOOST_TEST((decode_commit(resealed(commit_header_golden, 57, "80")) == unsupported));
}

BOOST_AUTO_TEST_CASE(flags_that_may_be_ignored_are_ignored) {
  Decoded<CommitHeader> const same = commit_header;
  BOOST_TEST((decode_commit(resealed(commit_header_golden, 58, "ff ff")) == same));
}

BOOST_AUTO_TEST_CASE(body_checksum_starts_from_the_salt) {
  constexpr std::string_view body = "payload";
  auto const bytes = std::as_bytes(std::span(body));
  BOOST_TEST(body_crc(0x1112131415161718, bytes) == 0x765e2908u);
  BOOST_TEST(body_crc(0x1112131415161719, bytes) != 0x765e2908u);
  BOOST_TEST(body_crc(1, {}) != body_crc(2, {}));
}

BOOST_AUTO_TEST_CASE(offsets_round_up_to_their_alignment) {
  BOOST_TEST(align_up(0, 512) == 0u);
  BOOST_TEST(align_up(1, 512) == 512u);
  BOOST_TEST(align_up(512, 512) == 512u);
  BOOST_TEST(align_up(513, 4096) == 4096u);
}

BOOST_AUTO_TEST_SUITE_END()
