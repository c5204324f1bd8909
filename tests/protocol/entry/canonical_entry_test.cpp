#include "protocol/entry/canonical_entry.hpp"

#include <boost/test/unit_test.hpp>

#include "protocol/exact_buffer.hpp"

namespace {

using namespace stele;
using namespace stele::protocol;
using stele::test::ExactBuffer;

struct Golden {
  EntryDraft draft;
  EntryStamp stamp;
  std::string_view text;
  StoredEntry entry;
};

/// The stored form is a format: a change here is a change of every log on disk.
Golden const goldens[] = {
    {{{}, Level::info, R"("hello")", "{}"},
     {7, 1700000000000000, {1, 0, 0}},
     R"({"seq":7,"timestamp":1700000000000000,"level":"info","message":"hello","metadata":{},)"
     R"("version":1,"origin":{"pid":1,"uid":0,"gid":0}})",
     {7, 1700000000000000, Level::info, "hello", "{}", 1, {1, 0, 0}}},
    {{{}, Level::trace, R"("")", R"({"a":[1.0,-0],"a b":null})"},
     {UINT64_MAX, UINT64_MAX, {INT32_MIN, UINT32_MAX, UINT32_MAX}},
     R"({"seq":18446744073709551615,"timestamp":18446744073709551615,"level":"trace","message":"",)"
     R"("metadata":{"a":[1.0,-0],"a b":null},"version":1,"origin":{"pid":-2147483648,)"
     R"("uid":4294967295,"gid":4294967295}})",
     {UINT64_MAX,
      UINT64_MAX,
      Level::trace,
      "",
      R"({"a":[1.0,-0],"a b":null})",
      1,
      {INT32_MIN, UINT32_MAX, UINT32_MAX}}},
    {{{}, Level::fatal, R"("a\"\\\n\u0000é")", R"({"version":1,"origin":{"pid":9},"s":"}\"{\\"})"},
     {1, 0, {0, 1, 2}},
     R"({"seq":1,"timestamp":0,"level":"fatal","message":"a\"\\\n\u0000é",)"
     R"("metadata":{"version":1,"origin":{"pid":9},"s":"}\"{\\"},)"
     R"("version":1,"origin":{"pid":0,"uid":1,"gid":2}})",
     {1,
      0,
      Level::fatal,
      std::string("a\"\\\n\0é", 7),
      R"({"version":1,"origin":{"pid":9},"s":"}\"{\\"})",
      1,
      {0, 1, 2}}},
};

}  // namespace

BOOST_AUTO_TEST_SUITE(canonical_entry_test)

BOOST_AUTO_TEST_CASE(the_stored_form_is_byte_for_byte_the_golden_one) {
  for (auto const& golden : goldens) {
    std::string out = "before";
    append_canonical_entry(out, golden.draft, golden.stamp);
    BOOST_TEST(out == "before" + std::string(golden.text));
    BOOST_TEST(golden.text.size() <= canonical_bytes_max(golden.draft));
  }
}

BOOST_AUTO_TEST_CASE(raw_storage_of_the_upper_bound_is_enough) {
  for (auto const& golden : goldens) {
    auto const storage = std::make_unique<char[]>(canonical_bytes_max(golden.draft));
    char const* const end = write_canonical_entry(storage.get(), golden.draft, golden.stamp);
    BOOST_TEST(std::string_view(storage.get(), static_cast<std::size_t>(end - storage.get())) ==
               golden.text);
  }
}

BOOST_AUTO_TEST_CASE(the_golden_text_parses_to_the_entry) {
  for (auto const& golden : goldens) {
    ExactBuffer const text(golden.text);
    auto const entry = parse_stored_entry(text.text());
    BOOST_REQUIRE(entry.has_value());
    BOOST_TEST((*entry == golden.entry), golden.text);
  }
}

BOOST_AUTO_TEST_CASE(the_key_is_read_from_the_start_of_the_text) {
  for (auto const& golden : goldens) {
    ExactBuffer const text(golden.text);
    auto const key = read_entry_key(text.text());
    BOOST_REQUIRE(key.has_value());
    BOOST_TEST(key->seq == golden.entry.seq);
    BOOST_TEST(key->timestamp == golden.entry.timestamp);
    BOOST_TEST((key->level == golden.entry.level));
  }
}

BOOST_AUTO_TEST_CASE(the_canonical_form_is_read_without_a_json_parser) {
  for (auto const& golden : goldens) {
    ExactBuffer const buffer(std::string(golden.text) + ",rest");
    auto text = buffer.text();
    StoredEntry entry;
    BOOST_REQUIRE(read_canonical_entry(text, entry));
    BOOST_TEST((entry == golden.entry), golden.text);
    BOOST_TEST(text == ",rest");
    for (std::size_t bytes = 0; bytes < golden.text.size(); ++bytes) {
      ExactBuffer const cut(golden.text.substr(0, bytes));
      auto part = cut.text();
      BOOST_TEST(!read_canonical_entry(part, entry), bytes);
    }
  }
}

// Lengths around those that are taken at once.
BOOST_AUTO_TEST_CASE(numbers_and_texts_of_any_length_are_read) {
  std::string digits;
  for (char const digit : std::string_view("18446744073709551615")) {
    digits += digit;
    std::string const message(digits.size(), 'm');
    std::string const metadata = "{\"" + message + "\":[\"\\\\" + message + "\\\"]}\"]}";
    std::string const text =
        R"({"seq":)" + digits + R"(,"timestamp":)" + digits + R"(,"level":"debug","message":")" +
        message + "\\n" + message + R"(","metadata":)" + metadata +
        R"(,"version":1,"origin":{"pid":2147483647,"uid":)" + digits.substr(0, 9) + R"(,"gid":1}})";
    ExactBuffer const buffer(text);
    auto rest = buffer.text();
    StoredEntry entry;
    BOOST_TEST_CONTEXT(text) {
      BOOST_REQUIRE(read_canonical_entry(rest, entry));
      BOOST_TEST(std::to_string(entry.seq) == digits);
      BOOST_TEST(std::to_string(entry.timestamp) == digits);
      BOOST_TEST(std::to_string(entry.origin.uid) == digits.substr(0, 9));
      BOOST_TEST((entry.level == Level::debug));
      BOOST_TEST(entry.message == message + '\n' + message);
      BOOST_TEST(entry.metadata == metadata);
      BOOST_TEST(rest.empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(any_other_spelling_is_left_to_the_json_parser) {
  struct Row {
    std::string_view piece;
    std::string_view other;
  };
  static constexpr Row rows[] = {
      {R"({"seq")", R"({ "seq")"},
      {R"("hello")", R"("\u0061")"},
      {R"("hello")", R"("\/")"},
      {R"("hello")", R"("\u002")"},
      {R"("hello")", R"("\u0020")"},
      {R"("metadata":{})", R"("metadata":[])"},
      {R"("version":1)", R"("version":2)"},
      {R"("seq":7)", R"("seq":07.0)"},
      {R"("seq":7)", R"("seq":)"},
      {R"("seq":7)", R"("seq":18446744073709551616)"},
      {R"("seq":7)", R"("seq":99999999999999999999999)"},
      {R"("uid":0)", R"("uid":4294967296)"},
      {R"("uid":0)", R"("uid":-1)"},
      {R"("level":"info")", R"("level":"inf")"},
      {R"("level":"info")", R"("level":"infos")"},
      {R"("pid":1)", R"("pid":2147483648)"},
  };
  for (auto const& row : rows) {
    std::string changed(goldens[0].text);
    changed.replace(changed.find(row.piece), row.piece.size(), row.other);
    std::string_view text = changed;
    StoredEntry entry;
    BOOST_TEST(!read_canonical_entry(text, entry), changed);
  }
}

BOOST_AUTO_TEST_CASE(a_text_that_is_cut_has_no_key_and_is_no_entry) {
  auto const whole = goldens[0].text;
  auto const key_bytes = whole.find(",\"message\"");
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
    ExactBuffer const text(whole.substr(0, bytes));
    BOOST_TEST(!parse_stored_entry(text.text()).has_value(), bytes);
    if (bytes < key_bytes - 1) BOOST_TEST(!read_entry_key(text.text()).has_value(), bytes);
  }
}

BOOST_AUTO_TEST_CASE(members_come_in_any_order_and_unknown_ones_are_skipped) {
  auto const entry = parse_stored_entry(
      R"( {"origin":{"gid":3,"new":[{}],"pid":1,"uid":2}, "later":{"seq":9,"pid":8},)"
      R"("version":1,"metadata":{ "a" : [ 1 , {} ] },"message":"\u0061","level":"warn",)"
      R"("timestamp":5,"seq":4} )");
  BOOST_REQUIRE(entry.has_value());
  StoredEntry const expected{4, 5, Level::warn, "a", R"({"a":[1,{}]})", 1, {1, 2, 3}};
  BOOST_TEST((*entry == expected));
}

BOOST_AUTO_TEST_CASE(what_lacks_a_member_or_has_one_of_another_type_is_no_entry) {
  struct Row {
    std::string_view piece;
    std::string_view other;
  };
  static constexpr Row rows[] = {
      {R"("seq":7)", R"("seq":-7)"},
      {R"("seq":7)", R"("seq":7.0)"},
      {R"("seq":7,)", ""},
      {R"("timestamp":1700000000000000)", R"("timestamp":18446744073709551616)"},
      {R"("level":"info")", R"("level":"loud")"},
      {R"("level":"info")", R"("level":2)"},
      {R"("message":"hello")", R"("message":1)"},
      {R"("metadata":{})", R"("metadata":[])"},
      {R"("version":1)", R"("version":256)"},
      {R"("pid":1)", R"("pid":2147483648)"},
      {R"("pid":1)", R"("pid":"1")"},
      {R"("uid":0)", R"("uid":4294967296)"},
      {R"(,"gid":0)", ""},
      {R"(,"origin":{"pid":1,"uid":0,"gid":0})", ""},
      {R"({"pid":1,"uid":0,"gid":0})", "[]"},
  };
  for (auto const& row : rows) {
    std::string text(goldens[0].text);
    auto const at = text.find(row.piece);
    BOOST_REQUIRE(at != std::string::npos);
    text.replace(at, row.piece.size(), row.other);
    BOOST_TEST(!parse_stored_entry(text).has_value(), text);
  }
  for (std::string_view const text : {"{}", "[]", "7", "null"}) {
    BOOST_TEST(!parse_stored_entry(text).has_value(), text);
  }
}

BOOST_AUTO_TEST_CASE(an_entry_is_made_from_a_draft_that_has_its_parts) {
  EntryDraft const draft{5, Level::warn, R"("a\"b")", R"({"n":1.0})"};
  std::string text;
  append_canonical_entry(text, draft, {7, 5, {1, 2, 3}});
  BOOST_TEST(is_made_from(text, draft));
  BOOST_TEST(is_made_from(text, {{}, Level::warn, R"("a\"b")", R"({"n":1.0})"}));
  BOOST_TEST(!is_made_from(text, {6, Level::warn, R"("a\"b")", R"({"n":1.0})"}));
  BOOST_TEST(!is_made_from(text, {5, Level::info, R"("a\"b")", R"({"n":1.0})"}));
  BOOST_TEST(!is_made_from(text, {5, Level::warn, R"("a\"")", R"({"n":1.0})"}));
  BOOST_TEST(!is_made_from(text, {5, Level::warn, R"("a\"b")", R"({"n":1})"}));
  BOOST_TEST(!is_made_from("{}", draft));
}

BOOST_AUTO_TEST_CASE(the_parts_of_an_entry_are_found_in_its_text) {
  std::string text;
  append_canonical_entry(text, {5, Level::warn, R"(",\"metadata\":{")", R"({"a":"}"})"},
                         {7, 5, {1, 2, 3}});
  BOOST_TEST(read_entry_body(text).value().message == R"(,\"metadata\":{)");
  BOOST_TEST(read_entry_body(text).value().metadata == R"({"a":"}"})");
  BOOST_TEST((read_entry_origin(text).value() == Origin{1, 2, 3}));
  for (std::size_t bytes = 0; bytes < text.size(); ++bytes) {
    test::ExactBuffer const cut(std::string_view(text).substr(0, bytes));
    BOOST_TEST(!read_entry_origin(cut.text()).has_value());
    (void)read_entry_body(cut.text());
  }
}

BOOST_AUTO_TEST_SUITE_END()
