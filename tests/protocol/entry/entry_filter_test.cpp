// What a filter says of an entry, compared with what its parsed parts say.
#include "protocol/entry/entry_filter.hpp"

#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/entry/canonical_entry.hpp"
#include "protocol/exact_buffer.hpp"
#include "protocol/text/json_text.hpp"

namespace {

using namespace stele;
using namespace stele::protocol;

struct Entry {
  Level level = Level::info;
  std::string message{};
  std::string metadata = "{}";
  Origin origin{11, 22, 33};
};

std::string canonical(Entry const& entry) {
  std::string quoted;
  append_json_string(quoted, entry.message);
  EntryDraft draft;
  draft.level = entry.level;
  draft.message = quoted;
  draft.metadata = entry.metadata;
  std::string text;
  append_canonical_entry(text, draft, {7, 1'700'000'000'000'000, entry.origin});
  return text;
}

bool matches(EntryFilter const& filter, Entry const& entry) {
  test::ExactBuffer const buffer(canonical(entry));
  return EntryMatcher(filter).matches(buffer.text());
}

bool contains(std::string_view wanted, std::string_view message, std::string metadata = "{}") {
  EntryFilter filter;
  filter.contains = wanted;
  return matches(filter, {.message = std::string(message), .metadata = std::move(metadata)});
}

bool has(std::string_view where, std::string metadata, std::string message = "m") {
  EntryFilter filter;
  filter.where = where;
  return matches(filter, {.message = std::move(message), .metadata = std::move(metadata)});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(entry_filter_test)

BOOST_AUTO_TEST_CASE(no_terms_take_everything) {
  BOOST_TEST(EntryMatcher::make({}) == nullptr);
  BOOST_TEST(EntryMatcher::make({.after_seq = 5, .where = "{}"}) == nullptr);
  BOOST_TEST(EntryMatcher::make({.uid = 0}) != nullptr);
  BOOST_TEST(matches({}, {}));
}

BOOST_AUTO_TEST_CASE(a_least_level_takes_itself_and_what_is_worse) {
  for (auto const wanted : {Level::trace, Level::debug, Level::warn, Level::fatal}) {
    for (auto const level : {Level::trace, Level::info, Level::warn, Level::error, Level::fatal}) {
      BOOST_TEST(matches({.min_level = wanted}, {.level = level}) == (level >= wanted));
    }
  }
}

BOOST_AUTO_TEST_CASE(origins_are_told_apart_by_pid_and_uid) {
  Entry const entry{.message = R"("origin":{"pid":5,"uid":5,"gid":5}})",
                    .metadata = R"({"origin":{"pid":5,"uid":5,"gid":5}})"};
  BOOST_TEST(matches({.pid = 11}, entry));
  BOOST_TEST(matches({.uid = 22}, entry));
  BOOST_TEST(matches({.pid = 11, .uid = 22}, entry));
  BOOST_TEST(!matches({.pid = 11, .uid = 2}, entry));
  BOOST_TEST(!matches({.pid = 1}, entry));
  BOOST_TEST(!matches({.uid = 5}, entry));
  BOOST_TEST(!matches({.uid = 33}, entry));
  BOOST_TEST(matches({.uid = UINT32_MAX}, {.origin = {0, UINT32_MAX, 0}}));
}

BOOST_AUTO_TEST_CASE(a_text_is_found_in_the_message_and_nowhere_else) {
  BOOST_TEST(contains("sda", "disk sda full"));
  BOOST_TEST(contains("disk", "disk sda full"));
  BOOST_TEST(contains("full", "disk sda full"));
  BOOST_TEST(contains("é😀", "aé😀b"));
  BOOST_TEST(!contains("SDA", "disk sda full"));
  BOOST_TEST(!contains("sda", "disk", R"({"disk":"sda"})"));
  BOOST_TEST(!contains("level", "m"));
  BOOST_TEST(!contains("info", "m"));
  BOOST_TEST(!contains("message", ""));
  BOOST_TEST(contains("sda", "sda", R"({"disk":"sda"})"));
}

BOOST_AUTO_TEST_CASE(a_text_is_compared_by_its_characters_and_not_by_their_escapes) {
  BOOST_TEST(contains("\"", "say \"yes\""));
  BOOST_TEST(contains("a\nb", "a\nb"));
  BOOST_TEST(contains("\\", "C:\\dir"));
  BOOST_TEST(contains(std::string_view("\0", 1), std::string_view("a\0b", 3)));
  BOOST_TEST(contains("n", "\n n"));
  BOOST_TEST(!contains("n", "a\nb"));
  BOOST_TEST(!contains("nb", "a\nb"));
  BOOST_TEST(contains("nb", "a\nbnb"));
  BOOST_TEST(!contains("u00", "a\x01"));
  BOOST_TEST(!contains("1f", "\x1f"));
  BOOST_TEST(contains("1f", "\x1f 1f"));
  BOOST_TEST(!contains("\\n", "a\nb"));
  BOOST_TEST(!contains("\"", "ends in a backslash \\"));
  BOOST_TEST(contains("\\\\", "\\\\\\"));
  BOOST_TEST(!contains("\\\\\\\\", "\\\\\\"));
}

BOOST_AUTO_TEST_CASE(a_member_must_be_there_at_the_top_with_an_equal_value) {
  std::string const metadata = R"({"disk":"sda","used":0.910,"ok":true,"x":null,"in":{"a":1}})";
  BOOST_TEST(has(R"({"disk":"sda"})", metadata));
  BOOST_TEST(has(R"({"used":0.91})", metadata));
  BOOST_TEST(has(R"({"ok":true,"disk":"sda"})", metadata));
  BOOST_TEST(has(R"({"x":null})", metadata));
  BOOST_TEST(has(R"({"in":{"a":1.0}})", metadata));
  BOOST_TEST(!has(R"({"disk":"sdb"})", metadata));
  BOOST_TEST(!has(R"({"disk":"sd"})", metadata));
  BOOST_TEST(!has(R"({"ok":true,"disk":"sdb"})", metadata));
  BOOST_TEST(!has(R"({"ok":"true"})", metadata));
  BOOST_TEST(!has(R"({"a":1})", metadata));
  BOOST_TEST(!has(R"({"y":null})", metadata));
  BOOST_TEST(!has(R"({"in":{}})", metadata));
  BOOST_TEST(!has(R"({"disk":"sda"})", "{}"));
}

BOOST_AUTO_TEST_CASE(members_that_only_look_like_the_wanted_one_do_not_count) {
  BOOST_TEST(!has(R"({"a":1})", R"({"b":{"a":1}})"));
  BOOST_TEST(!has(R"({"a":1})", R"({"b":[{"a":1}]})"));
  BOOST_TEST(!has(R"({"a":1})", R"({"b":"{\"a\":1}"})", R"({"a":1})"));
  BOOST_TEST(!has(R"({"a":"b"})", R"({"x":"y"})", R"("a":"b")"));
  BOOST_TEST(has(R"({"a":1})", R"({"b":{"a":2},"a":1})"));
  BOOST_TEST(!has(R"({"pid":11})", "{}"));
}

BOOST_AUTO_TEST_CASE(all_terms_must_hold) {
  EntryFilter filter{.min_level = Level::warn, .contains = "full", .where = R"({"d":1})", .pid = 11};
  Entry entry{.level = Level::error, .message = "disk full", .metadata = R"({"d":1})"};
  BOOST_TEST(matches(filter, entry));
  entry.level = Level::info;
  BOOST_TEST(!matches(filter, entry));
  entry.level = Level::warn;
  entry.message = "disk";
  BOOST_TEST(!matches(filter, entry));
  entry.message = "full";
  entry.metadata = "{}";
  BOOST_TEST(!matches(filter, entry));
}

BOOST_AUTO_TEST_CASE(a_text_that_is_no_entry_matches_no_terms) {
  EntryFilter filter;
  filter.contains = "m";
  filter.where = R"({"a":1})";
  auto const whole = canonical({.message = "m", .metadata = R"({"a":1})"});
  BOOST_TEST(EntryMatcher(filter).matches(whole));
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
    test::ExactBuffer const cut(std::string_view(whole).substr(0, bytes));
    bool const is_wanted = EntryMatcher(filter).matches(cut.text());
    // The search may end before the missing part.
    BOOST_TEST((!is_wanted || cut.text().find("\"origin\"") != std::string_view::npos));
    BOOST_TEST(!EntryMatcher(EntryFilter{.uid = 22}).matches(cut.text()));
  }
}

// A message made of few characters, most of them escaped, so that texts meet by chance.
BOOST_AUTO_TEST_CASE(random_messages_are_judged_as_their_characters_say) {
  std::mt19937_64 random(11);
  constexpr std::string_view alphabet(
      "\n\\\"n0u\x01\x1f"
      "1f",
      10);
  auto const text = [&](std::size_t length) {
    std::string out;
    while (out.size() < length) out += alphabet[random() % alphabet.size()];
    return out;
  };
  std::size_t found = 0;
  for (int i = 0; i < 20'000; ++i) {
    auto const message = text(random() % 12);
    auto const wanted = text(1 + random() % 3);
    bool const expected = message.find(wanted) != message.npos;
    found += expected ? 1 : 0;
    BOOST_TEST_CONTEXT(i) { BOOST_TEST(contains(wanted, message) == expected); }
  }
  BOOST_TEST(found > 1000U);
}

BOOST_AUTO_TEST_SUITE_END()
