#include "protocol/text/json_text.hpp"

#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>

#include "protocol/exact_buffer.hpp"

namespace {

using namespace stele::protocol;
using stele::test::ExactBuffer;

std::string as_json(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(json_text_test)

BOOST_AUTO_TEST_CASE(only_quote_backslash_and_control_bytes_are_escaped) {
  BOOST_TEST(as_json("") == R"("")");
  BOOST_TEST(as_json("a/b é 😀 \x7f") == "\"a/b é 😀 \x7f\"");
  BOOST_TEST(as_json("\"\\") == R"("\"\\")");
  BOOST_TEST(as_json("\b\f\n\r\t") == R"("\b\f\n\r\t")");
  BOOST_TEST(as_json(std::string_view("\0\x01\x1f", 3)) == R"("\u0000\u0001\u001f")");
}

BOOST_AUTO_TEST_CASE(every_byte_below_128_comes_back_through_boost_json) {
  std::string all;
  for (char c = 0; c < 127; ++c) all += c;
  all += '\x7f';
  auto const parsed = boost::json::parse(as_json(all));
  BOOST_TEST(std::string_view(parsed.as_string()) == all);
}

BOOST_AUTO_TEST_CASE(numbers_are_written_in_full) {
  std::string out;
  append_json_number(out, UINT64_MAX);
  append_json_number(out, INT64_MIN);
  BOOST_TEST(out == "18446744073709551615-9223372036854775808");
}

BOOST_AUTO_TEST_CASE(utf8_is_judged_by_rfc_3629) {
  struct Row {
    std::string_view text;
    std::size_t valid_bytes;
  };
  static constexpr Row rows[] = {
      {"", 0},
      {"plain ascii, longer than eight bytes", 36},
      {"\xc2\x80", 2},
      {"\xdf\xbf", 2},
      {"\xe0\xa0\x80", 3},
      {"\xed\x9f\xbf", 3},
      {"\xee\x80\x80", 3},
      {"\xef\xbf\xbf", 3},
      {"\xf0\x90\x80\x80", 4},
      {"\xf4\x8f\xbf\xbf", 4},
      {"\x80", 0},              // a continuation alone
      {"\xc0\x80", 0},          // overlong U+0000
      {"\xc1\xbf", 0},          // overlong
      {"\xe0\x9f\xbf", 0},      // overlong
      {"\xf0\x8f\xbf\xbf", 0},  // overlong
      {"\xed\xa0\x80", 0},      // a surrogate
      {"\xed\xbf\xbf", 0},      // a surrogate
      {"\xf4\x90\x80\x80", 0},  // past U+10FFFF
      {"\xf5\x80\x80\x80", 0},  // past U+10FFFF
      {"\xff", 0},
      {"\xfe", 0},
      {"ab\xc3", 2},          // cut
      {"ab\xe2\x82", 2},      // cut
      {"ab\xf0\x9f\x98", 2},  // cut
      {"ab\xe2\x28\xa1", 2},
      {"ab\xf0\x9f\x28\x80", 2},
      {"12345678\xff", 8},  // after one step of eight
      {"12345678\xc3\xa9"
       "12345678\xff",
       18},
  };
  for (auto const& row : rows) {
    BOOST_TEST_CONTEXT("row " << &row - rows) {
      ExactBuffer const buffer(row.text);
      BOOST_TEST(utf8_valid_bytes(buffer.text()) == row.valid_bytes);
      BOOST_TEST(is_utf8(buffer.text()) == (row.valid_bytes == row.text.size()));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_byte_that_is_no_utf8_is_found_at_any_place_in_ascii) {
  for (std::size_t bytes = 1; bytes < 100; ++bytes) {
    for (std::size_t place = 0; place < bytes; ++place) {
      std::string text(bytes, 'a');
      text[place] = '\x80';
      BOOST_REQUIRE_EQUAL(utf8_valid_bytes(ExactBuffer(text).text()), place);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
