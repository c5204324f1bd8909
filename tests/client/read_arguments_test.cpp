#include "client-lib/cli/read/read_arguments.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <utility>
#include <vector>

#include "client-lib/cli/output/entry_text.hpp"

using stele::Level;
using stele::cli::EntryForm;
using stele::cli::GivenOptions;
using stele::cli::read_arguments;
using stele::cli::ReadArguments;
using stele::cli::UsageError;

namespace {

ReadArguments asked(std::vector<std::pair<std::string, std::string>> const& options,
                    bool tail = false) {
  GivenOptions given;
  for (auto const& [key, value] : options) given.add(key, value);
  return read_arguments(given, tail);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(read_arguments_test)

BOOST_AUTO_TEST_CASE(lines_are_ten_where_no_number_is_given_and_a_plus_means_the_first) {
  BOOST_TEST(!asked({}).newest.has_value());
  BOOST_TEST(*asked({{"--lines", ""}}).newest == 10U);
  BOOST_TEST(*asked({{"--lines", "0"}}).newest == 0U);
  BOOST_TEST(*asked({{"--lines", "+3"}}).first == 3U);
  BOOST_TEST(!asked({{"--lines", "+3"}}).newest.has_value());
  BOOST_TEST(!asked({{"--lines", "all"}}).newest.has_value());
  BOOST_CHECK_THROW(asked({{"--lines", "ten"}}), UsageError);
  BOOST_CHECK_THROW(asked({{"--lines", "-3"}}), UsageError);
}

BOOST_AUTO_TEST_CASE(a_follow_starts_with_ten_lines_unless_told_where) {
  BOOST_TEST(*asked({}, true).newest == 10U);
  BOOST_TEST(*asked({{"--follow", "true"}}).newest == 10U);
  BOOST_TEST(!asked({{"--no-tail", "true"}}, true).newest.has_value());
  BOOST_TEST(!asked({{"--since", "today"}}, true).newest.has_value());
  BOOST_TEST(!asked({{"--after-seq", "0"}}, true).newest.has_value());
  BOOST_CHECK_THROW(asked({{"--reverse", "true"}}, true), UsageError);
  BOOST_CHECK_THROW(asked({{"--lines", "+3"}}, true), UsageError);
}

BOOST_AUTO_TEST_CASE(what_the_daemon_cannot_judge_is_judged_here) {
  BOOST_TEST(!asked({{"--level", "warn"}}).selection.is_judged_here());
  auto const upper = asked({{"--level", "warn..error"}});
  BOOST_TEST(upper.selection.is_judged_here());
  BOOST_TEST(upper.selection.wants({.level = Level::error}));
  BOOST_TEST(!upper.selection.wants({.level = Level::fatal}));
  auto const pattern = asked({{"--grep", "sd[ab]"}});
  BOOST_TEST(pattern.selection.is_judged_here());
  BOOST_TEST(pattern.selection.wants({.message = "disk SDB is full"}));
  BOOST_TEST(!pattern.selection.wants({.message = "disk sdc is full"}));
}

BOOST_AUTO_TEST_CASE(a_pattern_with_a_capital_minds_case_and_a_bad_one_is_a_usage_error) {
  BOOST_TEST(asked({{"--grep", "Disk"}}).selection.wants({.message = "Disk"}));
  BOOST_TEST(!asked({{"--grep", "Disk"}}).selection.wants({.message = "disk"}));
  BOOST_TEST(asked({{"--grep", "^\xc3\xbc.$"}}).selection.wants({.message = "\xc3\x9c\xc3\xa4"}));
  BOOST_CHECK_THROW(asked({{"--grep", "disk ("}}), UsageError);
}

BOOST_AUTO_TEST_CASE(a_pattern_that_would_take_for_ever_does_not_match) {
  std::string const hard(100'000, 'a');
  BOOST_TEST(!asked({{"--grep", "(a+)+$x"}}).selection.wants({.message = hard}));
}

BOOST_AUTO_TEST_CASE(forms_and_colours_are_known_by_name) {
  BOOST_TEST((asked({{"--output", "json-pretty"}}).style.form == EntryForm::pretty));
  BOOST_TEST(asked({{"--color", "always"}}).style.colour);
  BOOST_TEST(!asked({{"--color", "never"}}).style.colour);
  BOOST_CHECK_THROW(asked({{"--output", "xml"}}), UsageError);
  BOOST_CHECK_THROW(asked({{"--color", "red"}}), UsageError);
}

BOOST_AUTO_TEST_CASE(json_is_indented_token_by_token) {
  std::string out;
  stele::cli::append_indented_json(out, R"({"a":1.0,"b":[],"c":{"d":"x,{\"\\"},"e":[1,2]})");
  BOOST_TEST(out ==
             "{\n  \"a\": 1.0,\n  \"b\": [],\n  \"c\": {\n    \"d\": \"x,{\\\"\\\\\"\n  },\n"
             "  \"e\": [\n    1,\n    2\n  ]\n}");
}

BOOST_AUTO_TEST_SUITE_END()
