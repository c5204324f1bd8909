#include "client-lib/record_queue.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <utility>
#include <vector>

#include "client-lib/record_encoder.hpp"

using stele::Level;
using stele::client::Record;
using stele::client::RecordEncoder;
using stele::client::RecordQueue;

namespace {

/// Messages of all records, in their order; the chunks are used again.
std::vector<std::string> drained(RecordQueue& queue) {
  std::vector<std::string> messages;
  while (!queue.empty()) {
    auto chunk = queue.take_oldest();
    while (auto const record = chunk.next()) messages.emplace_back(record->message);
    queue.give_back(std::move(chunk));
  }
  return messages;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(record_queue_test)

BOOST_AUTO_TEST_CASE(a_record_comes_back_as_it_was_given) {
  RecordQueue queue;
  int owner = 0;
  std::string const zeros(3, '\0');
  queue.append({.owner = &owner,
                .timestamp = 1,
                .time_before_epoch = -2,
                .thread = 3,
                .line = 4,
                .level = Level::fatal,
                .message = zeros,
                .metadata = "{}",
                .logger = "l",
                .file = "f",
                .function = "g"});
  auto chunk = queue.take_oldest();
  auto const record = chunk.next();
  BOOST_REQUIRE(record.has_value());
  BOOST_TEST(record->owner == &owner);
  BOOST_TEST(record->timestamp == 1U);
  BOOST_TEST(record->time_before_epoch == -2);
  BOOST_TEST(record->thread == 3U);
  BOOST_TEST(record->line == 4U);
  BOOST_TEST((record->level == Level::fatal));
  BOOST_TEST(record->message == zeros);
  BOOST_TEST(record->metadata == "{}");
  BOOST_TEST(record->logger == "l");
  BOOST_TEST(record->file == "f");
  BOOST_TEST(record->function == "g");
  BOOST_TEST(!chunk.next().has_value());
}

BOOST_AUTO_TEST_CASE(records_of_all_sizes_come_in_their_order_also_out_of_memory_that_was_used) {
  RecordQueue queue;
  for (int round = 0; round < 3; ++round) {
    std::vector<std::string> given;
    for (std::size_t i = 0; i < 300; ++i) given.emplace_back(i * 1000, 'x');
    for (auto const& message : given) queue.append({.message = message});
    BOOST_TEST((drained(queue) == given));
  }
}

BOOST_AUTO_TEST_CASE(an_entry_keeps_its_metadata_as_it_was_written) {
  RecordEncoder encoder;
  BOOST_TEST(encoder.encode({.timestamp = 5, .message = "m", .metadata = R"({"a":1.0})"}) ==
             R"({"timestamp":5,"level":"info","message":"m","metadata":{"a":1.0}})");
}

BOOST_AUTO_TEST_CASE(the_metadata_of_a_line_says_where_it_is_from_and_never_where_the_last_was) {
  RecordEncoder encoder;
  auto const metadata = [&](Record const& record) {
    std::string const text{encoder.encode(record)};
    auto const at = text.find(R"("metadata":)");
    return at == text.npos ? std::string{} : text.substr(at + 11, text.size() - at - 12);
  };
  BOOST_TEST(metadata({.thread = 1, .logger = "a"}) == R"({"logger":"a","thread":1})");
  BOOST_TEST(metadata({.thread = 1, .logger = "a"}) == R"({"logger":"a","thread":1})");
  BOOST_TEST(metadata({.thread = 2, .logger = "a"}) == R"({"logger":"a","thread":2})");
  BOOST_TEST(metadata({.thread = 2, .line = 7, .file = "ab"}) ==
             R"({"thread":2,"source":{"file":"ab","line":7}})");
  BOOST_TEST(metadata({.thread = 2, .line = 7, .file = "a", .function = "b"}) ==
             R"({"thread":2,"source":{"file":"a","line":7,"function":"b"}})");
  BOOST_TEST(metadata({.thread = 2, .line = 8, .file = "a", .function = "b"}) ==
             R"({"thread":2,"source":{"file":"a","line":8,"function":"b"}})");
  BOOST_TEST(metadata({.time_before_epoch = -9, .thread = 2}) == R"({"thread":2,"time_us":-9})");
}

BOOST_AUTO_TEST_CASE(bytes_of_a_line_that_are_no_text_are_replaced_everywhere) {
  RecordEncoder encoder;
  BOOST_TEST(encoder.encode({.message = "m\xff", .logger = "l\xff"}) ==
             "{\"timestamp\":0,\"level\":\"info\",\"message\":\"m\xef\xbf\xbd\",\"metadata\":"
             "{\"logger\":\"l\xef\xbf\xbd\",\"thread\":0}}");
}

BOOST_AUTO_TEST_SUITE_END()
