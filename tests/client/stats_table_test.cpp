#include "client-lib/cli/monitor/stats_table.hpp"

#include <boost/test/unit_test.hpp>

using stele::cli::stats_table;

BOOST_AUTO_TEST_SUITE(stats_table_test)

BOOST_AUTO_TEST_CASE(members_become_aligned_lines_with_dotted_names) {
  BOOST_TEST(stats_table(R"({"state":"ok","wal":{"commits":3,"sync":{"p99":1.5}},"b":[1,2]})") ==
             "state         ok\n"
             "wal.commits   3\n"
             "wal.sync.p99  1.5\n"
             "b             [1,2]\n");
}

BOOST_AUTO_TEST_CASE(large_counters_keep_their_digits) {
  BOOST_TEST(stats_table(R"({"a":18446744073709551615,"b":null,"c":true,"d":{}})") ==
             "a  18446744073709551615\nb  null\nc  true\nd  {}\n");
}

BOOST_AUTO_TEST_CASE(text_for_people_cannot_act_on_the_terminal) {
  BOOST_TEST(stats_table(R"({"a":"\u001b[2J"})") == "a  \\u001b[2J\n");
}

BOOST_AUTO_TEST_CASE(other_text_is_shown_as_it_is) { BOOST_TEST(stats_table("[1]") == "[1]\n"); }

BOOST_AUTO_TEST_SUITE_END()
