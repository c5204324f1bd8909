#include "client-lib/cli/text/text_pattern.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

using stele::cli::PatternLimitError;
using stele::cli::TextPattern;

BOOST_AUTO_TEST_SUITE(text_pattern_test)

BOOST_AUTO_TEST_CASE(a_search_that_needs_much_memory_has_an_answer) {
  TextPattern const pattern(R"(^(.|x)*mark\.$)");
  for (std::size_t const size : {100U, 1'300U, 100'000U, 1'000'000U}) {
    BOOST_TEST(pattern.matches(std::string(size, 'x') + " mark."), size);
  }
}

// PCRE2 cannot see that no `y` is there: the class keeps it from looking.
BOOST_AUTO_TEST_CASE(a_search_that_gives_up_is_an_error_and_never_no) {
  TextPattern const pattern(R"(^(x+x+)+[yz]$)");
  BOOST_TEST(!pattern.matches(std::string(10, 'x')));
  BOOST_TEST(pattern.matches(std::string(10, 'x') + "y"));
  BOOST_CHECK_THROW((void)pattern.matches(std::string(60, 'x')), PatternLimitError);
}

BOOST_AUTO_TEST_CASE(case_matters_where_a_capital_stands_for_itself) {
  struct Case {
    char const* pattern;
    bool matches;
  };
  for (auto const& [pattern, matches] :
       {Case{"serror", true}, Case{R"(\sSerror)", true}, Case{R"(\Serror)", true},
        Case{"a SERROR", false}, Case{R"(\p{Lu}serror)", false}, Case{R"(\p{L} serror)", true},
        Case{R"((?<Name>s)error)", true}, Case{R"((?<=A )serror)", false},
        Case{R"(\QA\E serror)", false}, Case{R"(a serror$)", true}}) {
    BOOST_TEST(TextPattern(pattern).matches("A Serror") == matches, pattern);
  }
}

BOOST_AUTO_TEST_CASE(the_end_of_a_line_is_before_its_carriage_return_too) {
  BOOST_TEST(TextPattern("end$").matches("the end\r"));
  BOOST_TEST(TextPattern("\r$").matches("the end\r"));
  BOOST_TEST(TextPattern("a.b").matches("a\rb"));
  BOOST_TEST(!TextPattern("end$").matches("the end\rx"));
}

BOOST_AUTO_TEST_SUITE_END()
