#include "protocol/text/error_text.hpp"

#include <array>
#include <boost/test/unit_test.hpp>

#include "protocol/text/json_text.hpp"

namespace {

using namespace stele::protocol;

constexpr std::array<std::string_view, 3> names{"message", "level", "metadata"};

}  // namespace

BOOST_AUTO_TEST_SUITE(error_text_test)

BOOST_AUTO_TEST_CASE(excerpts_are_harmless_in_a_terminal) {
  BOOST_TEST(excerpt("") == R"("")");
  BOOST_TEST(excerpt("a\x1b[2Jb\n\x7f") == R"("a\x1b[2Jb\x0a\x7f")");
  BOOST_TEST(excerpt("\xff\xc3\xa9\xc3") == "\"\\xff\xc3\xa9\\xc3\"");
}

BOOST_AUTO_TEST_CASE(excerpts_are_cut_at_64_bytes_and_never_inside_a_character) {
  BOOST_TEST(excerpt(std::string(64, 'a')) == '"' + std::string(64, 'a') + '"');
  BOOST_TEST(excerpt(std::string(65, 'a')) == '"' + std::string(64, 'a') + "…\"");
  auto const wide = excerpt(std::string(63, 'a') + "\xf0\x9f\x98\x80 and more");
  BOOST_TEST(is_utf8(wide));
  BOOST_TEST(cut(std::string(63, 'a') + "\xc3\xa9").size() == 63u);
}

BOOST_AUTO_TEST_CASE(near_names_are_suggested_and_far_ones_are_not) {
  BOOST_TEST(did_you_mean("mesage", names) == R"(; did you mean "message"?)");
  BOOST_TEST(did_you_mean("lvl", names) == R"(; did you mean "level"?)");
  BOOST_TEST(did_you_mean("Level", names) == R"(; did you mean "level"?)");
  BOOST_TEST(did_you_mean("", names).empty());
  BOOST_TEST(did_you_mean("user", names).empty());
  BOOST_TEST(did_you_mean(std::string(1 << 20, 'm'), names).empty());
}

BOOST_AUTO_TEST_CASE(details_are_one_json_object) {
  BOOST_TEST(Detail().text() == "{}");
  BOOST_TEST(Detail().string("path", "a\"b").number("limit", 7).strings("names", names).text() ==
             R"({"path":"a\"b","limit":7,"names":["message","level","metadata"]})");
}

BOOST_AUTO_TEST_SUITE_END()
