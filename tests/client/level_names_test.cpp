#include "client-lib/cli/text/level_names.hpp"

#include <boost/test/unit_test.hpp>
#include <string_view>

using stele::Level;
using stele::cli::parse_level_name;

BOOST_AUTO_TEST_SUITE(level_names_test)

BOOST_AUTO_TEST_CASE(own_names_and_syslogs_names_are_levels) {
  struct Case {
    std::string_view name;
    Level level;
  };
  for (auto const& [name, level] : {
           Case{"trace", Level::trace},
           Case{"debug", Level::debug},
           Case{"info", Level::info},
           Case{"warn", Level::warn},
           Case{"error", Level::error},
           Case{"fatal", Level::fatal},
           Case{"notice", Level::info},
           Case{"warning", Level::warn},
           Case{"err", Level::error},
           Case{"crit", Level::fatal},
           Case{"critical", Level::fatal},
           Case{"alert", Level::fatal},
           Case{"emerg", Level::fatal},
           Case{"WARNING", Level::warn},
           Case{"3", Level::error},
           Case{"0", Level::fatal},
           Case{"7", Level::debug},
       }) {
    BOOST_TEST_CONTEXT(name) {
      BOOST_REQUIRE(parse_level_name(name).has_value());
      BOOST_TEST((*parse_level_name(name) == level));
    }
  }
}

BOOST_AUTO_TEST_CASE(other_words_are_not) {
  for (auto const* name : {"", "warnin", "8", "10", "i", "#", "unknown"}) {
    BOOST_TEST(!parse_level_name(name).has_value());
  }
}

BOOST_AUTO_TEST_CASE(the_level_of_a_log_is_the_nearest_and_says_whether_that_is_all) {
  struct Case {
    std::string_view text;
    Level level;
    bool is_exact;
  };
  for (auto const& [text, level, is_exact] : {
           Case{"Error", Level::error, true},      Case{" WARN ", Level::warn, true},
           Case{"Information", Level::info, true}, Case{"I", Level::info, true},
           Case{"panic", Level::fatal, false},     Case{"DPANIC", Level::error, false},
           Case{"Verbose", Level::trace, false},   Case{"SEVERE", Level::error, false},
           Case{"FINEST", Level::trace, false},    Case{"CONFIG", Level::debug, false},
           Case{"notice", Level::info, false},     Case{"DEFAULT", Level::info, false},
           Case{"emerg", Level::fatal, false},     Case{"#", Level::warn, false},
           Case{"3", Level::error, true},          Case{"5", Level::info, false},
           Case{"2", Level::fatal, false},         Case{"50", Level::error, true},
           Case{"35", Level::info, false},         Case{"60", Level::fatal, true},
           Case{"250", Level::info, false},        Case{"300", Level::warn, true},
           Case{"550", Level::fatal, false},       Case{"30000", Level::warn, true},
           Case{"INFO+2", Level::info, false},     Case{"DEBUG-4", Level::trace, false},
           Case{"ERROR+4", Level::fatal, false},   Case{"WARN-1", Level::info, false},
           Case{"DEBUG+1", Level::debug, false},
       }) {
    BOOST_TEST_CONTEXT(text) {
      auto const read = stele::cli::read_level(text);
      BOOST_REQUIRE(read.has_value());
      BOOST_TEST((read->level == level));
      BOOST_TEST(read->is_exact == is_exact);
    }
  }
  for (auto const* text : {"", "loud", "9", "70", "-1", "+", "INFO+", "loud+1"}) {
    BOOST_TEST(!stele::cli::read_level(text).has_value(), text);
  }
}

BOOST_AUTO_TEST_SUITE_END()
