#include "wal/format/manifest.hpp"

#include <boost/test/unit_test.hpp>
#include <span>
#include <string_view>

#include "support/exact_bytes.hpp"
#include "support/hex_dump.hpp"
#include "wal/format/crc32c.hpp"
#include "wal/format/field_codec.hpp"

using namespace stele::wal;
using stele::test::ExactBytes;
using stele::test::from_hex;

BOOST_AUTO_TEST_SUITE(manifest_test)

namespace {

Manifest const manifest{.store_id = {0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19,
                                     0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f},
                        .first_segment_no = 3,
                        .last_segment_no = 9,
                        .first_commit_no = 0x0102030405060708,
                        .first_chain = 0xb1b2b3b4,
                        .first_seq = 0x2122232425262728,
                        .durable_commit = 0x0102030405060700,
                        .end_seq = 0x3132333435363738,
                        .last_salt = 0x4142434445464748,
                        .copied_from_segment_no = 0x5152535455565758};

/// Zeros follow, and the checksum in the last four bytes.
constexpr std::string_view golden_head =
    "53 54 45 4c 45 4d 41 4e 01 00 02 00 00 00 00 00\n"
    "10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f\n"
    "03 00 00 00 00 00 00 00 09 00 00 00 00 00 00 00\n"
    "08 07 06 05 04 03 02 01 b4 b3 b2 b1 00 00 00 00\n"
    "28 27 26 25 24 23 22 21 00 07 06 05 04 03 02 01\n"
    "38 37 36 35 34 33 32 31 48 47 46 45 44 43 42 41\n"
    "58 57 56 55 54 53 52 51\n";
constexpr std::string_view golden_crc = "23 27 3b d1";

/// The same of version 1.1, which did not say the last segment's salt.
constexpr std::string_view golden_head_1_1 =
    "53 54 45 4c 45 4d 41 4e 01 00 01 00 00 00 00 00\n"
    "10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f\n"
    "03 00 00 00 00 00 00 00 09 00 00 00 00 00 00 00\n"
    "08 07 06 05 04 03 02 01 b4 b3 b2 b1 00 00 00 00\n"
    "28 27 26 25 24 23 22 21 00 07 06 05 04 03 02 01\n"
    "38 37 36 35 34 33 32 31\n";
constexpr std::string_view golden_crc_1_1 = "17 58 b1 45";

/// The same of version 1.0, which did not say how the log had ended.
constexpr std::string_view golden_head_1_0 =
    "53 54 45 4c 45 4d 41 4e 01 00 00 00 00 00 00 00\n"
    "10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f\n"
    "03 00 00 00 00 00 00 00 09 00 00 00 00 00 00 00\n"
    "08 07 06 05 04 03 02 01 b4 b3 b2 b1 00 00 00 00\n"
    "28 27 26 25 24 23 22 21 00 07 06 05 04 03 02 01\n";
constexpr std::string_view golden_crc_1_0 = "73 4b 0d e2";

ExactBytes golden(std::string_view head = golden_head, std::string_view crc = golden_crc) {
  ExactBytes bytes(manifest_bytes);
  std::ranges::copy(from_hex(head), bytes.all().begin());
  std::ranges::copy(from_hex(crc), bytes.all().last(4).begin());
  return bytes;
}

Decoded<Manifest> decode(ExactBytes& bytes) {
  return decode_manifest(bytes.fixed<manifest_bytes>());
}

}  // namespace

BOOST_AUTO_TEST_CASE(manifest_has_its_golden_bytes) {
  ExactBytes encoded(manifest_bytes);
  encode_manifest(manifest, encoded.fixed<manifest_bytes>());
  auto expected = golden();
  BOOST_TEST(std::ranges::equal(encoded.all(), expected.all()));
  BOOST_TEST((decode(expected) == Decoded<Manifest>(manifest)));
}

BOOST_AUTO_TEST_CASE(a_manifest_of_version_1_1_says_no_salt) {
  auto older = golden(golden_head_1_1, golden_crc_1_1);
  auto expected = manifest;
  expected.last_salt = 0;
  expected.copied_from_segment_no = 0;
  BOOST_TEST((decode(older) == Decoded<Manifest>(expected)));
}

BOOST_AUTO_TEST_CASE(a_manifest_of_version_1_0_says_no_end) {
  auto older = golden(golden_head_1_0, golden_crc_1_0);
  auto expected = manifest;
  expected.end_seq = 0;
  expected.last_salt = 0;
  expected.copied_from_segment_no = 0;
  BOOST_TEST((decode(older) == Decoded<Manifest>(expected)));
}

BOOST_AUTO_TEST_CASE(encoding_overwrites_what_was_in_the_block) {
  ExactBytes encoded(manifest_bytes);
  std::ranges::fill(encoded.all(), std::byte{0xee});
  encode_manifest(manifest, encoded.fixed<manifest_bytes>());
  BOOST_TEST((decode(encoded) == Decoded<Manifest>(manifest)));
  BOOST_TEST((encoded.all()[2000] == std::byte{0}));
}

BOOST_AUTO_TEST_CASE(no_single_bit_flip_is_accepted) {
  auto bytes = golden();
  std::size_t accepted = 0;
  for (std::size_t bit = 0; bit < manifest_bytes * 8; ++bit) {
    auto const mask = std::byte{1} << (bit % 8);
    bytes.all()[bit / 8] ^= mask;
    if (decode(bytes) != Decoded<Manifest>(HeaderFault::invalid)) ++accepted;
    bytes.all()[bit / 8] ^= mask;
  }
  BOOST_TEST(accepted == 0u);
}

BOOST_AUTO_TEST_CASE(that_segments_may_be_packs_is_a_version_of_its_own) {
  auto expected = manifest;
  expected.has_packs = true;
  ExactBytes encoded(manifest_bytes);
  encode_manifest(expected, encoded.fixed<manifest_bytes>());
  BOOST_TEST((encoded.all()[8] == std::byte{2}));
  BOOST_TEST((decode(encoded) == Decoded<Manifest>(expected)));
}

BOOST_AUTO_TEST_CASE(a_newer_major_version_is_unsupported_and_a_newer_minor_one_is_read) {
  auto const with_version = [](std::size_t offset, std::byte version) {
    auto bytes = golden();
    bytes.all()[offset] = version;
    FieldWriter(bytes.all().last(4)).u32(crc32c(bytes.all().first(manifest_bytes - 4)));
    return decode(bytes);
  };
  BOOST_TEST((with_version(8, std::byte{3}) == Decoded<Manifest>(HeaderFault::unsupported)));
  BOOST_TEST((with_version(10, std::byte{5}) == Decoded<Manifest>(manifest)));
}

BOOST_AUTO_TEST_SUITE_END()
