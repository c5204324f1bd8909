// The client's side: what append_* writes, the parser reads; what validate_entry takes, the daemon
// takes.
#include "protocol/request/request.hpp"

#include <boost/test/unit_test.hpp>

#include "protocol/parsed.hpp"

namespace {

using namespace stele;
using namespace stele::protocol;

LogEntry entry_with_metadata(std::string metadata) {
  LogEntry entry;
  entry.message = "m";
  entry.metadata = std::move(metadata);
  return entry;
}

std::vector<LogEntry> sample_entries() {
  return {
      {{}, Level::info, "plain", "{}", 1},
      {0, Level::trace, "", R"({"a":[1.0,1e2,-0]})", 1},
      {UINT64_MAX, Level::fatal, std::string("\"\\\n\0é😀\x7f", 12), R"({"a":{}})", 1},
  };
}

std::string code_of(LogEntry const& entry, RequestLimits limits = {}) {
  auto const result = validate_entry(entry, limits);
  return result ? "" : std::string(to_string(static_cast<Error>(result.error().code.value())));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(request_test)

BOOST_AUTO_TEST_CASE(simple_requests_come_back) {
  std::string out;
  append_ping(out, 1);
  BOOST_TEST(out == R"({"op":"ping","id":1})");
  BOOST_TEST(test::parse(out).op == "ping");
  out.clear();
  append_stats(out, UINT64_MAX);
  BOOST_TEST(test::parse(out).op == "stats");
  BOOST_TEST(test::parse(out).id == "18446744073709551615");
  out.clear();
  append_hello(out, 2, "a \"program\"\n");
  BOOST_TEST(test::parse(out).client == "a \"program\"\n");
  out.clear();
  append_hello(out, 2, "", parse_writer_id("00112233445566778899aabbccddeeff"));
  BOOST_TEST(test::parse(out).writer == "00112233445566778899aabbccddeeff");
}

BOOST_AUTO_TEST_CASE(reads_come_back) {
  ReadLogs read;
  read.start_ts = 5;
  read.end_ts = UINT64_MAX;
  read.order = Order::desc;
  read.limit = 0;
  read.cursor = "c\"1";
  std::string out;
  append_read_logs(out, 3, read);
  auto const parsed = test::parse(out);
  BOOST_TEST(parsed.op == "read_logs");
  BOOST_TEST(parsed.read.start_ts == 5u);
  BOOST_TEST(parsed.read.end_ts == UINT64_MAX);
  BOOST_TEST((parsed.read.order == Order::desc));
  BOOST_TEST(parsed.read.limit.value() == 0u);
  BOOST_TEST(parsed.cursor == "c\"1");
}

BOOST_AUTO_TEST_CASE(terms_and_counts_come_back) {
  EntryFilter filter;
  filter.after_seq = 0;
  filter.min_level = Level::error;
  filter.contains = "a\"b\n";
  filter.where = R"({"a":1.0})";
  filter.pid = 7;
  filter.uid = 0;
  std::string out;
  append_count_logs(out, 3, {.start_ts = 1, .end_ts = 2, .filter = filter, .bucket_us = 4});
  auto const count = test::parse(out);
  BOOST_TEST(count.op == "count_logs");
  BOOST_TEST(count.read.start_ts == 1u);
  BOOST_TEST(count.read.end_ts == 2u);
  BOOST_TEST(count.bucket_us.value() == 4u);

  out.clear();
  ReadLogs read;
  read.filter = filter;
  append_read_logs(out, 3, read);
  for (auto const& parsed : {count, test::parse(out)}) {
    BOOST_TEST(parsed.read.filter.after_seq.value() == 0u);
    BOOST_TEST((parsed.read.filter.min_level == Level::error));
    BOOST_TEST(parsed.contains == filter.contains);
    BOOST_TEST(parsed.where == filter.where);
    BOOST_TEST(parsed.read.filter.pid.value() == 7);
    BOOST_TEST(parsed.read.filter.uid.value() == 0u);
  }
}

BOOST_AUTO_TEST_CASE(follows_and_cancels_come_back) {
  ReadLogs read;
  read.follow = true;
  read.limit = 0;
  std::string out;
  append_read_logs(out, 3, read);
  BOOST_TEST(test::parse(out).read.follow);
  BOOST_TEST(test::parse(out).read.limit.value() == 0u);
  out.clear();
  append_cancel(out, 4, 3);
  BOOST_TEST(test::parse(out).op == "cancel");
  BOOST_TEST(test::parse(out).target == "3");
}

BOOST_AUTO_TEST_CASE(audits_and_reports_of_drops_come_back) {
  std::string out;
  append_audit(out, 3, {.start_ts = UINT64_MAX});
  BOOST_TEST(test::parse(out).op == "audit");
  BOOST_TEST(test::parse(out).read.start_ts == UINT64_MAX);
  for (WriterId const& writer : {WriterId{}, WriterId{0xab, 0x01}}) {
    out.clear();
    append_report_dropped(out, 3, {.count = UINT64_MAX, .writer = writer});
    auto const parsed = test::parse(out);
    BOOST_TEST(parsed.op == "report_dropped");
    BOOST_TEST(parsed.dropped.count == UINT64_MAX);
    BOOST_TEST((parsed.dropped.writer == writer));
  }
}

BOOST_AUTO_TEST_CASE(confirmations_come_back) {
  std::string out;
  append_confirm(out, 3, {.consumer = "arch\"ive", .seq = UINT64_MAX});
  auto const parsed = test::parse(out);
  BOOST_TEST(parsed.op == "confirm");
  BOOST_TEST(parsed.consumer == "arch\"ive");
  BOOST_TEST(parsed.seq == UINT64_MAX);
}

BOOST_AUTO_TEST_CASE(written_entries_come_back_as_stored_ones) {
  auto const entries = sample_entries();
  std::string out;
  append_write_many_logs(out, 4, entries, write_no_max);
  auto const parsed = test::parse(out);
  BOOST_TEST(parsed.write_no == write_no_max);
  BOOST_REQUIRE(parsed.entries.size() == entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    BOOST_TEST(validate_entry(entries[i]).has_value());
    auto const stored = parse_stored_entry(parsed.entries[i]);
    BOOST_REQUIRE(stored.has_value());
    BOOST_TEST(stored->timestamp == entries[i].timestamp.value_or(0));
    BOOST_TEST((stored->level == entries[i].level));
    BOOST_TEST(stored->message == entries[i].message);
    BOOST_TEST(stored->metadata == entries[i].metadata);

    std::string one;
    append_write_log(one, 5, entries[i], 7);
    BOOST_TEST(test::parse(one).write_no == 7u);
    BOOST_REQUIRE(test::parse(one).entries.size() == 1u);
    BOOST_TEST(test::parse(one).entries[0] == parsed.entries[i]);
  }
}

BOOST_AUTO_TEST_CASE(op_names_are_the_ones_that_travel) {
  BOOST_TEST(op_name(Request(Hello{})) == "hello");
  BOOST_TEST(op_name(Request(Help{})) == "help");
  BOOST_TEST(op_name(Request(Write{false, {}})) == "write_log");
  BOOST_TEST(op_name(Request(Write{true, {}})) == "write_many_logs");
  BOOST_TEST(op_name(Request(ReadLogs{})) == "read_logs");
  BOOST_TEST(op_name(Request(CountLogs{})) == "count_logs");
  BOOST_TEST(op_name(Request(Cancel{})) == "cancel");
  BOOST_TEST(op_name(Request(Audit{})) == "audit");
  BOOST_TEST(op_name(Request(ReportDropped{})) == "report_dropped");
  BOOST_TEST(op_name(Request(Confirm{})) == "confirm");
}

BOOST_AUTO_TEST_CASE(validation_finds_what_the_daemon_would_refuse) {
  BOOST_TEST(code_of(entry_with_metadata("{}")) == "");
  BOOST_TEST(code_of(entry_with_metadata(" { \"a\" : [1] } ")) == "");
  for (std::string const metadata :
       {"", " ", "[]", "7", "{", "{}x", "{\"a\":}", R"({"a":1,"\u0061":2})", R"({"a":1e400})",
        R"({"a":NaN})", "{\"a\":\"\xff\"}", R"({"a":"\ud800"})"}) {
    BOOST_TEST(code_of(entry_with_metadata(metadata)) == "invalid_entry", metadata);
  }
  LogEntry entry;
  entry.message = "\xed\xa0\x80";
  BOOST_TEST(code_of(entry) == "invalid_entry");
  entry.message = "m";
  entry.version = 2;
  BOOST_TEST(code_of(entry) == "unsupported_version");
}

BOOST_AUTO_TEST_CASE(validation_and_daemon_agree_on_size_and_depth) {
  LogEntry entry;
  entry.message = "12345";
  entry.metadata = R"({ "a" : 1 })";
  BOOST_TEST(code_of(entry, {12}) == "");
  BOOST_TEST(code_of(entry, {11}) == "entry_too_large");
  std::string out;
  append_write_log(out, 1, entry);
  BOOST_TEST(test::parse(out, {12}).code == "");
  BOOST_TEST(test::parse(out, {11}).code == "entry_too_large");

  auto const deep = [](std::size_t depth) {
    return R"({"a":)" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
  };
  BOOST_TEST(code_of(entry_with_metadata(deep(metadata_depth_max))) == "");
  for (auto const depth : {metadata_depth_max + 1, metadata_depth_max + 100}) {
    std::string written;
    append_write_log(written, 1, entry_with_metadata(deep(depth)));
    BOOST_TEST(test::parse(written).code == "bad_json");
    BOOST_TEST(code_of(entry_with_metadata(deep(depth))) == "bad_json");
  }
}

BOOST_AUTO_TEST_CASE(acknowledgements_come_back) {
  std::string out;
  append_acknowledge(out, 3, {.first_seq = 1, .last_seq = UINT64_MAX});
  BOOST_TEST(out == R"({"op":"acknowledge","id":3,"first_seq":1,"last_seq":18446744073709551615})");
  BOOST_TEST(parse(out).op == "acknowledge");
}

BOOST_AUTO_TEST_SUITE_END()
