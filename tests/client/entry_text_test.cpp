#include "client-lib/cli/output/entry_text.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <string>

#include "client/time_zone.hpp"

using stele::Level;
using stele::StoredEntry;
using stele::cli::append_entry_text;
using stele::cli::EntryForm;
using stele::cli::EntryStyle;

namespace {

std::string text_of(StoredEntry const& entry, EntryStyle style) {
  std::string out;
  append_entry_text(out, entry, style);
  return out;
}

StoredEntry const plain{.seq = 7,
                        .timestamp = 1700000000000000,
                        .level = Level::info,
                        .message = "hello",
                        .origin = {.pid = 42, .uid = 1000, .gid = 100}};

StoredEntry const wild{.seq = 8,
                       .timestamp = 1700000000000001,
                       .level = Level::error,
                       .message = "a\r\n\x1b[2J \"q\" \xe2\x80\xae",
                       .metadata = "{\"n\":1.0,\"k\":\"\x7f\"}"};

}  // namespace

BOOST_AUTO_TEST_SUITE(entry_text_test)

BOOST_AUTO_TEST_CASE(brief_is_time_level_message_and_metadata_if_any) {
  TimeZone const zone{"UTC"};
  BOOST_TEST(text_of(plain, {}) == "2023-11-14T22:13:20.000000Z info  hello\n");
  auto warned = plain;
  warned.level = Level::fatal;
  warned.metadata = R"({"disk":"sda1"})";
  BOOST_TEST(text_of(warned, {}) ==
             "2023-11-14T22:13:20.000000Z fatal hello {\"disk\":\"sda1\"}\n");
}

BOOST_AUTO_TEST_CASE(brief_shows_local_time_with_its_offset) {
  TimeZone const zone{"CET-1"};
  BOOST_TEST(text_of(plain, {}) == "2023-11-14T23:13:20.000000+01:00 info  hello\n");
}

BOOST_AUTO_TEST_CASE(brief_is_always_one_visible_line) {
  TimeZone const zone{"UTC"};
  BOOST_TEST(text_of(wild, {}) ==
             "2023-11-14T22:13:20.000001Z error a\\r\\n\\u001b[2J \"q\" \\u202e "
             "{\"n\":1.0,\"k\":\"\\u007f\"}\n");
}

BOOST_AUTO_TEST_CASE(colour_surrounds_the_level_alone) {
  TimeZone const zone{"UTC"};
  BOOST_TEST(text_of(wild, {.colour = true})
                 .starts_with("2023-11-14T22:13:20.000001Z \x1b[31merror\x1b[0m a\\r"));
}

BOOST_AUTO_TEST_CASE(verbose_has_a_line_for_each_part_and_each_member) {
  TimeZone const zone{"UTC"};
  BOOST_TEST(text_of(plain, {.form = EntryForm::verbose}) ==
             "2023-11-14T22:13:20.000000Z seq 7\n"
             "    level     info\n"
             "    message   hello\n"
             "    origin    pid 42, uid 1000, gid 100\n");
  BOOST_TEST(text_of(wild, {.form = EntryForm::verbose}) ==
             "2023-11-14T22:13:20.000001Z seq 8\n"
             "    level     error\n"
             "    message   a\\r\\n\\u001b[2J \"q\" \\u202e\n"
             "    origin    pid 0, uid 0, gid 0\n"
             "    metadata  {\n"
             "                \"n\": 1.0,\n"
             "                \"k\": \"\\u007f\"\n"
             "              }\n");
}

BOOST_AUTO_TEST_CASE(json_is_the_stored_entry_with_a_time) {
  BOOST_TEST(text_of(plain, {.form = EntryForm::json}) ==
             R"({"seq":7,"timestamp":1700000000000000,"level":"info","message":"hello",)"
             R"("metadata":{},"version":1,"origin":{"pid":42,"uid":1000,"gid":100},)"
             R"("time":"2023-11-14T22:13:20.000000Z"})"
             "\n");
}

BOOST_AUTO_TEST_CASE(json_keeps_the_digits_of_metadata) {
  BOOST_TEST(text_of(wild, {.form = EntryForm::json}).find("{\"n\":1.0,\"k\":\"\x7f\"}") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(json_for_a_terminal_means_the_same) {
  BOOST_TEST(text_of(wild, {.form = EntryForm::json, .visible = true}) ==
             R"({"seq":8,"timestamp":1700000000000001,"level":"error",)"
             R"("message":"a\r\n\u001b[2J \"q\" \u202e","metadata":{"n":1.0,"k":"\u007f"},)"
             R"("version":1,"origin":{"pid":0,"uid":0,"gid":0},)"
             R"("time":"2023-11-14T22:13:20.000001Z"})"
             "\n");
}

BOOST_AUTO_TEST_CASE(message_is_byte_for_byte_unless_a_terminal_shows_it) {
  BOOST_TEST(text_of(wild, {.form = EntryForm::message}) == wild.message + "\n");
  BOOST_TEST(text_of(wild, {.form = EntryForm::message, .visible = true}) ==
             "a\\r\\n\\u001b[2J \"q\" \\u202e\n");
}

BOOST_AUTO_TEST_CASE(the_first_and_the_last_moment_can_be_printed) {
  TimeZone const zone{"UTC"};
  auto entry = plain;
  entry.timestamp = 0;
  BOOST_TEST(text_of(entry, {}) == "1970-01-01T00:00:00.000000Z info  hello\n");
  entry.timestamp = UINT64_MAX;
  BOOST_TEST(text_of(entry, {}) == "+586524-01-19T08:01:49.551615Z info  hello\n");
}

BOOST_AUTO_TEST_SUITE_END()
