#include "protocol/writer_id.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

using stele::protocol::parse_writer_id;
using stele::protocol::to_text;

BOOST_AUTO_TEST_SUITE(writer_id_test)

BOOST_AUTO_TEST_CASE(thirty_two_digits_come_back_in_small_letters) {
  auto const id = parse_writer_id("00112233445566778899AAbbCCddEEff");
  BOOST_REQUIRE(id.has_value());
  BOOST_TEST(to_text(*id) == "00112233445566778899aabbccddeeff");
  BOOST_TEST(parse_writer_id(std::string(32, '1')).has_value());
}

BOOST_AUTO_TEST_CASE(anything_else_is_no_writer) {
  for (auto const* text :
       {"", "0", "00112233445566778899aabbccddeef", "00112233445566778899aabbccddeeff0",
        "00112233-4455-6677-8899-aabbccddeeff", "0x112233445566778899aabbccddeeff",
        "00112233445566778899aabbccddee g", "+0112233445566778899aabbccddeeff",
        "00000000000000000000000000000000"}) {
    BOOST_TEST_CONTEXT(text) { BOOST_TEST(!parse_writer_id(text).has_value()); }
  }
}

BOOST_AUTO_TEST_SUITE_END()
