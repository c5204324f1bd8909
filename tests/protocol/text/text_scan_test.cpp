// Invariants checked: at any place in a text of any length, the wide functions agree with a loop
// over its bytes, and read nothing outside of it.
#include "protocol/text/text_scan.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <random>
#include <string>

#include "protocol/exact_buffer.hpp"

namespace {

using namespace stele::protocol;
using stele::test::ExactBuffer;

/// `bytes`: those that are drawn.
template <class Wanted>
void check(std::string_view bytes) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (auto length = random() % 60; length > 0; --length) {
      // Plain for long enough that the wide steps are taken.
      text += random() % 16 == 0 ? bytes[random() % bytes.size()] : 'a';
    }
    ExactBuffer const buffer(text);
    auto const view = buffer.text();
    auto const* const end = view.data() + view.size();
    auto const* const expected = std::find_if(view.data(), end, &Wanted::holds);
    BOOST_REQUIRE_EQUAL(find_byte<Wanted>(view.data(), end) - view.data(), expected - view.data());
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(text_scan_test)

// With neighbours of the bytes that are looked for, and bytes with the high bit.
BOOST_AUTO_TEST_CASE(the_first_quote_or_backslash_is_found) {
  check<QuoteOrBackslash>("\"\\!#[]\x01\xa2\xdc\xff");
}

BOOST_AUTO_TEST_CASE(the_first_byte_that_is_to_be_escaped_is_found) {
  using namespace std::string_view_literals;
  check<Escaped>("\"\\!#[] ~\x7f"sv);
  check<Escaped>("\0\x01\x1f \x7f\x80\x9f\xa0\xff"sv);
}

BOOST_AUTO_TEST_CASE(the_first_byte_that_a_plain_string_does_not_hold_is_found) {
  using namespace std::string_view_literals;
  check<NotPlain>("\"\\!#[] ~\x7f"sv);
  check<NotPlain>("\0\x01\x1f \x7f\x80\x9f\xa0\xff"sv);
}

BOOST_AUTO_TEST_CASE(quotes_backslashes_control_characters_and_other_than_ascii_are_not_plain) {
  for (int byte = 0; byte < 256; ++byte) {
    bool const is_plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
    BOOST_TEST(NotPlain::holds(static_cast<char>(byte)) == !is_plain, byte);
  }
}

BOOST_AUTO_TEST_SUITE_END()
