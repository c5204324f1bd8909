// CRC-32C against the vectors of RFC 3720, section B.4, and against Boost's bit-by-bit definition.
#include "wal/format/crc32c.hpp"

#include <boost/crc.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <random>
#include <string_view>
#include <vector>

#include "support/hex_dump.hpp"
#include "wal/format/aligned_buffer.hpp"

using stele::test::from_hex;
using stele::wal::AlignedBuffer;
using stele::wal::crc32c;

namespace {

using BoostCrc32c = boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true>;

constexpr std::size_t length_max = 8192;
constexpr std::size_t alignments = 16;

/// Of the first n random bytes, for every n up to length_max.
struct Oracle {
  Oracle() {
    std::mt19937 engine(1);
    BoostCrc32c crc;
    for (std::size_t n = 0; n < length_max; ++n) {
      expected.push_back(crc.checksum());
      auto const byte = static_cast<std::uint8_t>(engine());
      bytes.push_back(std::byte{byte});
      crc.process_byte(byte);
    }
    expected.push_back(crc.checksum());
  }
  std::vector<std::byte> bytes{};
  std::vector<std::uint32_t> expected{};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(crc32c_test)

BOOST_AUTO_TEST_CASE(check_value_is_that_of_the_catalogue) {
  constexpr std::string_view digits = "123456789";
  BOOST_TEST(crc32c(std::as_bytes(std::span(digits))) == 0xE3069283u);
}

BOOST_AUTO_TEST_CASE(vectors_of_rfc_3720) {
  std::vector<std::byte> ascending;
  std::vector<std::byte> descending;
  for (int i = 0; i < 32; ++i) {
    ascending.push_back(static_cast<std::byte>(i));
    descending.push_back(static_cast<std::byte>(31 - i));
  }
  BOOST_TEST(crc32c(std::vector(32, std::byte{0x00})) == 0x8A9136AAu);
  BOOST_TEST(crc32c(std::vector(32, std::byte{0xff})) == 0x62A8AB43u);
  BOOST_TEST(crc32c(ascending) == 0x46DD794Eu);
  BOOST_TEST(crc32c(descending) == 0x113FDB5Cu);
  BOOST_TEST(crc32c(from_hex("01 c0 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
                             "14 00 00 00 00 00 04 00 00 00 00 14 00 00 00 18"
                             "28 00 00 00 00 00 00 00 02 00 00 00 00 00 00 00")) == 0xD9963A56u);
}

BOOST_AUTO_TEST_CASE(nothing_has_the_checksum_zero) { BOOST_TEST(crc32c({}) == 0u); }

BOOST_AUTO_TEST_CASE(every_length_at_every_alignment_agrees_with_boost) {
  Oracle const oracle;
  AlignedBuffer memory(length_max + alignments);
  for (std::size_t shift = 0; shift < alignments; ++shift) {
    std::ranges::copy(oracle.bytes, memory.data() + shift);
    std::size_t wrong = 0;
    for (std::size_t n = 0; n <= length_max; ++n) {
      if (crc32c({memory.data() + shift, n}) != oracle.expected[n]) ++wrong;
    }
    BOOST_TEST(wrong == 0u, "alignment " << shift);
  }
}

BOOST_AUTO_TEST_CASE(a_checksum_goes_on_where_another_ended) {
  Oracle const oracle;
  std::span const all(oracle.bytes);
  for (std::size_t split = 0; split <= 300; ++split) {
    auto const before = crc32c(all.first(split));
    BOOST_TEST(crc32c(all.subspan(split, 300 - split), before) == oracle.expected[300]);
  }
}

BOOST_AUTO_TEST_SUITE_END()
