// What is shipped: subjects, ids, and that no seq is left out without a word.
#include "client-lib/ship/message.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

using namespace stele::ship;
using stele::FollowPart;
using stele::Level;
using stele::SeqRange;
using stele::StoredEntry;

namespace {

MessageOptions options_for(Layout layout) {
  auto const* const text = layout == Layout::entries ? "logs.{host}.{level}" : "logs.{host}";
  return {.layout = layout,
          .format = std::make_shared<JsonFormat>(layout, "web.1"),
          .pattern = SubjectPattern::parse(text, layout).value(),
          .host = "web.1",
          .store = "store",
          .body_bytes_max = 1000,
          .batch_bytes = 550};
}

StoredEntry entry(std::uint64_t seq, std::string message = "text") {
  return {.seq = seq, .timestamp = 1'000'000, .level = Level::warn, .message = std::move(message)};
}

std::string line(std::uint64_t seq, std::string const& message = "text") {
  return R"({"seq":)" + std::to_string(seq) + R"(,"timestamp":1000000,"level":"warn","message":")" +
         message + R"(","metadata":{},"version":1,"origin":{"pid":0,"uid":0,"gid":0},)" +
         R"("time":"1970-01-01T00:00:01.000000Z","host":"web.1"})";
}

std::vector<Message> messages_of(MessageMaker& maker, FollowPart const& part) {
  std::vector<Message> messages;
  BOOST_TEST(maker.make(part, [&](Message const& message) {
    messages.push_back(message);
    return true;
  }));
  return messages;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(message_test)

BOOST_AUTO_TEST_CASE(a_pattern_is_filled_in_and_each_value_is_one_token) {
  auto const pattern = SubjectPattern::parse("logs.{host}.{store}.{level}", Layout::entries);
  BOOST_TEST(pattern->subject("web.1 *>", "s", "warn") == "logs.web_1___.s.warn");
  BOOST_TEST(pattern->subject("", "s", "warn") == "logs._.s.warn");
  BOOST_TEST(pattern->wildcard() == "logs.*.*.*");
  BOOST_TEST(SubjectPattern::parse("a.x{host}y.b", Layout::batches)->wildcard() == "a.*.b");
  BOOST_TEST(SubjectPattern::parse("plain", Layout::batches)->wildcard() == "plain");
}

BOOST_AUTO_TEST_CASE(what_is_no_subject_is_no_pattern) {
  for (auto const* const text :
       {"", ".", "a.", ".a", "a..b", "a b", "a.*", "a.>", "{nobody}", "{host", "host}", "a\n"}) {
    BOOST_TEST(!SubjectPattern::parse(text, Layout::entries).has_value(), text);
  }
  BOOST_TEST(!SubjectPattern::parse("{level}", Layout::batches).has_value());
  BOOST_TEST(SubjectPattern::parse("{level}", Layout::entries).has_value());
}

BOOST_AUTO_TEST_CASE(an_id_names_store_and_seq) {
  BOOST_TEST(message_id("a-b", 17) == "a-b:17");
  auto const id = parse_message_id("a:b:17").value();
  BOOST_TEST(id.store == "a:b");
  BOOST_TEST(id.seq == 17u);
  for (auto const* const text : {"", "a", "a:", "a:x", "a:1x", "a:99999999999999999999"}) {
    BOOST_TEST(!parse_message_id(text).has_value(), text);
  }
}

BOOST_AUTO_TEST_CASE(each_entry_is_a_message_by_its_level) {
  MessageMaker maker(options_for(Layout::entries), 0);
  auto const messages = messages_of(maker, {.entries = {entry(1), entry(2)}, .last_seq = 2});
  BOOST_TEST_REQUIRE(messages.size() == 2u);
  BOOST_TEST(messages[0].subject == "logs.web_1.warn");
  BOOST_TEST(messages[0].body == line(1));
  BOOST_TEST(messages[1].last_seq == 2u);
  BOOST_TEST(maker.last_seq() == 2u);
}

BOOST_AUTO_TEST_CASE(a_batch_is_lines_up_to_its_size) {
  MessageMaker maker(options_for(Layout::batches), 0);
  FollowPart part{.last_seq = 5};
  for (std::uint64_t seq = 1; seq <= 5; ++seq) part.entries.push_back(entry(seq));
  auto const messages = messages_of(maker, part);
  BOOST_TEST_REQUIRE(messages.size() == 2u);
  BOOST_TEST(messages[0].subject == "logs.web_1");
  BOOST_TEST(messages[0].body == line(1) + '\n' + line(2) + '\n' + line(3) + '\n');
  BOOST_TEST(messages[0].first_seq == 1u);
  BOOST_TEST(messages[0].last_seq == 3u);
  BOOST_TEST(messages[1].first_seq == 4u);
  BOOST_TEST(messages[1].last_seq == 5u);
}

BOOST_AUTO_TEST_CASE(every_seq_that_does_not_come_is_named_with_its_reason) {
  for (auto const layout : {Layout::entries, Layout::batches}) {
    MessageMaker maker(options_for(layout), 4);
    FollowPart part{.entries = {entry(11), entry(13, std::string(2000, 'x')), entry(14)},
                    .last_seq = 16,
                    .removed = SeqRange{1, 8}};
    std::vector<std::string> gaps;
    std::uint64_t next = 5;
    for (auto const& message : messages_of(maker, part)) {
      BOOST_TEST(message.first_seq == next);
      next = message.last_seq + 1;
      if (message.is_gap) gaps.push_back(message.body.substr(0, message.body.find('\n')));
    }
    BOOST_TEST(next == 17u);
    std::vector<std::string> const expected{
        R"({"gap":{"first_seq":5,"last_seq":8,"reason":"expired"},"host":"web.1"})",
        R"({"gap":{"first_seq":9,"last_seq":10,"reason":"missing"},"host":"web.1"})",
        R"({"gap":{"first_seq":12,"last_seq":12,"reason":"missing"},"host":"web.1"})",
        R"({"gap":{"first_seq":13,"last_seq":13,"reason":"too_large"},"host":"web.1"})",
        R"({"gap":{"first_seq":15,"last_seq":16,"reason":"missing"},"host":"web.1"})"};
    BOOST_TEST(gaps == expected, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(what_the_destination_has_is_not_made_again) {
  MessageMaker maker(options_for(Layout::entries), 7);
  auto const messages = messages_of(
      maker, {.entries = {entry(6), entry(7), entry(8)}, .last_seq = 8, .removed = SeqRange{1, 5}});
  BOOST_TEST_REQUIRE(messages.size() == 1u);
  BOOST_TEST(messages.front().first_seq == 8u);
}

BOOST_AUTO_TEST_CASE(a_taker_that_wants_no_more_gets_no_more) {
  for (auto const layout : {Layout::entries, Layout::batches}) {
    MessageMaker maker(options_for(layout), 0);
    FollowPart part{.last_seq = 9};
    for (std::uint64_t seq = 1; seq <= 9; ++seq) part.entries.push_back(entry(seq));
    int taken = 0;
    BOOST_TEST(!maker.make(part, [&](Message const&) { return ++taken < 2; }));
    BOOST_TEST(taken == 2);
  }
}

BOOST_AUTO_TEST_SUITE_END()
