#include "protocol/reply/reply.hpp"

#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>

#include "protocol/entry/canonical_entry.hpp"
#include "protocol/exact_buffer.hpp"
#include "protocol/request/operations.hpp"
#include "protocol/request/request.hpp"

namespace {

using namespace stele;
using namespace stele::protocol;
using stele::test::ExactBuffer;

Reply parsed(std::string_view text) {
  ExactBuffer const buffer(text);
  auto reply = parse_reply(buffer.text());
  BOOST_REQUIRE_MESSAGE(reply.has_value(), text);
  return *std::move(reply);
}

std::string reply_with_entries(std::vector<EntryDraft> const& drafts) {
  std::string out;
  append_entries_start(out, "9");
  for (std::size_t i = 0; i < drafts.size(); ++i) {
    if (i > 0) out += ',';
    append_canonical_entry(out, drafts[i], {i + 1, i + 100, {-1, 2, 3}});
  }
  append_entries_end(out, "next");
  return out;
}

std::vector<EntryDraft> const sample_drafts{
    {{}, Level::info, R"("plain")", "{}"},
    {{}, Level::warn, R"("q\"b\\n\nu\u0000\u001fé😀")", R"({"a":"}\"{","b":[{"c":{}}]})"},
    {{}, Level::fatal, R"("")", R"({"version":1,"origin":{"pid":7},"s":"\\"})"},
};

}  // namespace

BOOST_AUTO_TEST_SUITE(reply_test)

BOOST_AUTO_TEST_CASE(replies_are_written_as_documented) {
  std::string out;
  append_ok(out, "");
  BOOST_TEST(out == R"({"ok":true})");
  out.clear();
  append_ok(out, R"("a")");
  BOOST_TEST(out == R"({"id":"a","ok":true})");
  out.clear();
  append_write_log_reply(out, "7", {12, 12});
  BOOST_TEST(out == R"({"id":7,"ok":true,"seq":12})");
  out.clear();
  append_write_log_reply(out, "7", {12, 12, true});
  BOOST_TEST(out == R"({"id":7,"ok":true,"seq":12,"dup":true})");
  out.clear();
  append_write_many_logs_reply(out, "7", {12, 13});
  BOOST_TEST(out == R"({"id":7,"ok":true,"first_seq":12,"last_seq":13})");
  out.clear();
  append_entries_start(out, "");
  append_entries_more(out);
  BOOST_TEST(out == R"({"ok":true,"entries":[],"more":true})");
  out.clear();
  append_entries_start(out, "");
  append_entries_end(out, "");
  BOOST_TEST(out == R"({"ok":true,"entries":[],"more":false,"cursor":null})");
}

BOOST_AUTO_TEST_CASE(a_failure_says_its_code_whether_to_retry_and_its_detail) {
  std::string out;
  append_failure(out, "7", Failure(Error::no_space, "full \"disk\"\n", R"({"a":1})"),
                 WriteState::not_written);
  BOOST_TEST(out == R"({"id":7,"ok":false,"state":"not_written","error":{"code":"no_space",)"
                    R"("message":"full \"disk\"\n","retryable":true,"detail":{"a":1}}})");
  out.clear();
  append_failure(out, "", Failure(Error::bad_json, "m"));
  BOOST_TEST(out == R"({"ok":false,"error":{"code":"bad_json","message":"m","retryable":false,)"
                    R"("detail":{}}})");
}

BOOST_AUTO_TEST_CASE(codes_of_other_libraries_travel_as_internal) {
  std::string out;
  append_failure(out, "", Failure(make_error_code(boost::system::errc::io_error), "m"));
  BOOST_TEST(out.find(R"("code":"internal")") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(every_failure_comes_back) {
  for (int i = static_cast<int>(error_first); i <= static_cast<int>(error_last); ++i) {
    for (auto const state : {std::optional<WriteState>(), std::optional(WriteState::unknown),
                             std::optional(WriteState::not_written)}) {
      Failure const failure(static_cast<Error>(i), "why\n", R"({"n":[1.0]})");
      std::string out;
      append_failure(out, "5", failure, state);
      auto const reply = parsed(out);
      BOOST_TEST(reply.id == 5u);
      BOOST_TEST(!reply.ok);
      BOOST_TEST((reply.failure.code == failure.code));
      BOOST_TEST(reply.failure.message == failure.message);
      BOOST_TEST(reply.failure.detail == failure.detail);
      BOOST_TEST((reply.state == state));
    }
  }
}

BOOST_AUTO_TEST_CASE(write_replies_come_back) {
  std::string out;
  append_write_log_reply(out, "1", {UINT64_MAX, UINT64_MAX});
  BOOST_TEST(parsed(out).first_seq == UINT64_MAX);
  BOOST_TEST(parsed(out).last_seq == UINT64_MAX);
  BOOST_TEST(!parsed(out).dup);
  out.clear();
  append_write_many_logs_reply(out, "18446744073709551615", {3, 9, true});
  auto const reply = parsed(out);
  BOOST_TEST(reply.id == UINT64_MAX);
  BOOST_TEST(reply.ok);
  BOOST_TEST(reply.first_seq == 3u);
  BOOST_TEST(reply.last_seq == 9u);
  BOOST_TEST(reply.dup);
}

BOOST_AUTO_TEST_CASE(frames_of_a_follow_come_back) {
  auto const frame = [](auto const& append_end, auto const&... arguments) {
    std::string out;
    append_entries_start(out, "7");
    append_end(out, arguments...);
    return out;
  };
  auto const more = frame(append_follow_more, 5U);
  BOOST_TEST(more == R"({"id":7,"ok":true,"entries":[],"more":true,"seq":5})");
  BOOST_TEST(parsed(more).more);
  BOOST_TEST(parsed(more).last_seq == 5u);
  BOOST_TEST(!parsed(more).caught_up);
  BOOST_TEST(!parsed(more).lagged);
  auto const caught_up = frame(append_follow_caught_up, 5U);
  BOOST_TEST(caught_up ==
             R"({"id":7,"ok":true,"entries":[],"more":true,"seq":5,"caught_up":true})");
  BOOST_TEST(parsed(caught_up).caught_up);
  auto const lagged = frame(append_follow_lagged, 9U, LostSeqs{6, 9});
  BOOST_TEST(lagged == R"({"id":7,"ok":true,"entries":[],"more":true,"seq":9,)"
                       R"("lagged":{"from_seq":6,"to_seq":9}})");
  BOOST_TEST(parsed(lagged).lagged.value().from_seq == 6u);
  BOOST_TEST(parsed(lagged).lagged.value().to_seq == 9u);
  BOOST_TEST(parsed(lagged).last_seq == 9u);
  auto const end = frame(append_follow_end, 9U);
  BOOST_TEST(end == R"({"id":7,"ok":true,"entries":[],"more":false,"cursor":null,"seq":9})");
  BOOST_TEST(!parsed(end).more);
}

BOOST_AUTO_TEST_CASE(entries_come_back) {
  auto const text = reply_with_entries(sample_drafts);
  auto const reply = parsed(text);
  BOOST_TEST(reply.id == 9u);
  BOOST_TEST(!reply.more);
  BOOST_TEST(reply.cursor == "next");
  BOOST_REQUIRE(reply.entries.size() == sample_drafts.size());
  for (std::size_t i = 0; i < sample_drafts.size(); ++i) {
    std::string one;
    append_canonical_entry(one, sample_drafts[i], {i + 1, i + 100, {-1, 2, 3}});
    BOOST_TEST((reply.entries[i] == parse_stored_entry(one).value()), one);
  }
}

// White space sends the same reply through the general parser.
BOOST_AUTO_TEST_CASE(entries_mean_the_same_with_white_space) {
  auto const text = reply_with_entries(sample_drafts);
  auto spaced = text;
  for (std::size_t at = 0; (at = spaced.find("{\"seq\":", at)) != std::string::npos; at += 3) {
    spaced.insert(at + 1, " ");
  }
  BOOST_TEST(spaced.size() == text.size() + sample_drafts.size());
  BOOST_TEST((parsed(text).entries == parsed(spaced).entries));
}

BOOST_AUTO_TEST_CASE(every_cut_of_a_reply_is_bad_json) {
  auto const text = reply_with_entries(sample_drafts);
  for (std::size_t bytes = 0; bytes < text.size(); ++bytes) {
    ExactBuffer const buffer(std::string_view(text).substr(0, bytes));
    auto const reply = parse_reply(buffer.text());
    BOOST_REQUIRE(!reply.has_value());
    BOOST_TEST((reply.error().code == Error::bad_json), bytes);
  }
}

BOOST_AUTO_TEST_CASE(every_changed_byte_of_a_reply_is_survived) {
  auto const text = reply_with_entries(sample_drafts);
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (char const other : {'"', '\\', '{', '}', '0', '\xff', ','}) {
      auto changed = text;
      changed[at] = other;
      ExactBuffer const buffer(changed);
      auto const reply = parse_reply(buffer.text());
      if (other == '\xff') BOOST_TEST(!reply.has_value(), changed);
    }
  }
}

BOOST_AUTO_TEST_CASE(unknown_members_are_skipped) {
  auto const reply = parsed(
      R"({"new":{"ok":false,"entries":[1],"error":{"code":"x"}},"ok":true,"list":[[{"seq":1}]],)"
      R"("entries":[{"new":[{"seq":9}],"seq":1,"timestamp":2,"level":"info","message":"m",)"
      R"("metadata":{},"version":1,"origin":{"pid":1,"uid":2,"gid":3}}],"more":true})");
  BOOST_TEST(reply.ok);
  BOOST_TEST(reply.more);
  BOOST_REQUIRE(reply.entries.size() == 1u);
  BOOST_TEST(reply.entries[0].seq == 1u);
}

BOOST_AUTO_TEST_CASE(a_code_of_a_later_daemon_is_internal) {
  auto const reply = parsed(R"({"ok":false,"error":{"code":"new_code","message":"m"}})");
  BOOST_TEST((reply.failure.code == Error::internal));
}

BOOST_AUTO_TEST_CASE(what_is_no_reply_is_refused) {
  for (std::string_view const text :
       {"{}", "[]", "7", R"({"ok":1})", R"({"ok":false})", R"({"ok":false,"error":{}})",
        R"({"ok":false,"error":"x"})", R"({"ok":true,"seq":-1})", R"({"ok":true,"entries":{}})",
        R"({"ok":true,"entries":[7]})", R"({"ok":true,"entries":[{}]})", R"({"ok":true,"more":1})",
        R"({"ok":true,"cursor":1})"}) {
    auto const reply = parse_reply(text);
    BOOST_REQUIRE_MESSAGE(!reply.has_value(), text);
    BOOST_TEST((reply.error().code == Error::bad_request), text);
  }
}

BOOST_AUTO_TEST_CASE(a_whole_reply_as_a_value) {
  auto const value = parse_reply_value(R"({"id":1,"ok":true,"entries":{"a":1}})");
  BOOST_REQUIRE(value.has_value());
  BOOST_TEST(value->at("entries").at("a").as_int64() == 1);
  auto const failure =
      parse_reply_value(R"({"ok":false,"error":{"code":"no_space","message":"full"}})");
  BOOST_REQUIRE(!failure.has_value());
  BOOST_TEST((failure.error().code == Error::no_space));
  BOOST_TEST(failure.error().message == "full");
  BOOST_TEST(!parse_reply_value("{").has_value());
}

BOOST_AUTO_TEST_CASE(every_example_of_help_is_a_request) {
  std::string out;
  append_help_reply(out, "1");
  auto const value = boost::json::parse(out);
  BOOST_TEST(value.at("help").as_array().size() == operations.size());
  RequestParser parser;
  for (auto const& operation : value.at("help").as_array()) {
    std::string_view const example = operation.at("example").as_string();
    auto const request = parser.parse(example).request;
    BOOST_REQUIRE_MESSAGE(request.has_value(), example);
    BOOST_TEST(op_name(*request) == std::string_view(operation.at("op").as_string()));
  }
  for (auto const& word : value.at("words").as_array()) {
    BOOST_TEST(parser.parse_line(std::string_view(word.as_string())).request.has_value());
  }
}

BOOST_AUTO_TEST_SUITE_END()
