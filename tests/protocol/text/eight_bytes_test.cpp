// Invariants checked: numbers made of eight bytes at once are what a loop over the bytes makes.
#include "protocol/text/eight_bytes.hpp"

#include <boost/test/unit_test.hpp>
#include <random>
#include <string>

namespace {

using namespace stele::protocol;

}  // namespace

BOOST_AUTO_TEST_SUITE(eight_bytes_test)

BOOST_AUTO_TEST_CASE(the_first_byte_that_is_no_digit_is_marked) {
  for (int byte = 0; byte < 256; ++byte) {
    for (std::size_t place = 0; place < 8; ++place) {
      std::string text = "01234567";
      text[place] = static_cast<char>(byte);
      auto const marks = mark_non_digits(load_eight(text.data()));
      bool const is_digit = byte >= '0' && byte <= '9';
      BOOST_REQUIRE_EQUAL(marks == 0, is_digit);
      if (!is_digit) BOOST_REQUIRE_EQUAL(bytes_before_mark(marks), place);
    }
  }
}

BOOST_AUTO_TEST_CASE(eight_digits_are_their_number) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 10'000; ++round) {
    auto const number = random() % 100'000'000;
    auto const text = std::to_string(100'000'000 + number).substr(1);
    BOOST_REQUIRE_EQUAL(eight_digits(load_eight(text.data())), number);
  }
}

BOOST_AUTO_TEST_SUITE_END()
