// Invariants checked: what clients write is read without the JSON parser; and whatever is read so
// is what the JSON parser makes of it, which test::parse() compares for each request of these
// tests.
#include "protocol/entry/fast_write_parser.hpp"

#include <boost/test/unit_test.hpp>
#include <random>
#include <string>
#include <vector>

#include "protocol/limits.hpp"
#include "protocol/parsed.hpp"

namespace {

using namespace stele;
using namespace stele::protocol;

bool is_plain(std::string_view text, std::size_t entry_bytes_max = entry_bytes_default) {
  test::ExactBuffer const buffer(text);
  std::vector<EntryDraft> drafts;
  return read_plain_write(buffer.text(), entry_bytes_max, drafts).has_value();
}

bool is_plain_entry(std::string_view entry, std::size_t entry_bytes_max = entry_bytes_default) {
  return is_plain(R"({"op":"write_log","id":1,"entry":)" + std::string(entry) + "}",
                  entry_bytes_max);
}

bool is_plain_metadata(std::string_view metadata) {
  return is_plain_entry(R"({"message":"m","metadata":)" + std::string(metadata) + "}");
}

LogEntry const entry{.timestamp = 1'700'000'000'000'000,
                     .level = Level::warn,
                     .message = "a \"quoted\" path\\to \x01 \x1f\n and \u00e9\u20ac",
                     .metadata = R"({"unit":"web","n":[1,-2.50,true,null,{"x":""}]})"};

/// Pieces that make a request when they meet in a lucky order.
std::string random_request(std::mt19937_64& random) {
  static constexpr std::string_view members[] = {
      R"("message":"m")",
      R"("message":"a\nb\u0001")",
      R"("message":"\u000a")",
      R"("message":"é\\")",
      R"("message":"\/")",
      "\"message\":\"\xC3\"",
      R"("level":"info")",
      R"("level":"fatal")",
      R"("level":"infos")",
      R"("timestamp":1)",
      R"("timestamp":01)",
      R"("timestamp":-1)",
      R"("timestamp":99999999)",
      R"("version":1)",
      R"("version":2)",
      R"("metadata":{})",
      R"("metadata":{"a":1.5e3})",
      R"("metadata":{"a":1,"a":2})",
      R"("metadata":{"a":[[]]})",
      R"("metadata":{"a":0,})",
      R"("metadata":{"\u0061":-0})",
      R"("metadata": {"b":"c"})",
      R"("metadata":{"a":00})",
      R"("other":1)",
  };
  auto const draw = [&](std::size_t limit) { return random() % limit; };
  bool const many = draw(2) == 0;
  std::string text = many ? R"({"op":"write_many_logs")" : R"({"op":"write_log")";
  if (draw(4) != 0) text += R"(,"id":)" + std::to_string(draw(1000));
  if (draw(4) == 0) text += R"(,"write_no":)" + std::to_string(draw(3));
  text += many ? R"(,"entries":[)" : R"(,"entry":)";
  for (auto left = many ? 1 + draw(3) : 1; left > 0; --left) {
    text += '{';
    for (auto more = 1 + draw(3); more > 0; --more) {
      text += members[draw(std::size(members))];
      if (more > 1) text += ',';
    }
    text += left > 1 ? "}," : "}";
  }
  text += many ? "]}" : "}";
  // One in four is spoilt somewhere.
  if (draw(4) == 0) text[draw(text.size())] = "\"{}[],:x0 \\"[draw(11)];
  if (draw(16) == 0) text.resize(draw(text.size()));
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fast_write_parser_test)

BOOST_AUTO_TEST_CASE(what_the_client_library_writes_is_plain) {
  std::string text;
  append_write_log(text, 7, entry);
  BOOST_TEST(is_plain(text));
  text.clear();
  append_write_many_logs(text, 7, std::vector{entry, LogEntry{}, entry}, 3);
  BOOST_TEST(is_plain(text));
  BOOST_TEST(test::parse(text).entries.size() == 3);
  BOOST_TEST(test::parse(text).write_no == 3);
}

BOOST_AUTO_TEST_CASE(every_start_of_a_plain_write_is_left_to_the_json_parser) {
  std::string text;
  append_write_many_logs(text, 7, std::vector{entry, entry}, 3);
  for (std::size_t bytes = 0; bytes < text.size(); ++bytes) {
    BOOST_REQUIRE(!is_plain(std::string_view(text).substr(0, bytes)));
  }
  BOOST_TEST(!is_plain(text + " "));
}

BOOST_AUTO_TEST_CASE(members_of_an_entry_come_in_any_order_and_once) {
  BOOST_TEST(is_plain_entry(R"({"metadata":{"a":1},"message":"m","version":1,"level":"error"})"));
  BOOST_TEST(!is_plain_entry(R"({"message":"m","message":"m"})"));
  BOOST_TEST(!is_plain_entry(R"({"level":"info"})"));
}

BOOST_AUTO_TEST_CASE(timestamps_are_plain_as_far_as_they_reach) {
  for (auto const* const time : {"0", "9", "1700000000000000", "1700000000000000000",
                                 "9999999999999999999", "18446744073709551615"}) {
    BOOST_TEST(is_plain_entry(R"({"message":"m","timestamp":)" + std::string(time) + "}"), time);
  }
  for (auto const* const other : {"00", "01", "-1", "1.0", "1e3", "18446744073709551616"}) {
    BOOST_TEST(!is_plain_entry(R"({"message":"m","timestamp":)" + std::string(other) + "}"), other);
  }
}

BOOST_AUTO_TEST_CASE(names_of_one_object_differ) {
  BOOST_TEST(is_plain_metadata(R"({"a":{"a":1},"b":{"a":1}})"));
  BOOST_TEST(!is_plain_metadata(R"({"a":1,"b":2,"a":3})"));
}

BOOST_AUTO_TEST_CASE(only_the_canonical_spelling_of_a_string_is_plain) {
  BOOST_TEST(is_plain_metadata(R"({"a":"\"\\\b\f\n\r\t\u0000\u000b\u001f"})"));
  for (auto const* const other :
       {R"("\/")", R"("\u0008")", R"("\u000a")", R"("\u000A")", R"("\u0020")", R"("\u0041")",
        R"("\u00e9")", R"("\x")", "\"\t\"", "\"\xC3\"", "\"\xED\xA0\x80\"", R"("\u001g")"}) {
    BOOST_TEST(!is_plain_metadata(R"({"a":)" + std::string(other) + "}"), other);
  }
}

BOOST_AUTO_TEST_CASE(numbers_are_plain_without_an_exponent) {
  for (auto const* const number : {"0", "-0", "10", "-1.50", "0.001", "18446744073709551616"}) {
    BOOST_TEST(is_plain_metadata(R"({"a":)" + std::string(number) + "}"), number);
  }
  for (auto const* const other : {"00", "01", "-", "1.", ".5", "+1", "1e3", "0x1", "NaN"}) {
    BOOST_TEST(!is_plain_metadata(R"({"a":)" + std::string(other) + "}"), other);
  }
}

BOOST_AUTO_TEST_CASE(what_would_take_long_to_judge_is_left_to_the_json_parser) {
  std::string deep = "{}";
  for (int depth = 1; depth < 8; ++depth) deep = R"({"a":)" + deep + "}";
  BOOST_TEST(is_plain_metadata(deep));
  BOOST_TEST(!is_plain_metadata(R"({"a":)" + deep + "}"));
  BOOST_TEST(!is_plain_metadata(R"({"a":[)" + deep + "]}"));

  std::string wide = R"({"0":0)";
  for (int name = 1; name < 16; ++name) wide += ",\"" + std::to_string(name) + "\":0";
  BOOST_TEST(is_plain_metadata(wide + "}"));
  BOOST_TEST(!is_plain_metadata(wide + R"(,"16":0})"));
}

BOOST_AUTO_TEST_CASE(an_entry_is_plain_up_to_its_limit_of_unescaped_bytes) {
  constexpr std::string_view text = R"({"message":"\n\u0001é","metadata":{"a":1}})";
  BOOST_TEST(is_plain_entry(text, 4 + 7));
  BOOST_TEST(!is_plain_entry(text, 4 + 6));
  BOOST_TEST(is_plain_entry(R"({"message":"mm","metadata":{}})", 2));
}

BOOST_AUTO_TEST_CASE(whatever_is_sent_means_what_the_json_parser_says) {
  std::mt19937_64 random(3);
  int plain = 0;
  for (int round = 0; round < 20'000; ++round) {
    auto const text = random_request(random);
    BOOST_TEST_CONTEXT(text) test::parse(text, {.entry_bytes_max = 12});
    plain += is_plain(text, 12) ? 1 : 0;
  }
  // Else this has compared the JSON parser with itself.
  BOOST_TEST(plain > 500);
}

BOOST_AUTO_TEST_CASE(a_plain_object_is_one_object_and_nothing_else) {
  BOOST_TEST(is_plain_object(R"({"a":[1,"b"]})"));
  for (auto const* const other : {"", "{", "[]", R"("a")", "{} ", " {}", "{}{}", R"({"a" :1})"}) {
    BOOST_TEST(!is_plain_object(other), other);
  }
}

BOOST_AUTO_TEST_SUITE_END()
