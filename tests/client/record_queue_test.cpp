#include "client-lib/logger/record_queue.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "client-lib/logger/record_encoder.hpp"

using stele::Level;
using stele::client::Record;
using stele::client::RecordChunk;
using stele::client::RecordEncoder;
using stele::client::RecordMerger;
using stele::client::RecordShard;

namespace {

RecordChunk chunk_of(std::vector<Record> const& records) {
  std::size_t bytes = 0;
  for (auto const& record : records) bytes += RecordChunk::bytes_of(record);
  RecordChunk chunk{bytes};
  for (auto const& record : records) chunk.append(record);
  return chunk;
}

std::vector<RecordChunk> chunks_of(std::vector<std::vector<Record>> const& all) {
  std::vector<RecordChunk> chunks;
  for (auto const& records : all) chunks.push_back(chunk_of(records));
  return chunks;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(record_queue_test)

BOOST_AUTO_TEST_CASE(a_record_comes_back_as_it_was_given) {
  std::string const zeros(3, '\0');
  auto chunk = chunk_of({{.timestamp = UINT64_MAX,
                          .thread = 3,
                          .line = 4,
                          .level = Level::fatal,
                          .message = zeros,
                          .logger = "l",
                          .file = "f",
                          .function = "g",
                          .context = "c"},
                         {.time_before_epoch = -2, .message = "n", .metadata = "{}"}});
  auto const record = chunk.next();
  BOOST_REQUIRE(record.has_value());
  BOOST_TEST(record->timestamp == UINT64_MAX);
  BOOST_TEST(record->time_before_epoch == 0);
  BOOST_TEST(record->thread == 3U);
  BOOST_TEST(record->line == 4U);
  BOOST_TEST((record->level == Level::fatal));
  BOOST_TEST(record->message == zeros);
  BOOST_TEST(record->metadata == "");
  BOOST_TEST(record->logger == "l");
  BOOST_TEST(record->file == "f");
  BOOST_TEST(record->function == "g");
  BOOST_TEST(record->context == "c");
  auto const old = chunk.next();
  BOOST_REQUIRE(old.has_value());
  BOOST_TEST(old->timestamp == 0U);
  BOOST_TEST(old->time_before_epoch == -2);
  BOOST_TEST(old->message == "n");
  BOOST_TEST(old->metadata == "{}");
  BOOST_TEST(!chunk.next().has_value());
}

BOOST_AUTO_TEST_CASE(a_place_is_kept_once_and_no_record_comes_from_another) {
  std::vector<std::string> loggers;
  for (int i = 0; i < 40; ++i) loggers.push_back("logger-" + std::to_string(i));
  std::vector<Record> given;
  for (std::uint32_t i = 0; i < 4000; ++i) {
    auto const& name = loggers[i * i % loggers.size()];
    given.push_back({.timestamp = i, .thread = i % 3, .line = i % 7, .message = "m",
                     .logger = name, .file = i % 2 == 0 ? "a.cpp" : "", .function = "f"});
    if (i % 5 == 0) given.back().metadata = R"({"a":1})";
  }
  auto chunk = chunk_of(given);
  std::size_t bytes = 0;
  for (auto const& record : given) {
    auto const read = chunk.next();
    BOOST_REQUIRE(read.has_value());
    bytes += chunk.last_bytes();
    BOOST_TEST(read->timestamp == record.timestamp);
    BOOST_TEST(read->message == record.message);
    BOOST_TEST(read->metadata == record.metadata);
    if (!record.metadata.empty()) continue;
    BOOST_TEST(read->thread == record.thread);
    BOOST_TEST(read->line == record.line);
    BOOST_TEST(read->logger == record.logger);
    BOOST_TEST(read->file == record.file);
  }
  BOOST_TEST(bytes == chunk.capacity() - chunk.free_bytes());
  auto same = chunk_of(std::vector<Record>(100, given[1]));
  BOOST_TEST(same.free_bytes() > same.capacity() / 2);
}

BOOST_AUTO_TEST_CASE(a_shard_takes_what_its_last_chunk_has_room_for_and_counts_it) {
  RecordShard shard;
  Record const record{.message = "m"};
  auto const bytes = RecordChunk::bytes_of(record);
  BOOST_TEST(!shard.append(record, bytes));
  shard.chunks.emplace_back(2 * bytes + 1);
  BOOST_TEST(shard.append(record, bytes));
  BOOST_TEST(shard.append(record, bytes));
  BOOST_TEST(!shard.append(record, bytes));
  BOOST_TEST(shard.accepted == 2U);
}

BOOST_AUTO_TEST_CASE(records_of_shards_come_by_time_and_those_of_each_in_their_order) {
  RecordShard a;
  RecordShard b;
  RecordMerger merger;
  BOOST_TEST(merger.empty());
  merger.add(a, chunks_of({{{.timestamp = 1, .message = "a1"}, {.timestamp = 9, .message = "a9"}},
                           {{.timestamp = 4, .message = "a4"}}}));
  merger.add(b, chunks_of({{{.timestamp = 2, .message = "b2"}}, {{.timestamp = 5, .message = "b5"}},
                           {{.timestamp = 20, .message = "b20"}}}));
  std::string order;
  std::size_t spent = 0;
  while (auto const merged = merger.next()) {
    BOOST_TEST((merged->shard == (merged->record.message[0] == 'a' ? &a : &b)));
    (order += merged->record.message) += ' ';
    while (merger.take_spent()) ++spent;
  }
  BOOST_TEST(order == "a1 b2 b5 a9 a4 b20 ");
  while (merger.take_spent()) ++spent;
  BOOST_TEST(spent == 5U);
  BOOST_TEST(merger.empty());
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
  BOOST_TEST(metadata({.thread = 2}) == R"({"thread":2})");
  BOOST_TEST(metadata({.thread = 2, .context = R"({"k":1})"}) ==
             R"({"thread":2,"context":{"k":1}})");
  auto const large = std::string(5000, 'f');
  BOOST_TEST(metadata({.thread = 2, .line = 1, .file = large}) ==
             R"({"thread":2,"source":{"file":")" + large + R"(","line":1}})");
  BOOST_TEST(metadata({.thread = 2, .line = 1, .file = "f"}) ==
             R"({"thread":2,"source":{"file":"f","line":1}})");
}

BOOST_AUTO_TEST_CASE(bytes_of_a_line_that_are_no_text_are_replaced_everywhere) {
  RecordEncoder encoder;
  BOOST_TEST(encoder.encode({.message = "m\xff", .logger = "l\xff"}) ==
             "{\"timestamp\":0,\"level\":\"info\",\"message\":\"m\xef\xbf\xbd\",\"metadata\":"
             "{\"logger\":\"l\xef\xbf\xbd\",\"thread\":0}}");
}

BOOST_AUTO_TEST_SUITE_END()
