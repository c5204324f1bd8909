#include "client-lib/cli/import/import_batch.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

using stele::Level;
using stele::LogEntry;
using stele::cli::entry_bytes;
using stele::cli::ImportBatch;
using stele::cli::make_line_entry;

BOOST_AUTO_TEST_SUITE(import_batch_test)

BOOST_AUTO_TEST_CASE(a_clean_line_is_the_message_and_nothing_else) {
  auto const made = make_line_entry("a\r \xe2\x82\xac", Level::debug);
  BOOST_TEST(made.entry.message == "a\r \xe2\x82\xac");
  BOOST_TEST(made.entry.metadata == "{}");
  BOOST_TEST((made.entry.level == Level::debug));
  BOOST_TEST(!made.entry.timestamp.has_value());
  BOOST_TEST(made.invalid_bytes == 0U);
}

BOOST_AUTO_TEST_CASE(a_line_that_is_cut_off_is_marked_beside_what_is_counted) {
  auto whole = make_line_entry("a", Level::info);
  stele::cli::mark_as_cut(whole);
  BOOST_TEST(whole.entry.metadata == R"({"import":{"cut":true}})");
  auto invalid = make_line_entry("a\xff", Level::info);
  stele::cli::mark_as_cut(invalid);
  BOOST_TEST(invalid.entry.metadata == R"({"import":{"invalid_bytes":1,"cut":true}})");
  BOOST_TEST(invalid.notes.test(static_cast<std::size_t>(stele::cli::Note::cut)));
}

BOOST_AUTO_TEST_CASE(bytes_that_are_not_utf8_are_replaced_one_by_one_and_counted) {
  struct Case {
    std::string line;
    std::string message;
    std::size_t invalid_bytes;
  };
  std::string const mark = "\xef\xbf\xbd";
  for (auto const& [line, message, invalid_bytes] : {
           Case{"\xff", mark, 1},
           Case{"a\xff\xfe z", "a" + mark + mark + " z", 2},
           Case{"cut \xe2\x82", "cut " + mark + mark, 2},
           Case{"\xe2\x82x", mark + mark + "x", 2},
           Case{"overlong \xc0\x80", "overlong " + mark + mark, 2},
           Case{"surrogate \xed\xa0\x80", "surrogate " + mark + mark + mark, 3},
           Case{"above \xf4\x90\x80\x80", "above " + mark + mark + mark + mark, 4},
           Case{"kept \xe2\x82\xac\x80", "kept \xe2\x82\xac" + mark, 1},
       }) {
    auto const made = make_line_entry(line, Level::info);
    BOOST_TEST(made.entry.message == message);
    BOOST_TEST(made.invalid_bytes == invalid_bytes);
    BOOST_TEST(made.entry.metadata ==
               "{\"import\":{\"invalid_bytes\":" + std::to_string(invalid_bytes) + "}}");
  }
}

BOOST_AUTO_TEST_CASE(a_batch_is_full_at_its_number_of_entries) {
  ImportBatch batch{{.entries_max = 2, .bytes_max = 1000}};
  LogEntry const entry{.message = "a"};
  BOOST_TEST(batch.has_room_for(entry));
  batch.add(entry, 7);
  BOOST_TEST(batch.has_room_for(entry));
  batch.add(entry, 9);
  BOOST_TEST(!batch.has_room_for(entry));
  BOOST_TEST(batch.first_line() == 7U);
  BOOST_TEST(batch.last_line() == 9U);
  batch.clear();
  BOOST_TEST(batch.empty());
  BOOST_TEST(batch.has_room_for(entry));
}

BOOST_AUTO_TEST_CASE(a_batch_is_full_at_its_bytes_but_takes_any_first_entry) {
  ImportBatch batch{{.entries_max = 10, .bytes_max = 10}};
  LogEntry const large{.message = std::string(11, 'x')};
  LogEntry const small{.message = "12345"};
  BOOST_TEST(batch.has_room_for(large));
  batch.add(small, 1);
  BOOST_TEST(batch.has_room_for(small));
  BOOST_TEST(!batch.has_room_for(large));
  batch.add(small, 2);
  BOOST_TEST(!batch.has_room_for(LogEntry{.message = "1"}));
  BOOST_TEST(batch.entries().size() == 2U);
}

BOOST_AUTO_TEST_CASE(metadata_counts_unless_it_is_empty) {
  BOOST_TEST(entry_bytes(LogEntry{.message = "123"}) == 3U);
  BOOST_TEST(entry_bytes(LogEntry{.message = "123", .metadata = "{\"a\":1}"}) == 10U);
}

BOOST_AUTO_TEST_SUITE_END()
