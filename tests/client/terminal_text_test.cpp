#include "client-lib/cli/terminal/terminal_text.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>

namespace {

std::string visible(std::string_view text) {
  std::string out;
  stele::cli::append_visible(out, text);
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(terminal_text_test)

BOOST_AUTO_TEST_CASE(ordinary_text_stays_as_it_is) {
  for (auto const* text : {"", "plain \\ \"text\"", "gr\xc3\xbc\xc3\x9f",
                           "\xe6\x97\xa5\xe6\x9c\xac", "\xf0\x9f\x98\x80", "\xef\xbf\xbd"}) {
    BOOST_TEST(visible(text) == text);
  }
}

BOOST_AUTO_TEST_CASE(what_a_terminal_would_act_on_is_spelled_out) {
  struct Case {
    std::string text;
    std::string shown;
  };
  for (auto const& [text, shown] : {
           Case{"a\nb\r\tc", "a\\nb\\r\\tc"}, Case{"\x1b[31mred", "\\u001b[31mred"},
           Case{std::string("\0", 1), "\\u0000"}, Case{"\x07\x08\x7f", "\\u0007\\u0008\\u007f"},
           Case{"\xc2\x9b"
                "31m",
                "\\u009b31m"},                              // C1: CSI in one character
           Case{"\xe2\x80\xae\xd8\x9c", "\\u202e\\u061c"},  // direction
           Case{"\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029"},
           Case{"a\xe2\x80\x8b"
                "b\xef\xbb\xbf",
                "a\\u200bb\\ufeff"},                            // no width
           Case{"\xe2\x81\xa6\xe2\x81\xa9", "\\u2066\\u2069"},  // isolates
       }) {
    BOOST_TEST(visible(text) == shown);
  }
}

BOOST_AUTO_TEST_CASE(the_neighbours_of_unsafe_characters_stay) {
  for (auto const* text : {" ", "~", "\xc2\xa0", "\xe2\x80\x90", "\xe2\x80\xaf", "\xe2\x81\x9f"}) {
    BOOST_TEST(visible(text) == text);
  }
}

BOOST_AUTO_TEST_CASE(bytes_that_are_not_utf8_do_not_reach_the_terminal) {
  BOOST_TEST(visible("a\xff\xe2\x82z") == "a\\u00ff\\u00e2\\u0082z");
}

BOOST_AUTO_TEST_SUITE_END()
