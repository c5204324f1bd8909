#include "protocol/frame/frame.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>

namespace {

using namespace stele::protocol;

}  // namespace

BOOST_AUTO_TEST_SUITE(frame_test)

BOOST_AUTO_TEST_CASE(headers_are_big_endian_both_ways) {
  struct Row {
    std::uint32_t length;
    std::array<unsigned char, 4> header;
  };
  static constexpr Row rows[] = {
      {1, {0, 0, 0, 1}},
      {0x01020304, {1, 2, 3, 4}},
      {frame_bytes_ceiling, {4, 0, 0, 0}},
      {0xFFFFFFFF, {0xFF, 0xFF, 0xFF, 0xFF}},
  };
  for (auto const& row : rows) {
    BOOST_TEST_CONTEXT("length " << row.length) {
      BOOST_TEST(encode_frame_header(row.length) == row.header, boost::test_tools::per_element());
      BOOST_TEST(decode_frame_header(row.header) == row.length);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_binary_frame_gets_its_length_when_it_is_finished) {
  std::string out = "before";
  FrameBuilder frame(out, FrameForm::binary);
  out += "{}";
  frame.finish();
  BOOST_TEST(out == std::string("before\0\0\0\x02{}", 12));
}

BOOST_AUTO_TEST_CASE(external_bytes_count_in_the_length) {
  std::string out;
  FrameBuilder frame(out, FrameForm::binary);
  out += "[]";
  frame.add_external_bytes(0x0100);
  frame.add_external_bytes(1);
  frame.finish();
  BOOST_TEST(out == std::string("\0\0\x01\x03[]", 6));
}

BOOST_AUTO_TEST_CASE(a_line_ends_with_a_line_feed_and_has_no_length) {
  std::string out;
  FrameBuilder frame(out, FrameForm::line);
  out += "{}";
  frame.finish();
  BOOST_TEST(out == "{}\n");
}

BOOST_AUTO_TEST_SUITE_END()
