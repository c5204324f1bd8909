#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>

#include "protocol/limits.hpp"
#include "protocol/parsed.hpp"
#include "protocol/text/json_text.hpp"

namespace {

using namespace stele;
using namespace stele::protocol;
using test::parse;
using test::parse_line;

struct Bad {
  std::string_view text;
  std::string_view code;
  std::string_view id;
  std::string_view message;  ///< The start.
};

void check(Bad const& row) {
  BOOST_TEST_CONTEXT(row.text) {
    auto const parsed = parse(row.text);
    BOOST_TEST(parsed.code == row.code);
    BOOST_TEST(parsed.id == row.id);
    BOOST_TEST(parsed.message.substr(0, row.message.size()) == row.message);
    BOOST_TEST(is_utf8(parsed.message));
    auto const detail = boost::json::parse(parsed.detail).as_object();
    BOOST_TEST(detail.contains("path"), parsed.detail);
    BOOST_TEST(detail.contains("offset") == (row.code == "bad_json"), parsed.detail);
  }
}

constexpr Bad no_requests[] = {
    {"[]", "bad_request", "", "a request is one JSON object"},
    {"7", "bad_request", "", "a request is one JSON object"},
    {"null", "bad_request", "", "a request is one JSON object"},
    {R"("ping")", "bad_request", "", "a request is one JSON object"},
    {R"([{"op":"ping"}])", "bad_request", "", "a request is one JSON object"},
    {"{}", "bad_request", "", R"(the request has no "op"; it must be one of hello, ping)"},
    {R"({"id":4,"message":"m"})", "bad_request", "4", R"(the request has no "op")"},
    {R"({"op":null,"id":4})", "bad_request", "4", R"("op" is null; it must be a string)"},
    {R"({"op":["ping"],"id":4})", "bad_request", "4", R"("op" is an array;)"},
    {R"({"op":"wirte_log","id":4})", "unknown_op", "4",
     R"(there is no operation "wirte_log"; known are hello, ping, stats, write_log, )"
     R"(write_many_logs, read_logs, count_logs, cancel, audit, report_dropped, confirm, )"
     R"(acknowledge, help; )"
     R"(did you mean "write_log"?)"},
    {R"({"op":"","id":4})", "unknown_op", "4", R"(there is no operation "";)"},
    {R"({"op":"PING","id":4})", "unknown_op", "4", R"(there is no operation "PING";)"},
    {R"({"op":"cancel","id":4})", "bad_request", "4", R"(cancel needs "target", such as)"},
    {R"({"op":"cancel","target":1.5,"id":4})", "bad_request", "4",
     R"("target" is 1.5; it must be an integer or a string)"},
    {R"({"op":"read_logs","follow":1,"id":4})", "bad_request", "4",
     R"("follow" is 1; it must be true or false)"},
    {R"({"op":"read_logs","follow":true,"order":"desc","id":4})", "bad_request", "4",
     R"(a follow takes no "order": it goes by rising seq)"},
    {R"({"op":"read_logs","follow":true,"cursor":"c","id":4})", "bad_request", "4",
     R"(a follow takes no "cursor": it goes on behind "after_seq")"},
    {R"({"op":"count_logs","follow":true,"id":4})", "bad_request", "4",
     R"(count_logs has no member "follow";)"},
    {R"({"id":4,"entry":{"bad":0},"op":"nonsense"})", "unknown_op", "4", ""},
    {R"({"op":"ping","op":"ping","id":4})", "bad_request", "4", R"("op" is given twice;)"},
    {R"({"op":"ping","\u006fp":"ping","id":4})", "bad_request", "4", R"("op" is given twice;)"},
    {R"({"op":"ping","id":4,"id":5})", "bad_request", "4", R"("id" is given twice;)"},
    {R"({"op":"ping","id":1.5})", "bad_request", "", R"("id" is 1.5; it must be an integer)"},
    {R"({"op":"ping","id":null})", "bad_request", "", R"("id" is null;)"},
    {R"({"op":"ping","id":{}})", "bad_request", "", R"("id" is an object;)"},
    {R"({"op":"ping","id":18446744073709551616})", "bad_request", "", R"("id" is 1844)"},
    {R"({"op":"read_logs","filter":{"a":{"b":1}},"id":4})", "bad_request", "4",
     R"(read_logs has no member "filter"; it takes op, id, start_ts, end_ts, after_seq, )"
     R"(min_level, contains, where, origin, order, limit, cursor, follow)"},
    {R"({"op":"read_logs","bucket_us":1,"id":4})", "bad_request", "4",
     R"(read_logs has no member "bucket_us";)"},
    {R"({"op":"count_logs","limit":1,"id":4})", "bad_request", "4",
     R"(count_logs has no member "limit"; it takes op, id, start_ts, end_ts, after_seq, )"
     R"(min_level, contains, where, origin, bucket_us)"},
    {R"({"op":"ping","where":{"a":[{"b":1}]},"id":4})", "bad_request", "4",
     R"(ping has no member "where"; it takes op, id)"},
    {R"({"op":"read_logs","start":1,"id":4})", "bad_request", "4",
     R"(read_logs has no member "start";)"},
    {R"({"op":"read_logs","end_tz":1,"id":4})", "bad_request", "4",
     R"(read_logs has no member "end_tz"; it takes op, id, start_ts, end_ts, after_seq, )"
     R"(min_level, contains, where, origin, order, limit, cursor, follow; did you mean "end_ts"?)"},
    {R"({"op":"ping","entry":{"message":"m"},"id":4})", "bad_request", "4",
     R"(ping has no member "entry"; it takes op, id)"},
    {R"({"op":"write_log","entries":[{"message":"m"}],"id":4})", "bad_request", "4",
     R"(write_log has no member "entries"; it takes op, id, entry, write_no)"},
    {R"({"op":"write_log","entry":{"message":"m"},"write_no":0,"id":4})", "bad_request", "4",
     R"("write_no" is 0; it must be an integer from 1 to 9223372036854775807)"},
    {R"({"op":"write_log","entry":{"message":"m"},"write_no":9223372036854775808,"id":4})",
     "bad_request", "4", R"("write_no" is 9223372036854775808; it must be an integer from 1 to)"},
    {R"({"op":"hello","since_seq":1,"id":4})", "bad_request", "4",
     R"("since_seq" is about a writer, and none is given)"},
    {R"({"op":"write_log","entry":{"message":"m"},"write_no":"1","id":4})", "bad_request", "4",
     R"("write_no" is "1";)"},
    {R"({"op":"write_log","entry":{"message":"m"},"writer":"a","id":4})", "bad_request", "4",
     R"(write_log has no member "writer";)"},
    {R"({"op":"hello","writer":"a","id":4})", "bad_request", "4",
     R"("writer" is "a"; it must be a string of 32 hexadecimal digits, not all 0)"},
    {R"({"op":"hello","writer":7,"id":4})", "bad_request", "4", R"("writer" is 7;)"},
    {R"({"op":"hello","writer":"00000000000000000000000000000000","id":4})", "bad_request", "4",
     R"("writer" is "00000000000000000000000000000000";)"},
    {R"({"op":"write_log","id":4})", "bad_request", "4", R"(write_log needs "entry", such as)"},
    {R"({"op":"write_many_logs","id":4})", "bad_request", "4",
     R"(write_many_logs needs "entries", such as)"},
    {R"({"op":"write_log","entry":[],"id":4})", "bad_request", "4",
     R"("entry" is an array; it must be an object)"},
    {R"({"op":"write_log","entry":"m","id":4})", "bad_request", "4", R"("entry" is "m";)"},
    {R"({"op":"write_many_logs","entries":{},"id":4})", "bad_request", "4",
     R"("entries" is an object; it must be an array of objects)"},
    {R"({"op":"write_many_logs","entries":{"a":{"message":"m"}},"id":4})", "bad_request", "4",
     R"("entries" is an object;)"},
    {R"({"op":"write_many_logs","entries":[],"id":4})", "bad_request", "4",
     R"("entries" is empty; it must hold at least one entry)"},
    {R"({"op":"write_many_logs","entries":[{"message":"m"},7],"id":4})", "bad_request", "4",
     R"("entries[1]" is 7; it must be an object)"},
    {R"({"op":"write_many_logs","entries":[[{"message":"m"}]],"id":4})", "bad_request", "4",
     R"("entries[0]" is an array;)"},
    {R"({"op":"read_logs","start_ts":-1,"id":4})", "bad_request", "4",
     R"("start_ts" is -1; it must be an integer from 0 to 18446744073709551615)"},
    {R"({"op":"read_logs","end_ts":18446744073709551616,"id":4})", "bad_request", "4",
     R"("end_ts" is 18446744073709551616;)"},
    {R"({"op":"read_logs","start_ts":1.5,"id":4})", "bad_request", "4", R"("start_ts" is 1.5;)"},
    {R"({"op":"read_logs","limit":-1,"id":4})", "bad_request", "4", R"("limit" is -1;)"},
    {R"({"op":"read_logs","limit":null,"id":4})", "bad_request", "4", R"("limit" is null;)"},
    {R"({"op":"read_logs","order":"up","id":4})", "bad_request", "4",
     R"("order" is "up"; it must be "asc" (oldest first) or "desc" (newest first))"},
    {R"({"op":"read_logs","order":1,"id":4})", "bad_request", "4", R"("order" is 1;)"},
    {R"({"op":"read_logs","cursor":1,"id":4})", "bad_request", "4", R"("cursor" is 1;)"},
    {R"({"op":"acknowledge","first_seq":1,"id":4})", "bad_request", "4",
     R"(acknowledge needs "last_seq", such as {"op":"acknowledge",)"},
    {R"({"op":"acknowledge","first_seq":0,"last_seq":5,"id":4})", "bad_request", "4",
     R"("first_seq" is 0; seqs begin with 1)"},
    {R"({"op":"acknowledge","first_seq":6,"last_seq":5,"id":4})", "bad_request", "4",
     R"("last_seq" is 5, below "first_seq", 6)"},
    {R"({"op":"report_dropped","id":4})", "bad_request", "4",
     R"(report_dropped needs "count", such as {"op":"report_dropped","count":12})"},
    {R"({"op":"report_dropped","count":0,"id":4})", "bad_request", "4",
     R"("count" is 0; it must be an integer from 1 to 18446744073709551615)"},
    {R"({"op":"report_dropped","count":-1,"id":4})", "bad_request", "4", R"("count" is -1;)"},
    {R"({"op":"report_dropped","count":1,"writer":"ab","id":4})", "bad_request", "4",
     R"("writer" is "ab"; it must be a string of 32 hexadecimal digits, not all 0)"},
    {R"({"op":"confirm","seq":1,"id":4})", "bad_request", "4",
     R"(confirm needs "consumer", such as )"},
    {R"({"op":"confirm","consumer":"a","id":4})", "bad_request", "4",
     R"(confirm needs "seq", such as )"},
    {R"({"op":"confirm","consumer":7,"seq":1,"id":4})", "bad_request", "4", R"("consumer" is 7;)"},
    {R"({"op":"confirm","consumer":"a","seq":-1,"id":4})", "bad_request", "4", R"("seq" is -1;)"},
    {R"({"op":"report_dropped","count":1,"writer":7,"id":4})", "bad_request", "4",
     R"("writer" is 7;)"},
    {R"({"op":"audit","end_ts":1,"id":4})", "bad_request", "4",
     R"(audit has no member "end_ts"; it takes op, id, start_ts)"},
    {R"({"op":"hello","client":1,"id":4})", "bad_request", "4", R"("client" is 1;)"},
};

/// Members of a read.
constexpr Bad no_terms[] = {
    {R"("after_seq":-1)", "bad_request", "", R"("after_seq" is -1; it must be an integer from 0)"},
    {R"("after_seq":"1")", "bad_request", "", R"("after_seq" is "1";)"},
    {R"("min_level":"warning")", "bad_request", "",
     R"("min_level" is "warning"; it must be one of trace, debug, info, warn, error, fatal)"},
    {R"("min_level":3)", "bad_request", "", R"("min_level" is 3; it must be one of trace,)"},
    {R"("contains":1)", "bad_request", "", R"("contains" is 1; it must be a string of at most)"},
    {R"("where":[])", "bad_request", "", R"("where" is an array; it must be an object of)"},
    {R"("where":"a")", "bad_request", "", R"("where" is "a";)"},
    {R"("where":{"a":1,"\u0061":2})", "bad_request", "",
     R"("where" has two members with the name "a" in one object)"},
    {R"("where":{"a":{"b":1,"b":1}})", "bad_request", "",
     R"("where" has two members with the name "b" in one object)"},
    {R"("where":{"a":1e400})", "bad_request", "", R"("where" holds the number 1e400, which)"},
    {R"("where":{},"where":{})", "bad_request", "", R"("where" is given twice;)"},
    {R"("origin":5)", "bad_request", "", R"("origin" is 5; it must be an object with pid or uid)"},
    {R"("origin":{"gid":5})", "bad_request", "",
     R"("origin" has no member "gid"; it takes pid, uid; did you mean "pid"?)"},
    {R"("origin":{"pid":1,"pid":2})", "bad_request", "",
     R"("origin" has two members with the name "pid")"},
    {R"("origin":{"pid":-1})", "bad_request", "",
     R"("origin"'s pid is -1; it must be an integer from 0 to 2147483647)"},
    {R"("origin":{"uid":4294967296})", "bad_request", "", R"("origin"'s uid is 4294967296;)"},
    {R"("origin":{"uid":{"pid":1}})", "bad_request", "", R"("origin"'s uid is an object;)"},
    {R"("origin":{"uid":[[1]]})", "bad_request", "", R"("origin"'s uid is an array;)"},
    {R"("bucket_us":0)", "bad_request", "", R"("bucket_us" is 0; it must be an integer from 1)"},
    {R"("bucket_us":1.5)", "bad_request", "", R"("bucket_us" is 1.5; it must be an integer)"},
};

constexpr Bad no_json[] = {
    {"", "bad_json", "", "the JSON text ends too early, at byte 0"},
    {"  ", "bad_json", "", "the JSON text ends too early, at byte 2"},
    {R"({"id":4,"op":"ping")", "bad_json", "4", "the JSON text ends too early, at byte 19"},
    {R"({"id":4,"op":"ping"}x)", "bad_json", "4", "one JSON object is expected, but more"},
    {R"({"id":4,"op":"ping"}{"op":"ping"})", "bad_json", "4", "one JSON object is expected"},
    {R"({"id":4,"op":"ping",})", "bad_json", "4", "the text is not valid JSON"},
    {R"({"id":4,"op":'ping'})", "bad_json", "4", "the text is not valid JSON"},
    {R"({"id":4,"op":"read_logs","limit":NaN})", "bad_json", "4", "the text is not valid JSON"},
    {R"({"id":4,"op":"read_logs","limit":Infinity})", "bad_json", "4", ""},
    {R"({"id":4,"op":"read_logs","limit":01})", "bad_json", "4", ""},
    {R"({"id":4,"op":"read_logs","limit":+1})", "bad_json", "4", ""},
    {R"({"id":4,"op":"read_logs","limit":1.})", "bad_json", "4", ""},
    {R"({"id":4,"op":"pi\ud800ng"})", "bad_json", "4", ""},
    {R"({"id":4,"op":"pi\udc00ng"})", "bad_json", "4", ""},
    {R"({"id":4,"op":"pi\x41ng"})", "bad_json", "4", ""},
    {"{\"id\":4,\"op\":\"pi\tng\"}", "bad_json", "4", "the text is not valid JSON"},
    {"{\"id\":4,\"op\":\"pi\nng\"}", "bad_json", "4", ""},
    {{"{\"id\":4,\"op\":\"pi\0ng\"}", 19}, "bad_json", "4", ""},
    {"{\"id\":4,\"op\":\"pi\xff\"}", "bad_json", "4", "the text is not valid UTF-8 at byte 16"},
    {"{\"id\":4,\"op\":\"pi\xc3\"}", "bad_json", "4", "the text is not valid UTF-8 at byte 16"},
    {"{\"id\":4,\"op\":\"\xed\xa0\x80\"}", "bad_json", "4", "the text is not valid UTF-8"},
    {"{\"id\":4,\"op\":\"\xc0\x80\"}", "bad_json", "4", "the text is not valid UTF-8"},
    {"{\"id\":4,\"op\":\"\xe2\x82", "bad_json", "4", "the text is not valid UTF-8 at byte 14"},
    {"\xef\xbb\xbf{\"op\":\"ping\"}", "bad_json", "", "the text starts with a byte order mark"},
    {"\xff\xfe", "bad_json", "", "the text is not valid UTF-8 at byte 0"},
    {"/* no */{}", "bad_json", "", ""},
    {"{\"id\":4,\"op\":\"write_log\",\"entry\":{\"message\":\"a\xff\"}}", "bad_json", "4", ""},
};

}  // namespace

BOOST_AUTO_TEST_SUITE(request_parser_test)

BOOST_AUTO_TEST_CASE(every_operation_is_taken) {
  BOOST_TEST(parse(R"({"op":"hello"})").op == "hello");
  BOOST_TEST(parse(R"({"op":"hello","client":"caf\u00e9"})").client == "café");
  BOOST_TEST(parse(R"({"op":"ping"})").op == "ping");
  BOOST_TEST(parse(R"({"op":"stats"})").op == "stats");
  BOOST_TEST(parse(R"({"op":"help"})").op == "help");
  BOOST_TEST(parse(R"({"op":"write_log","entry":{"message":"m"}})").op == "write_log");
  BOOST_TEST(parse(R"({"op":"write_many_logs","entries":[{"message":"m"}]})").op ==
             "write_many_logs");
  BOOST_TEST(parse(R"({"op":"read_logs"})").op == "read_logs");
  BOOST_TEST(parse(R"({"op":"count_logs"})").op == "count_logs");
  BOOST_TEST(parse(R"({"op":"audit"})").op == "audit");
  BOOST_TEST(parse(R"({"op":"report_dropped","count":1})").op == "report_dropped");
  BOOST_TEST(parse(R"({"op":"confirm","consumer":"a","seq":0})").op == "confirm");
  BOOST_TEST(parse(" \t\r\n{ \"op\" : \"p\\u0069ng\" } \r\n").op == "ping");
}

BOOST_AUTO_TEST_CASE(a_read_has_defaults_and_takes_its_members) {
  auto const all = parse(R"({"op":"read_logs"})");
  BOOST_TEST(all.read.start_ts == 0u);
  BOOST_TEST(all.read.end_ts == UINT64_MAX);
  BOOST_TEST((all.read.order == Order::asc));
  BOOST_TEST(!all.read.limit);
  BOOST_TEST(all.cursor == "");

  auto const some =
      parse(R"({"cursor":"c\n1","limit":0,"order":"desc","end_ts":18446744073709551615,)"
            R"("start_ts":5,"op":"read_logs"})");
  BOOST_TEST(some.read.start_ts == 5u);
  BOOST_TEST(some.read.end_ts == UINT64_MAX);
  BOOST_TEST((some.read.order == Order::desc));
  BOOST_TEST(some.read.limit.value() == 0u);
  BOOST_TEST(some.cursor == "c\n1");
  BOOST_TEST(parse(R"({"op":"read_logs","cursor":null})").op == "read_logs");
}

BOOST_AUTO_TEST_CASE(a_read_takes_terms_and_gives_them_in_canonical_form) {
  auto const none = parse(R"({"op":"read_logs"})").read.filter;
  BOOST_TEST(!none.after_seq);
  BOOST_TEST((none.min_level == Level::trace));
  BOOST_TEST((!none.pid && !none.uid));

  auto const all =
      parse(R"({"where": { "a" : [1.0, {"b":"\u0061\n"}], "c" : null },"contains":"\u0061\n",)"
            R"("origin": {"uid":4294967295, "pid":0},"min_level":"warn","op":"read_logs",)"
            R"("after_seq":18446744073709551615})");
  BOOST_TEST(all.where == R"({"a":[1.0,{"b":"a\n"}],"c":null})");
  BOOST_TEST(all.contains == "a\n");
  BOOST_TEST((all.read.filter.min_level == Level::warn));
  BOOST_TEST(all.read.filter.after_seq.value() == UINT64_MAX);
  BOOST_TEST(all.read.filter.pid.value() == 0);
  BOOST_TEST(all.read.filter.uid.value() == UINT32_MAX);
  BOOST_TEST(parse(R"({"op":"read_logs","where":{},"origin":{},"contains":""})").op == "read_logs");
}

BOOST_AUTO_TEST_CASE(a_hello_takes_a_writer_and_a_write_its_number) {
  BOOST_TEST(parse(R"({"op":"hello","writer":"00112233445566778899AABBCCDDEEFF"})").writer ==
             "00112233445566778899aabbccddeeff");
  BOOST_TEST(parse(R"({"op":"hello"})").writer == "");
  BOOST_TEST(parse(R"({"op":"write_log","entry":{"message":"m"}})").write_no == 0u);
  BOOST_TEST(parse(R"({"write_no":9223372036854775807,"op":"write_many_logs",)"
                   R"("entries":[{"message":"m"}]})")
                 .write_no == 9223372036854775807u);
}

BOOST_AUTO_TEST_CASE(the_number_of_a_write_that_fails_is_known) {
  auto const parsed = parse(R"({"op":"write_log","write_no":7,"entry":{}})");
  BOOST_TEST(parsed.code == "invalid_entry");
  BOOST_TEST(parsed.write_no == 7u);
}

BOOST_AUTO_TEST_CASE(a_read_may_follow_and_a_cancel_names_it) {
  BOOST_TEST(parse(R"({"op":"read_logs","follow":true,"order":"asc","after_seq":7})").read.follow);
  BOOST_TEST(!parse(R"({"op":"read_logs","follow":false,"order":"desc"})").read.follow);
  BOOST_TEST(!parse(R"({"op":"read_logs"})").read.follow);
  BOOST_TEST(parse(R"({"op":"cancel","target":"\u0061","id":4})").target == R"("a")");
  BOOST_TEST(parse(R"({"op":"cancel","target":-7})").target == "-7");
}

BOOST_AUTO_TEST_CASE(a_count_takes_the_members_of_a_read_and_a_bucket) {
  auto const count = parse(R"({"op":"count_logs","start_ts":5,"end_ts":7,"min_level":"fatal",)"
                           R"("bucket_us":18446744073709551615})");
  BOOST_TEST(count.read.start_ts == 5u);
  BOOST_TEST(count.read.end_ts == 7u);
  BOOST_TEST((count.read.filter.min_level == Level::fatal));
  BOOST_TEST(count.bucket_us.value() == UINT64_MAX);
  BOOST_TEST(!parse(R"({"op":"count_logs"})").bucket_us);
}

BOOST_AUTO_TEST_CASE(terms_that_mean_nothing_are_refused_by_name) {
  for (auto row : no_terms) {
    auto const text = R"({"op":"count_logs",)" + std::string(row.text) + "}";
    row.text = text;
    check(row);
  }
}

BOOST_AUTO_TEST_CASE(terms_are_taken_up_to_their_limits) {
  auto const read = [](std::string const& member) {
    return parse(R"({"op":"read_logs",)" + member + "}").code;
  };
  auto const text = [](std::size_t bytes) { return '"' + std::string(bytes, 'x') + '"'; };
  BOOST_TEST(read("\"contains\":" + text(contains_bytes_max)) == "");
  BOOST_TEST(read("\"contains\":" + text(contains_bytes_max + 1)) == "bad_request");
  BOOST_TEST(read("\"where\":{\"a\":" + text(where_bytes_max - 8) + "}") == "");
  BOOST_TEST(read("\"where\":{\"a\":" + text(where_bytes_max - 7) + "}") == "bad_request");
  auto const members = [](std::size_t count) {
    std::string object = "\"where\":{\"inner\":{\"a\":1,\"b\":2}";
    for (std::size_t i = 1; i < count; ++i) object += ",\"" + std::to_string(i) + "\":1";
    return object + "}";
  };
  BOOST_TEST(read(members(where_members_max)) == "");
  BOOST_TEST(read(members(where_members_max + 1)) == "bad_request");
}

BOOST_AUTO_TEST_CASE(members_come_in_any_order) {
  auto const parsed =
      parse(R"({"entries":[{"message":"a"},{"message":"b"}],"id":"x","op":"write_many_logs"})");
  BOOST_TEST(parsed.op == "write_many_logs");
  BOOST_TEST(parsed.entries.size() == 2u);
  BOOST_TEST(parsed.id == R"("x")");
}

BOOST_AUTO_TEST_CASE(ids_are_echoed_as_canonical_text) {
  BOOST_TEST(parse(R"({"op":"ping"})").id == "");
  BOOST_TEST(parse(R"({"op":"ping","id":7})").id == "7");
  BOOST_TEST(parse(R"({"op":"ping","id":-9223372036854775808})").id == "-9223372036854775808");
  BOOST_TEST(parse(R"({"op":"ping","id":18446744073709551615})").id == "18446744073709551615");
  BOOST_TEST(parse(R"({"op":"ping","id":""})").id == R"("")");
  BOOST_TEST(parse(R"({"op":"ping","id":"\u0061\n\u00e9"})").id == "\"a\\né\"");
  auto const longest = '"' + std::string(254, 'i') + '"';
  BOOST_TEST(parse(R"({"op":"ping","id":)" + longest + "}").id == longest);
}

BOOST_AUTO_TEST_CASE(what_is_no_request_is_refused_by_name) {
  for (auto const& row : no_requests) check(row);
  check({"{\"op\":\"ping\",\"id\":\"" + std::string(255, 'i') + "\"}", "bad_request", "",
         R"("id" is longer than 256 bytes)"});
}

BOOST_AUTO_TEST_CASE(what_is_no_json_is_refused_with_its_offset) {
  for (auto const& row : no_json) check(row);
}

BOOST_AUTO_TEST_CASE(every_cut_of_a_request_is_bad_json) {
  std::string_view const whole =
      R"({"op":"write_log","entry":{"message":"a\u00e9b","metadata":{"n":[1.5e2,-0]}},"id":"7"})";
  BOOST_TEST(parse(whole).op == "write_log");
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
    BOOST_TEST(parse(whole.substr(0, bytes)).code == "bad_json", bytes);
  }
}

BOOST_AUTO_TEST_CASE(a_parser_forgets_the_request_before) {
  RequestParser parser;
  std::string_view const good =
      R"({"op":"write_many_logs","id":1,"entries":[{"message":"a\n","level":"warn"}]})";
  for (std::string_view const other :
       {R"({"op":"write_log","entry":{"message":1},"id":2})", R"({"op":"write_log","entry":{"mes)",
        R"({"op":"read_logs","limit":3,"cursor":"c","order":"desc"})", "[[[[", "{}"}) {
    BOOST_TEST(test::to_values(parser.parse(other)).entries.empty());
    auto const parsed = test::to_values(parser.parse(good));
    BOOST_TEST(parsed.id == "1");
    BOOST_REQUIRE(parsed.entries.size() == 1u);
    BOOST_TEST(parsed.entries[0].find(R"("level":"warn","message":"a\n")") != std::string::npos);
  }
  auto const read = test::to_values(parser.parse(R"({"op":"read_logs"})"));
  BOOST_TEST(!read.read.limit);
  BOOST_TEST(read.cursor == "");
  BOOST_TEST((read.read.order == Order::asc));
}

BOOST_AUTO_TEST_CASE(a_failed_write_is_known_as_one) {
  RequestParser parser;
  for (std::string_view const text :
       {R"({"op":"write_log"})", R"({"op":"write_many_logs","entries":[]})",
        R"({"entry":{"bad":1},"op":"write_log"})", R"({"op":"write_log","entry":)"}) {
    BOOST_TEST(parser.parse(text).is_write, text);
  }
  for (std::string_view const text : {R"({"op":"ping","x":1})", R"({"op":"write"})", "{}", "{"}) {
    BOOST_TEST(!parser.parse(text).is_write, text);
  }
}

BOOST_AUTO_TEST_CASE(a_moved_parser_parses) {
  RequestParser first;
  RequestParser second(std::move(first));
  BOOST_TEST(second.parse(R"({"op":"ping"})").request.has_value());
}

BOOST_AUTO_TEST_CASE(the_line_form_takes_json_and_bare_words) {
  BOOST_TEST(parse_line("ping").op == "ping");
  BOOST_TEST(parse_line(" \tstats \r").op == "stats");
  BOOST_TEST(parse_line("help").op == "help");
  BOOST_TEST(parse_line(R"(  {"op":"ping","id":1} )").op == "ping");
  BOOST_TEST(parse_line("tail").read.follow);
  BOOST_TEST(parse_line("tail").read.limit.value() == 10u);
  BOOST_TEST(parse_line("{").code == "bad_json");
  BOOST_TEST(parse_line("\xef\xbb\xbf{\"op\":\"ping\"}").code == "bad_json");
}

BOOST_AUTO_TEST_CASE(any_other_line_is_told_what_to_type) {
  for (std::string const line : {"Ping", "hello", "write_log", "follow", "[1]", "GET / HTTP/1.1",
                                 "\xff\xfe", "ping ping", "\"ping\"", "17"}) {
    BOOST_TEST_CONTEXT(line) {
      auto const parsed = parse_line(line);
      BOOST_TEST(parsed.code == "bad_request");
      BOOST_TEST(parsed.message.find(R"(type for example {"op":"write_log")") != std::string::npos);
      BOOST_TEST(is_utf8(parsed.message));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
