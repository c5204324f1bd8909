// What the daemon makes of one client entry.
#include <boost/test/unit_test.hpp>

#include "protocol/limits.hpp"
#include "protocol/parsed.hpp"

namespace {

using stele::test::parse;
using stele::test::parse_entry;

std::string canonical(std::string_view timestamp, std::string_view level, std::string_view message,
                      std::string_view metadata) {
  return R"({"seq":1,"timestamp":)" + std::string(timestamp) + R"(,"level":")" +
         std::string(level) + R"(","message":)" + std::string(message) + R"(,"metadata":)" +
         std::string(metadata) + R"(,"version":1,"origin":{"pid":0,"uid":0,"gid":0}})";
}

struct Refusal {
  std::string_view entry;
  std::string_view code;
  std::string_view path;
  std::string_view message;  ///< The start.
};

constexpr Refusal refusals[] = {
    {R"({})", "invalid_entry", "entry.message", "entry.message is missing"},
    {R"({"level":"info"})", "invalid_entry", "entry.message", "entry.message is missing"},
    {R"({"message":1})", "invalid_entry", "entry.message",
     "entry.message is 1; it must be a string"},
    {R"({"message":null})", "invalid_entry", "entry.message", "entry.message is null;"},
    {R"({"message":["m"]})", "invalid_entry", "entry.message", "entry.message is an array;"},
    {R"({"message":"m","message":"m"})", "invalid_entry", "entry.message",
     "entry.message is given twice"},
    {R"({"message":"m","mess\u0061ge":"n"})", "invalid_entry", "entry.message",
     "entry.message is given twice"},
    {R"({"mesage":"m"})", "invalid_entry", "entry.mesage",
     R"(entry has the unknown member "mesage"; an entry has timestamp, level, message, )"
     R"(metadata, version, and other data belongs in metadata; did you mean "message"?)"},
    {R"({"message":"m","seq":1})", "invalid_entry", "entry.seq",
     R"(entry has the unknown member "seq")"},
    {R"({"message":"m","origin":{"pid":1}})", "invalid_entry", "entry.origin",
     R"(entry has the unknown member "origin")"},
    {R"({"message":"m","level":"critical"})", "invalid_entry", "entry.level",
     R"(entry.level is "critical"; it must be one of trace, debug, info, warn, error, fatal)"},
    {R"({"message":"m","level":"Info"})", "invalid_entry", "entry.level",
     R"(entry.level is "Info"; it must be one of trace, debug, info, warn, error, fatal; did )"
     R"(you mean "info"?)"},
    {R"({"message":"m","level":3})", "invalid_entry", "entry.level", "entry.level is 3;"},
    {R"({"message":"m","timestamp":-1})", "invalid_entry", "entry.timestamp",
     "entry.timestamp is -1;"},
    {R"({"message":"m","timestamp":-0})", "invalid_entry", "entry.timestamp",
     "entry.timestamp is -0;"},
    {R"({"message":"m","timestamp":1.0})", "invalid_entry", "entry.timestamp",
     "entry.timestamp is 1.0;"},
    {R"({"message":"m","timestamp":1.5})", "invalid_entry", "entry.timestamp",
     "entry.timestamp is 1.5;"},
    {R"({"message":"m","timestamp":1e3})", "invalid_entry", "entry.timestamp",
     "entry.timestamp is 1e3;"},
    {R"({"message":"m","timestamp":18446744073709551616})", "invalid_entry", "entry.timestamp",
     "entry.timestamp is 18446744073709551616; it must be an integer from 0 to "
     "18446744073709551615"},
    {R"({"message":"m","timestamp":-9223372036854775809})", "invalid_entry", "entry.timestamp",
     "entry.timestamp is -9223372036854775809;"},
    {R"({"message":"m","timestamp":"0"})", "invalid_entry", "entry.timestamp",
     R"(entry.timestamp is "0";)"},
    {R"({"message":"m","timestamp":null})", "invalid_entry", "entry.timestamp",
     "entry.timestamp is null;"},
    {R"({"message":"m","version":2})", "unsupported_version", "entry.version",
     "entry.version is 2;"},
    {R"({"message":"m","version":0})", "unsupported_version", "entry.version",
     "entry.version is 0;"},
    {R"({"message":"m","version":-1})", "unsupported_version", "entry.version",
     "entry.version is -1;"},
    {R"({"message":"m","version":257})", "unsupported_version", "entry.version",
     "entry.version is 257;"},
    {R"({"message":"m","version":1.0})", "invalid_entry", "entry.version", "entry.version is 1.0;"},
    {R"({"message":"m","version":"1"})", "invalid_entry", "entry.version",
     R"(entry.version is "1";)"},
    {R"({"message":"m","metadata":[]})", "invalid_entry", "entry.metadata",
     "entry.metadata is an array; it must be an object"},
    {R"({"message":"m","metadata":null})", "invalid_entry", "entry.metadata",
     "entry.metadata is null;"},
    {R"({"message":"m","metadata":"{}"})", "invalid_entry", "entry.metadata",
     R"(entry.metadata is "{}";)"},
};

}  // namespace

BOOST_AUTO_TEST_SUITE(entry_test)

BOOST_AUTO_TEST_CASE(valid_entries_become_their_canonical_form) {
  struct Row {
    std::string_view entry;
    std::string canonical;
  };
  Row const rows[] = {
      {R"({"message":"m"})", canonical("0", "info", R"("m")", "{}")},
      {R"( { "version" : 1 , "metadata" : { } , "message" : "" , "level" : "warn" } )",
       canonical("0", "warn", R"("")", "{}")},
      {R"({"message":"m","timestamp":18446744073709551615})",
       canonical("18446744073709551615", "info", R"("m")", "{}")},
      {R"({"message":"m","timestamp":0})", canonical("0", "info", R"("m")", "{}")},
      {R"({"message":"\u0061\/\u00e9\ud83d\ude00\u0000\u001F\b\f\n\r\t\"\\"})",
       canonical("0", "info", "\"a/é😀\\u0000\\u001f\\b\\f\\n\\r\\t\\\"\\\\\"", "{}")},
      {"{\"message\":\"\x7f é 😀\"}", canonical("0", "info", "\"\x7f é 😀\"", "{}")},
      {R"({"m\u0065ssage":"m","l\u0065vel":"f\u0061tal"})",
       canonical("0", "fatal", R"("m")", "{}")},
  };
  for (auto const& row : rows) {
    BOOST_TEST_CONTEXT(row.entry) {
      auto const parsed = parse_entry(row.entry);
      BOOST_TEST(parsed.message == "");
      BOOST_REQUIRE(parsed.entries.size() == 1u);
      BOOST_TEST(parsed.entries[0] == row.canonical);
    }
  }
}

BOOST_AUTO_TEST_CASE(every_level_is_taken) {
  for (std::string const level : {"trace", "debug", "info", "warn", "error", "fatal"}) {
    auto const parsed = parse_entry(R"({"message":"m","level":")" + level + "\"}");
    BOOST_REQUIRE(parsed.entries.size() == 1u);
    BOOST_TEST(parsed.entries[0] == canonical("0", level, R"("m")", "{}"));
  }
}

BOOST_AUTO_TEST_CASE(what_breaks_the_data_model_is_refused_with_its_path) {
  for (auto const& row : refusals) {
    BOOST_TEST_CONTEXT(row.entry) {
      auto const parsed = parse_entry(row.entry);
      BOOST_TEST(parsed.code == row.code);
      BOOST_TEST(parsed.message.substr(0, row.message.size()) == row.message);
      BOOST_TEST(parsed.detail.starts_with(R"({"path":")" + std::string(row.path) + '"'),
                 parsed.detail);
    }
  }
}

BOOST_AUTO_TEST_CASE(an_error_in_a_batch_names_the_entry) {
  auto const parsed =
      parse(R"({"op":"write_many_logs","entries":[{"message":"a"},{"message":"b"},{"message":"c"},)"
            R"({"message":"d","level":"loud"},{"bad":0}]})");
  BOOST_TEST(parsed.code == "invalid_entry");
  BOOST_TEST(parsed.message.starts_with(R"(entries[3].level is "loud";)"), parsed.message);
  BOOST_TEST(parsed.detail == R"({"path":"entries[3].level"})");
}

BOOST_AUTO_TEST_CASE(client_bytes_in_a_message_are_escaped_and_cut) {
  auto const parsed =
      parse_entry("{\"message\":\"m\",\"a\\u001b[2J" + std::string(100, 'x') + "\":1}");
  BOOST_TEST(parsed.message.starts_with("entry has the unknown member \"a\\x1b[2J" +
                                        std::string(59, 'x') + "…\";"),
             parsed.message);
}

BOOST_AUTO_TEST_CASE(a_message_may_have_exactly_1_mib_and_no_byte_more) {
  auto const limit = stele::protocol::entry_bytes_default;
  BOOST_TEST(parse_entry("{\"message\":\"" + std::string(limit, 'm') + "\"}").entries.size() == 1u);
  auto const parsed = parse_entry("{\"message\":\"" + std::string(limit + 1, 'm') + "\"}");
  BOOST_TEST(parsed.code == "entry_too_large");
  BOOST_TEST(parsed.detail ==
             R"({"path":"entry","entry_bytes_max":1048576,"entry_bytes":1048577})");
}

BOOST_AUTO_TEST_CASE(size_counts_unescaped_message_and_canonical_metadata) {
  struct Row {
    std::string_view entry;
    std::size_t bytes;
  };
  static constexpr Row rows[] = {
      {R"({"message":"12345"})", 5},
      {R"({"message":"12345","metadata":{ }})", 5},
      {R"({"message":"\u00e9\n\ud83d\ude00"})", 7},
      {R"({"metadata":{ "a" : 1.0 },"message":""})", 9},
      {R"({"metadata":{ "\u0061" : "\u00e9" },"message":"xy"})", 12},
  };
  for (auto const& row : rows) {
    BOOST_TEST_CONTEXT(row.entry) {
      BOOST_TEST(parse_entry(row.entry, {row.bytes}).entries.size() == 1u);
      auto const parsed = parse_entry(row.entry, {row.bytes - 1});
      BOOST_TEST(parsed.code == "entry_too_large");
      BOOST_TEST(parsed.detail == R"({"path":"entry","entry_bytes_max":)" +
                                      std::to_string(row.bytes - 1) + R"(,"entry_bytes":)" +
                                      std::to_string(row.bytes) + "}");
    }
  }
}

BOOST_AUTO_TEST_CASE(no_entry_is_refused_for_its_timestamp) {
  for (std::string const timestamp :
       {"0", "1", "9223372036854775807", "9223372036854775808", "18446744073709551615"}) {
    BOOST_TEST(parse_entry(R"({"message":"m","timestamp":)" + timestamp + "}").entries.size() ==
               1u);
  }
}

BOOST_AUTO_TEST_SUITE_END()
