#include "client-lib/cli/import/import_notes.hpp"

#include <boost/test/unit_test.hpp>

using stele::cli::ImportSummary;
using stele::cli::summary_text;

BOOST_AUTO_TEST_SUITE(import_summary_test)

BOOST_AUTO_TEST_CASE(a_clean_import_is_one_line) {
  ImportSummary summary;
  BOOST_TEST(summary_text(summary) == "imported 0 lines\n");
  summary.add_stored({.first_seq = 1, .last_seq = 1}, 1);
  BOOST_TEST(summary_text(summary) == "imported 1 line as seq 1..1\n");
  summary.add_stored({.first_seq = 2, .last_seq = 2000}, 1999);
  BOOST_TEST(summary_text(summary) == "imported 2000 lines as seq 1..2000\n");
}

BOOST_AUTO_TEST_CASE(entries_of_other_writers_between_two_batches_are_told) {
  ImportSummary summary;
  summary.add_stored({.first_seq = 11, .last_seq = 20}, 10);
  summary.add_stored({.first_seq = 24, .last_seq = 33}, 10);
  BOOST_TEST(summary_text(summary) ==
             "imported 20 lines as seq 11..33, with 3 of other writers between\n");
}

BOOST_AUTO_TEST_CASE(what_was_changed_or_left_out_is_told) {
  ImportSummary summary{.refused_lines = 2, .invalid_lines = 1, .invalid_bytes = 3};
  BOOST_TEST(summary_text(summary) ==
             "imported 0 lines\n"
             "3 bytes in 1 line not valid UTF-8: each became U+FFFD, and the entry's metadata "
             "counts them\n"
             "2 lines not imported\n");
}

BOOST_AUTO_TEST_CASE(an_import_that_stopped_says_where) {
  ImportSummary summary{.complete = false};
  BOOST_TEST(summary_text(summary) == "imported 0 lines\nstopped before anything was stored\n");
  summary.add_stored({.first_seq = 1, .last_seq = 7}, 7);
  summary.last_stored = "line 7 of a.log";
  summary.unknown_lines = "lines 8 to 9 of a.log";
  BOOST_TEST(summary_text(summary) ==
             "imported 7 lines as seq 1..7\n"
             "stopped after line 7 of a.log\n"
             "lines 8 to 9 of a.log may be stored or not\n");
}

BOOST_AUTO_TEST_SUITE_END()
