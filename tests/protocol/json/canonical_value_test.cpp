#include "protocol/json/canonical_value.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>

#include "protocol/exact_buffer.hpp"

namespace {

using stele::protocol::is_same_value;
using stele::protocol::MemberReader;
using stele::protocol::string_bytes;
using stele::test::ExactBuffer;

std::string members_of(std::string_view object) {
  ExactBuffer const buffer(object);
  MemberReader reader(buffer.text());
  std::string all;
  while (auto const member = reader.next()) {
    all.append(member->name).append(" = ").append(member->value).append("; ");
  }
  return all;
}

bool same(std::string_view a, std::string_view b) {
  ExactBuffer const left(a);
  ExactBuffer const right(b);
  bool const result = is_same_value(left.text(), right.text());
  BOOST_TEST(is_same_value(right.text(), left.text()) == result);
  return result;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(canonical_value_test)

BOOST_AUTO_TEST_CASE(a_string_ends_at_the_quote_that_is_not_escaped) {
  BOOST_TEST(string_bytes(R"("")") == 2U);
  BOOST_TEST(string_bytes(R"("a","b")") == 3U);
  BOOST_TEST(string_bytes(R"("a\"b")") == 6U);
  BOOST_TEST(string_bytes(R"("a\\"b")") == 5U);
  BOOST_TEST(string_bytes(R"("\\\"\\",)") == 8U);
  BOOST_TEST(string_bytes(R"("a)") == std::string_view::npos);
  BOOST_TEST(string_bytes(R"("a\")") == std::string_view::npos);
}

BOOST_AUTO_TEST_CASE(members_come_in_order_with_their_values_whole) {
  BOOST_TEST(members_of("{}") == "");
  BOOST_TEST(members_of(R"({"a":1})") == R"("a" = 1; )");
  BOOST_TEST(members_of(R"({"a":"x,}","b":[1,{"a":"]"}],"c":{"d":{}},"":null,"e":-1.5e+3})") ==
             R"("a" = "x,}"; "b" = [1,{"a":"]"}]; "c" = {"d":{}}; "" = null; "e" = -1.5e+3; )");
}

BOOST_AUTO_TEST_CASE(members_of_a_text_that_is_no_object_end) {
  for (auto const* text : {"", "{", "}", "[1]", "{\"a", "{\"a\"", "{\"a\":", "{1:2}", "{\"a\":}",
                           "{\"a\":]]", "{\"a\":\"", "{\"a\":[", "{,}"}) {
    BOOST_TEST_CONTEXT(text) { BOOST_TEST(members_of(text).size() < 20U); }
  }
}

BOOST_AUTO_TEST_CASE(numbers_are_equal_by_value_whatever_their_spelling_and_length) {
  BOOST_TEST(same("1", "1.0"));
  BOOST_TEST(same("1", "10e-1"));
  BOOST_TEST(same("1", "0.001E+3"));
  BOOST_TEST(same("1500", "1.5e3"));
  BOOST_TEST(same("0", "-0"));
  BOOST_TEST(same("0", "0.000e99"));
  BOOST_TEST(same("0.910", "0.91"));
  BOOST_TEST(same("-2.50", "-25e-1"));
  BOOST_TEST(same("123456789012345678901234567890", "1.2345678901234567890123456789e29"));
  BOOST_TEST(same("1e-999999999999999999999", "1e-999999999999999999999"));
  BOOST_TEST(!same("1", "-1"));
  BOOST_TEST(!same("1", "10"));
  BOOST_TEST(!same("1", "0.1"));
  BOOST_TEST(!same("123456789012345678901234567890", "123456789012345678901234567891"));
  BOOST_TEST(!same("9007199254740993", "9007199254740992"));
  BOOST_TEST(!same("0.1", "0.1000000000000000000001"));
  BOOST_TEST(!same("1", "\"1\""));
  BOOST_TEST(!same("0", "false"));
  BOOST_TEST(!same("0", "null"));
}

BOOST_AUTO_TEST_CASE(texts_are_equal_by_their_characters) {
  BOOST_TEST(same(R"("a\nb")", R"("a\nb")"));
  BOOST_TEST(!same(R"("a")", R"("ab")"));
  BOOST_TEST(!same(R"("ab")", R"("a")"));
  BOOST_TEST(!same(R"("1")", R"("1.0")"));
  BOOST_TEST(same("true", "true"));
  BOOST_TEST(!same("true", "false"));
  BOOST_TEST(!same("null", "\"null\""));
}

BOOST_AUTO_TEST_CASE(arrays_and_objects_are_equal_by_their_parts_in_order) {
  BOOST_TEST(same(R"([1,"1",{"a":[2.0]}])", R"([1.0,"1",{"a":[2]}])"));
  BOOST_TEST(!same("[1,2]", "[2,1]"));
  BOOST_TEST(!same("[1]", "[1,1]"));
  BOOST_TEST(!same("[11]", "[1,1]"));
  BOOST_TEST(!same("[]", "{}"));
  BOOST_TEST(!same(R"({"a":1,"b":2})", R"({"b":2,"a":1})"));
}

BOOST_AUTO_TEST_SUITE_END()
