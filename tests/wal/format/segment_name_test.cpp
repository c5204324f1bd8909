#include "wal/format/segment_name.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdint>

using stele::wal::parse_segment_name;
using stele::wal::segment_name;

BOOST_AUTO_TEST_SUITE(segment_name_test)

BOOST_AUTO_TEST_CASE(names_are_sixteen_hex_digits) {
  BOOST_TEST(segment_name(0) == "wal-0000000000000000.seg");
  BOOST_TEST(segment_name(0x1f) == "wal-000000000000001f.seg");
  BOOST_TEST(segment_name(UINT64_MAX) == "wal-ffffffffffffffff.seg");
}

BOOST_AUTO_TEST_CASE(names_are_read_back) {
  for (std::uint64_t const number :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{0xabcdef}, UINT64_MAX}) {
    BOOST_TEST((parse_segment_name(segment_name(number)) == number));
  }
}

BOOST_AUTO_TEST_CASE(names_sort_as_numbers_do) {
  BOOST_TEST(segment_name(9) < segment_name(10));
  BOOST_TEST(segment_name(0xffff) < segment_name(0x10000));
}

BOOST_AUTO_TEST_CASE(other_names_are_no_segments) {
  for (auto const* name :
       {"", "MANIFEST", "wal-1.seg", "wal-000000000000001f.seg.tmp", "wal-000000000000001F.seg",
        "wal-000000000000001g.seg", "wal-000000000000001f.SEG", "wal_000000000000001f.seg",
        "wal-0000000000000001f.seg", "wal-00000000000001f.seg", "wal-+00000000000001f.seg",
        "wal- 00000000000001f.seg", "wal-000000000000001f.seg.damaged",
        "./wal-000000000000001f.seg", "../x/wal-0000000000.seg"}) {
    BOOST_TEST(!parse_segment_name(name), name);
  }
}

BOOST_AUTO_TEST_SUITE_END()
