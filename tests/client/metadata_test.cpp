#include "stele/metadata.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <limits>
#include <string>

#include "protocol/request.hpp"
#include "stele/log_entry.hpp"
#include "stele/utf8.hpp"

using stele::Metadata;

BOOST_AUTO_TEST_SUITE(metadata_test)

BOOST_AUTO_TEST_CASE(no_members_are_an_empty_object) { BOOST_TEST(Metadata{}.text() == "{}"); }

BOOST_AUTO_TEST_CASE(members_keep_their_order_and_their_kind) {
  Metadata inner;
  inner.add("x", std::string("y"));
  Metadata metadata;
  metadata.add("text", "a \"b\"\n").add("yes", true).add("n", -7).add("u", UINT64_MAX);
  metadata.add("d", 0.91).add("whole", 3.0).add("o", inner).add("e", Metadata{});
  BOOST_TEST(metadata.text() == R"({"text":"a \"b\"\n","yes":true,"n":-7,"u":18446744073709551615,)"
                                R"("d":0.91,"whole":3,"o":{"x":"y"},"e":{}})");
  BOOST_TEST(stele::protocol::validate_entry({.metadata = metadata.text()}).has_value());
}

BOOST_AUTO_TEST_CASE(what_json_cannot_say_is_said_in_another_way) {
  using Limits = std::numeric_limits<double>;
  Metadata metadata;
  metadata.add("nan", Limits::quiet_NaN()).add("inf", -Limits::infinity()).add("\xff", "\xc0");
  metadata.add("max", Limits::max());
  BOOST_TEST(metadata.text() ==
             "{\"nan\":null,\"inf\":null,\"\xef\xbf\xbd\":\"\xef\xbf\xbd\","
             "\"max\":1.7976931348623157e+308}");
  BOOST_TEST(stele::protocol::validate_entry({.metadata = metadata.text()}).has_value());
}

BOOST_AUTO_TEST_CASE(an_object_can_be_added_to_itself) {
  Metadata metadata;
  metadata.add("a", 1).add("b", metadata);
  BOOST_TEST(metadata.text() == R"({"a":1,"b":{"a":1}})");
}

BOOST_AUTO_TEST_CASE(each_byte_that_is_not_utf8_is_replaced_and_counted) {
  std::string text = "a";
  BOOST_TEST(stele::append_as_utf8(text, "\xe6\x9c\xa8 \xe6\x9c \xff") == 3U);
  BOOST_TEST(text == "a\xe6\x9c\xa8 \xef\xbf\xbd\xef\xbf\xbd \xef\xbf\xbd");
}

BOOST_AUTO_TEST_SUITE_END()
