// Invariant checked: find_text() finds the first place, as a comparison at each place does.
#include "protocol/text/find_text.hpp"

#include <boost/test/unit_test.hpp>
#include <random>
#include <string>
#include <string_view>

using stele::protocol::find_text;

BOOST_AUTO_TEST_SUITE(find_text_test)

BOOST_AUTO_TEST_CASE(it_finds_what_a_comparison_at_each_place_finds) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 100'000; ++i) {
    // Few letters, so that beginnings and ends of what is wanted are everywhere.
    auto const letters = 1 + random() % 3;
    std::string text(random() % 100, 'a');
    for (auto& letter : text) letter = static_cast<char>('a' + random() % letters);
    std::string wanted(random() % 8, 'a');
    for (auto& letter : wanted) letter = static_cast<char>('a' + random() % letters);
    if (random() % 4 == 0 && text.size() > 8) wanted = text.substr(random() % 8, random() % 90);
    BOOST_TEST(find_text(text, wanted) == std::string_view(text).find(wanted));
  }
}

BOOST_AUTO_TEST_CASE(it_finds_it_at_any_place_and_of_any_length) {
  for (std::size_t size = 1; size < 40; ++size) {
    std::string const wanted = 'b' + std::string(size - 1, 'c');
    for (std::size_t place = 0; place < 70; ++place) {
      for (std::size_t behind = 0; behind < 40; ++behind) {
        auto const text = std::string(place, 'a') + wanted + std::string(behind, 'a');
        BOOST_TEST(find_text(text, wanted) == place);
        BOOST_TEST(find_text(std::string_view(text).substr(1), wanted) ==
                   (place == 0 ? std::string_view::npos : place - 1));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_text_that_deceives_everywhere_is_searched_to_its_end) {
  std::string text(1'000'000, 'a');
  std::string wanted(10'000, 'a');
  wanted[5'000] = 'b';
  BOOST_TEST(find_text(text, wanted) == std::string_view::npos);
  text += wanted;
  BOOST_TEST(find_text(text, wanted) == 1'000'000U);
}

BOOST_AUTO_TEST_SUITE_END()
