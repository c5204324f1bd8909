#include "client-lib/cli/level_names.hpp"

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
       }) {
    BOOST_TEST_CONTEXT(name) {
      BOOST_REQUIRE(parse_level_name(name).has_value());
      BOOST_TEST((*parse_level_name(name) == level));
    }
  }
}

BOOST_AUTO_TEST_CASE(other_words_are_not) {
  for (auto const* name : {"", "INFO", "warnin", "4", "panic"}) {
    BOOST_TEST(!parse_level_name(name).has_value());
  }
}

BOOST_AUTO_TEST_SUITE_END()
