#include "stele/metadata.hpp"

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "protocol/request/request.hpp"
#include "stele/log_entry.hpp"
#include "stele/client.hpp"
#include "stele/utf8.hpp"

using namespace std::chrono_literals;
using stele::Metadata;
using stele::MetadataReader;

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

BOOST_AUTO_TEST_CASE(values_are_what_they_look_like_and_pointers_do_not_compile) {
  char const* const none = nullptr;
  Metadata metadata;
  metadata.add("null", none).add("also", nullptr).add("letter", 'x').add("float", 0.1F);
  metadata.add("byte", std::uint8_t{7}).add("small", std::int8_t{-7});
  BOOST_TEST(metadata.text() ==
             R"({"null":null,"also":null,"letter":"x","float":0.1,"byte":7,"small":-7})");
}

BOOST_AUTO_TEST_CASE(ranges_are_arrays) {
  std::vector<bool> const flags{true, false};
  std::vector<std::vector<int>> const nested{{1, 2}, {}};
  Metadata metadata;
  metadata.add("texts", {"a", "b\n"}).add("flags", flags).add("nested", nested);
  metadata.add("objects", std::vector{Metadata{}.add("x", 1), Metadata{}});
  metadata.add("none", std::vector<double>{});
  BOOST_TEST(metadata.text() == R"({"texts":["a","b\n"],"flags":[true,false],"nested":[[1,2],[]],)"
                                R"("objects":[{"x":1},{}],"none":[]})");
  BOOST_TEST(stele::protocol::validate_entry({.metadata = metadata.text()}).has_value());
}

BOOST_AUTO_TEST_CASE(a_reader_finds_members_of_the_kind_that_is_asked_for_and_no_others) {
  auto const read = MetadataReader::parse(
      R"({"t":"x","i":-3,"u":18446744073709551615,"d":0.5,"b":true,"n":null,"o":{"k":1},"a":[5,"y"]})");
  BOOST_REQUIRE(read.has_value());
  BOOST_TEST(read->names().size() == 8U);
  BOOST_TEST(read->text("t").value() == "x");
  BOOST_TEST(!read->text("i").has_value());
  BOOST_TEST(read->integer("i").value() == -3);
  BOOST_TEST(!read->integer("u").has_value());
  BOOST_TEST(read->unsigned_integer("u").value() == UINT64_MAX);
  BOOST_TEST(!read->unsigned_integer("i").has_value());
  BOOST_TEST(read->number("d").value() == 0.5);
  BOOST_TEST(read->number("i").value() == -3.0);
  BOOST_TEST(!read->number("t").has_value());
  BOOST_TEST(read->boolean("b").value());
  BOOST_TEST(!read->boolean("i").has_value());
  BOOST_TEST(read->has("n"));
  BOOST_TEST(!read->has("m"));
  BOOST_TEST(read->object("o")->integer("k").value() == 1);
  BOOST_TEST(!read->object("a").has_value());
  BOOST_TEST(read->array("a")->integer("0").value() == 5);
  BOOST_TEST(read->array("a")->text("1").value() == "y");
  BOOST_TEST(!read->array("o").has_value());
}

BOOST_AUTO_TEST_CASE(what_is_no_object_is_not_read) {
  for (auto const* text : {"", "[]", "{", "1", "{}x"}) {
    auto const read = MetadataReader::parse(text);
    BOOST_TEST((!read && read.error().code == stele::Error::invalid_entry));
  }
}

BOOST_AUTO_TEST_CASE(moments_become_timestamps_and_back_and_none_overflows) {
  using namespace std::chrono;
  auto const moment = sys_days{year{2023} / 11 / 14} + 22h + 13min + 20s;
  BOOST_TEST(stele::to_timestamp(moment) == 1'700'000'000'000'000U);
  BOOST_TEST((stele::to_sys_time(1'700'000'000'000'000U) == moment));
  BOOST_TEST(stele::to_timestamp(sys_days{year{1969} / 12 / 31}) == 0U);
  BOOST_TEST(stele::to_timestamp(system_clock::time_point{} - 1h) == 0U);
  BOOST_TEST(stele::to_timestamp(sys_time<hours>::max()) == INT64_MAX);
  BOOST_TEST((stele::to_sys_time(UINT64_MAX) == sys_time<microseconds>::max()));
}

BOOST_AUTO_TEST_CASE(each_byte_that_is_not_utf8_is_replaced_and_counted) {
  std::string text = "a";
  BOOST_TEST(stele::append_as_utf8(text, "\xe6\x9c\xa8 \xe6\x9c \xff") == 3U);
  BOOST_TEST(text == "a\xe6\x9c\xa8 \xef\xbf\xbd\xef\xbf\xbd \xef\xbf\xbd");
}

BOOST_AUTO_TEST_SUITE_END()
