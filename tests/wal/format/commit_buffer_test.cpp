#include "wal/format/commit_buffer.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "support/hex_dump.hpp"
#include "wal/format/commit_body.hpp"

using namespace stele::wal;
using stele::test::from_hex;

namespace {

/// Two groups, of two payloads and of one; every byte was worked out by another program.
constexpr std::string_view golden =
    "53 43 4d 54 01 01 40 00 18 17 16 15 14 13 12 11\n"
    "05 00 00 00 00 00 00 00 28 00 00 00 00 00 00 00\n"
    "04 00 00 00 00 00 00 00 03 00 00 00 65 00 00 00\n"
    "0f b9 c5 52 b4 b3 b2 b1 00 00 00 00 d8 f8 cc 20\n"
    "10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f\n"
    "09 00 00 00 00 00 00 00 02 00 00 00 1c 00 00 00\n"
    "05 00 00 00 50 a1 3e 8a 66 69 72 73 74 07 00 00\n"
    "00 09 75 b5 2a 73 65 63 6f 6e 64 21 00 00 00 00\n"
    "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"
    "00 00 00 00 01 00 00 00 09 00 00 00 01 00 00 00\n"
    "14 e9 ce 71 33\n";

CommitHeader const header{.salt = 0x1112131415161718,
                          .commit_no = 5,
                          .first_seq = 40,
                          .durable_commit = 4,
                          .chain = 0xb1b2b3b4};

void add_groups(CommitBuffer& buffer) {
  WriterMark const writer{.writer = {0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19,
                                     0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f},
                          .write_no = 9};
  buffer.add_group(writer, std::vector<std::string_view>{"first", "second!"});
  buffer.add_group({}, std::vector<std::string_view>{"3"});
}

std::size_t address_in_block(std::span<std::byte const> bytes) {
  return reinterpret_cast<std::uintptr_t>(bytes.data()) % 4096;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(commit_buffer_test)

BOOST_AUTO_TEST_CASE(commit_has_its_golden_bytes_and_its_padding) {
  CommitBuffer buffer;
  add_groups(buffer);
  auto const bytes = buffer.seal(header, 512);
  auto const expected = from_hex(golden);
  BOOST_TEST_REQUIRE(bytes.size() == 512u);
  BOOST_TEST(std::ranges::equal(bytes.first(expected.size()), expected));
  for (auto const byte : bytes.subspan(expected.size())) BOOST_TEST((byte == std::byte{0xa5}));
}

BOOST_AUTO_TEST_CASE(counts_are_those_of_what_was_added) {
  CommitBuffer buffer;
  BOOST_TEST(buffer.empty());
  add_groups(buffer);
  BOOST_TEST(!buffer.empty());
  BOOST_TEST(buffer.payload_count() == 3u);
  BOOST_TEST(buffer.payload_bytes() == 13u);
  BOOST_TEST(buffer.body_bytes() == group_bytes(2, 12) + group_bytes(1, 1));
}

BOOST_AUTO_TEST_CASE(chain_is_the_checksum_of_the_sealed_header) {
  CommitBuffer buffer;
  add_groups(buffer);
  buffer.seal(header, 512);
  BOOST_TEST(buffer.chain() == 0x20ccf8d8u);
}

BOOST_AUTO_TEST_CASE(commits_are_padded_to_the_alignment_and_aligned_in_memory) {
  for (std::size_t const align : {512u, 4096u, 65536u}) {
    for (std::size_t const payload : {1u, 500u, 4000u, 70000u}) {
      CommitBuffer buffer;
      std::string const text(payload, 'x');
      buffer.add_group({}, std::vector<std::string_view>{text});
      auto const bytes = buffer.seal(header, align);
      auto const used = commit_header_bytes + group_bytes(1, payload);
      BOOST_TEST(bytes.size() == align_up(used, align));
      BOOST_TEST(address_in_block(bytes) == 0u);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_commit_that_fills_its_last_block_has_no_padding) {
  CommitBuffer buffer;
  std::string const text(512 - commit_header_bytes - group_bytes(1, 0), 'x');
  buffer.add_group({}, std::vector<std::string_view>{text});
  auto const bytes = buffer.seal(header, 512);
  BOOST_TEST(bytes.size() == 512u);
  BOOST_TEST((bytes.back() == std::byte{'x'}));
}

BOOST_AUTO_TEST_CASE(a_mark_is_a_header_and_padding) {
  CommitBuffer buffer;
  auto mark = header;
  mark.kind = CommitKind::mark;
  auto const bytes = buffer.seal(mark, 512);
  BOOST_TEST_REQUIRE(bytes.size() == 512u);
  auto const decoded = decode_commit_header(bytes.first<commit_header_bytes>());
  BOOST_TEST_REQUIRE(decoded.index() == 0u);
  BOOST_TEST(std::get<CommitHeader>(decoded).body_bytes == 0u);
  BOOST_TEST(std::get<CommitHeader>(decoded).payload_count == 0u);
  BOOST_TEST((bytes[commit_header_bytes] == padding_byte));
}

BOOST_AUTO_TEST_CASE(growing_keeps_what_was_added_before) {
  CommitBuffer buffer;
  buffer.add_group({}, std::vector<std::string_view>{"small"});
  std::string const large(300'000, 'L');
  buffer.add_group({}, std::vector<std::string_view>{large});
  auto const size = buffer.body_bytes();
  auto const bytes = buffer.seal(header, 512);
  GroupReader groups(bytes.subspan(commit_header_bytes, size));
  auto const first = groups.next();
  auto const second = groups.next();
  BOOST_TEST_REQUIRE((first && second));
  BOOST_TEST((RecordReader(first->records).next() == "small"));
  BOOST_TEST((RecordReader(second->records).next() == large));
}

BOOST_AUTO_TEST_CASE(a_cleared_buffer_makes_the_same_bytes_again) {
  CommitBuffer buffer;
  std::string const longer(2000, 'y');
  buffer.add_group({}, std::vector<std::string_view>{longer});
  buffer.seal(header, 512);
  buffer.clear();
  BOOST_TEST(buffer.empty());
  BOOST_TEST(buffer.payload_count() == 0u);
  BOOST_TEST(buffer.payload_bytes() == 0u);
  add_groups(buffer);
  auto const bytes = buffer.seal(header, 512);
  auto const expected = from_hex(golden);
  BOOST_TEST_REQUIRE(bytes.size() == 512u);
  BOOST_TEST(std::ranges::equal(bytes.first(expected.size()), expected));
}

BOOST_AUTO_TEST_CASE(a_buffer_that_grew_large_gives_its_memory_back_when_it_is_told_to) {
  CommitBuffer buffer;
  std::string const huge(std::size_t{9} << 20, 'h');
  buffer.add_group({}, std::vector<std::string_view>{huge});
  buffer.seal(header, 512);
  buffer.clear();
  BOOST_TEST(buffer.capacity() >= huge.size());
  buffer.shrink();
  BOOST_TEST(buffer.capacity() == 0u);
  add_groups(buffer);
  auto const bytes = buffer.seal(header, 512);
  auto const expected = from_hex(golden);
  BOOST_TEST(std::ranges::equal(bytes.first(expected.size()), expected));
}

BOOST_AUTO_TEST_CASE(a_buffer_keeps_no_more_than_the_largest_commits_need) {
  CommitBuffer buffer;
  std::string const absurd(std::size_t{33} << 20, 'a');
  buffer.add_group({}, std::vector<std::string_view>{absurd});
  buffer.seal(header, 512);
  buffer.clear();
  BOOST_TEST(buffer.capacity() == 0u);
}

BOOST_AUTO_TEST_CASE(gap_records_are_the_body_of_a_gap_commit) {
  Gap const torn{.first_seq = 7, .last_seq = 12, .reason = GapReason::torn, .segment_no = 4};
  Gap const damaged{.first_seq = 20, .last_seq = 20, .reason = GapReason::damaged};
  CommitBuffer buffer;
  buffer.add_gap(torn);
  buffer.add_gap(damaged);
  auto gap_header = header;
  gap_header.kind = CommitKind::gap;
  BOOST_TEST(buffer.body_bytes() == 2 * gap_record_bytes);
  auto const bytes = buffer.seal(gap_header, 512);
  auto const gaps = decode_gaps(bytes.subspan(commit_header_bytes, 2 * gap_record_bytes));
  BOOST_TEST((gaps == std::vector{torn, damaged}));
  BOOST_TEST(buffer.payload_count() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
