// Metadata comes out as it went in: digit for digit, in order, without white space.
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>
#include <random>

#include "protocol/limits.hpp"
#include "protocol/parsed.hpp"
#include "protocol/text/json_text.hpp"

namespace {

using namespace stele;
using test::metadata_of;
using test::parse_metadata;

std::string nested(std::size_t depth) {
  std::string text;
  for (std::size_t i = 1; i < depth; ++i) text += i % 2 == 1 ? "{\"a\":" : "[";
  text += depth % 2 == 1 ? "{}" : "[]";
  for (std::size_t i = depth - 1; i >= 1; --i) text += i % 2 == 1 ? '}' : ']';
  return text;
}

/// Random JSON text with random white space and random spellings of its strings.
class RandomJson {
 public:
  explicit RandomJson(unsigned seed) : random_(seed) {}

  std::string object(int depth) {
    std::string text = "{" + blanks();
    auto const members = below(5);
    for (unsigned i = 0; i < members; ++i) {
      if (i > 0) text += ',' + blanks();
      // The number keeps names apart.
      text += string(std::to_string(i)) + blanks() + ':' + blanks() + value(depth) + blanks();
    }
    return text + '}';
  }

 private:
  unsigned below(unsigned limit) {
    return std::uniform_int_distribution<unsigned>(0, limit - 1)(random_);
  }

  std::string blanks() {
    static constexpr char const* kinds[] = {"", "", "", " ", "\t", "\r\n", "  "};
    return kinds[below(7)];
  }

  std::string value(int depth) {
    switch (below(depth > 0 ? 7 : 5)) {
      case 0:
        return number();
      case 1:
        return "true";
      case 2:
        return "false";
      case 3:
        return "null";
      case 4:
        return string("");
      case 5:
        return object(depth - 1);
      default:
        return array(depth - 1);
    }
  }

  std::string array(int depth) {
    std::string text = "[" + blanks();
    auto const elements = below(5);
    for (unsigned i = 0; i < elements; ++i) {
      if (i > 0) text += ',' + blanks();
      text += value(depth) + blanks();
    }
    return text + ']';
  }

  std::string number() {
    std::string text = below(2) == 0 ? "-" : "";
    text += below(3) == 0 ? "0" : std::to_string(1 + below(1000000000));
    if (below(4) == 0) text += std::to_string(below(1000000000)).insert(0, "");
    if (text == "-00" || text[0] == '0' || text.starts_with("-0"))
      text = text[0] == '-' ? "-0" : "0";
    if (below(2) == 0) text += '.' + std::to_string(below(1000000));
    static constexpr char const* exponents[] = {"", "", "e7", "E-30", "e+0"};
    return text + exponents[below(5)];
  }

  std::string string(std::string const& suffix) {
    static constexpr char const* pieces[] = {
        "a",     "é",     "😀",     "plain words", "\x7f",      R"(\")",           R"(\\)",
        R"(\/)", R"(\b)", R"(\n)", R"(\u0041)",   R"(\u0000)", R"(\ud83d\ude00)", R"(\u001F)"};
    std::string text = "\"";
    auto const count = below(6);
    for (unsigned i = 0; i < count; ++i) text += pieces[below(14)];
    return text + suffix + '"';
  }

  std::mt19937 random_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(metadata_test)

BOOST_AUTO_TEST_CASE(numbers_keep_their_digits) {
  for (std::string const number : {"0",
                                   "-0",
                                   "1",
                                   "1.0",
                                   "1e2",
                                   "1E2",
                                   "1e+2",
                                   "1.50",
                                   "0.1",
                                   "-0.0",
                                   "1e-400",
                                   "123456789012345678901234567890",
                                   "18446744073709551615",
                                   "18446744073709551616",
                                   "-9223372036854775808",
                                   "-9223372036854775809",
                                   "0.1000000000000000055511151231257827",
                                   "1.7976931348623157e308",
                                   "-1.7976931348623157e308",
                                   "5e-324",
                                   "1000000000000000000000"}) {
    auto const text = R"({"n":)" + number + "}";
    BOOST_TEST(metadata_of(parse_metadata(text)) == text);
    auto const in_array = R"({"n":[)" + number + ',' + number + "]}";
    BOOST_TEST(metadata_of(parse_metadata(in_array)) == in_array);
  }
}

BOOST_AUTO_TEST_CASE(canonical_text_is_golden) {
  struct Row {
    std::string_view given;
    std::string_view canonical;
  };
  static constexpr Row rows[] = {
      {"{}", "{}"},
      {" { } ", "{}"},
      {"{ \"b\" : 1 , \"a\" : [ ] , \"c\" : { } }", R"({"b":1,"a":[],"c":{}})"},
      {R"({"a":[1,[2,{"b":null}],true,false,"x"],"c":"d"})",
       R"({"a":[1,[2,{"b":null}],true,false,"x"],"c":"d"})"},
      {R"({"\u0061\n":"\u0062\/\ud83d\ude00\u001F"})", "{\"a\\n\":\"b/😀\\u001f\"}"},
      {R"({"":""})", R"({"":""})"},
      {R"({"a":{"x":1},"b":{"x":1}})", R"({"a":{"x":1},"b":{"x":1}})"},
      {R"({"x":{"x":{"x":1}}})", R"({"x":{"x":{"x":1}}})"},
      {R"([{"x":1},{"x":1}])", "invalid_entry"},
      {R"({"l":[{"x":1},{"x":1}]})", R"({"l":[{"x":1},{"x":1}]})"},
  };
  for (auto const& row : rows) {
    BOOST_TEST(metadata_of(parse_metadata(row.given)) == row.canonical);
  }
}

// Canonical text is taken where it stands; one blank, or one letter spelled as an escape, anywhere
// in it, and what is behind that place is rewritten.
BOOST_AUTO_TEST_CASE(one_blank_or_escape_at_any_place_makes_no_difference) {
  std::string const canonical =
      R"({"a":[1,-2.5e3,{"b":null,"a":""},[]],"t":true,"f":false,"n":null,"o":{},"l":[[0],"a"],"é":"a \"a\""})";
  BOOST_TEST(metadata_of(parse_metadata(canonical)) == canonical);
  bool in_string = false;
  std::size_t places = 0;
  for (std::size_t i = 0; i < canonical.size(); ++i) {
    std::string_view const structural = "{}[]:,";
    char const c = canonical[i];
    bool const inside = in_string;
    if (c == '"' && canonical[i - 1] != '\\') in_string = !in_string;
    auto changed = canonical;
    if (inside && c == 'a') {
      changed.replace(i, 1, R"(\u0061)");
    } else if (!inside && i > 0 &&
               (structural.find(c) != structural.npos ||
                structural.find(canonical[i - 1]) != structural.npos)) {
      changed.insert(i, 1, ' ');
    } else {
      continue;
    }
    ++places;
    BOOST_TEST(metadata_of(parse_metadata(changed)) == canonical, changed);
  }
  BOOST_TEST(places > 50u);
}

BOOST_AUTO_TEST_CASE(equal_names_in_one_object_are_refused_however_they_are_spelled) {
  for (std::string_view const text :
       {R"({"a":1,"a":1})", R"({"a":1,"\u0061":2})", R"({"é":1,"\u00e9":2})",
        R"({"o":{"a":1,"b":2,"a":3}})", R"({"l":[[{"":1,"":2}]]})", R"({"\n":1,"\u000A":2})",
        R"({"a":{"b":1},"a":1})", R"({"\u0061":1,"a":2})", R"({"a":1, "b":2,"a":3})",
        R"({"1":0,"2":0,"3":0,"4":0,"5":0,"6":0,"7":0,"8":0,"9":0,"3":1})"}) {
    auto const parsed = parse_metadata(text);
    BOOST_TEST(parsed.code == "invalid_entry", text);
    BOOST_TEST(parsed.message.find("two members with the name") != std::string::npos, text);
  }
}

BOOST_AUTO_TEST_CASE(many_names_that_differ_are_taken_in_their_order) {
  std::string text = "{";
  for (int i = 0; i < 20000; ++i) {
    if (i > 0) text += ',';
    text += "\"k" + std::to_string((i * 7919) % 20000) + "\":" + std::to_string(i);
  }
  BOOST_TEST(metadata_of(parse_metadata(text + "}")) == text + "}");
  BOOST_TEST(parse_metadata(text + R"(,"k77":0})").code == "invalid_entry");
}

BOOST_AUTO_TEST_CASE(numbers_that_most_readers_take_for_infinity_are_refused) {
  for (std::string const number : {"1e400", "-1e400", "1e309", "1234567890e300", "0e400"}) {
    auto const parsed = parse_metadata(R"({"n":[)" + number + "]}");
    BOOST_TEST(parsed.code == "invalid_entry", number);
    BOOST_TEST(parsed.message.find("holds the number " + number) != std::string::npos,
               parsed.message);
  }
  BOOST_TEST(parse_metadata(R"({"n":1e99999999999})").code == "bad_json");
}

BOOST_AUTO_TEST_CASE(metadata_may_be_nested_29_deep_and_a_request_32) {
  auto const limit = protocol::metadata_depth_max;
  BOOST_TEST(limit == 29u);
  BOOST_TEST(metadata_of(parse_metadata(nested(limit))) == nested(limit));
  auto const parsed = parse_metadata(nested(limit + 1));
  BOOST_TEST(parsed.code == "bad_json");
  BOOST_TEST(parsed.detail.find(R"("depth_max":29})") != std::string::npos, parsed.detail);

  auto const batch = [](std::size_t depth) {
    return R"({"id":1,"op":"write_many_logs","entries":[{"message":"","metadata":)" +
           nested(depth) + "}]}";
  };
  BOOST_TEST(test::parse(batch(29)).entries.size() == 1u);
  auto const deep = test::parse(batch(30));
  BOOST_TEST(deep.code == "bad_json");
  BOOST_TEST(deep.message.find(" is nested deeper than 29") != std::string::npos, deep.message);
  BOOST_TEST(deep.id == "1");
}

BOOST_AUTO_TEST_CASE(a_hundred_thousand_open_brackets_are_bad_json) {
  BOOST_TEST(test::parse(std::string(100000, '[')).code == "bad_json");
  BOOST_TEST(parse_metadata(R"({"a":)" + std::string(100000, '[')).code == "bad_json");
}

// The oracle is Boost.JSON's DOM: the canonical text means what the given text meant.
BOOST_AUTO_TEST_CASE(canonical_text_of_random_json_means_the_same_as_the_given_text) {
  constexpr unsigned seed = 20240229;
  for (unsigned i = 0; i < 2000; ++i) {
    auto const given = RandomJson(seed + i).object(5);
    BOOST_TEST_CONTEXT("seed " << seed + i << ": " << given) {
      auto const canonical = metadata_of(parse_metadata(given));
      BOOST_REQUIRE(canonical.starts_with('{'));
      BOOST_TEST((boost::json::parse(canonical) == boost::json::parse(given)));
      BOOST_TEST(metadata_of(parse_metadata(canonical)) == canonical);
      BOOST_TEST(canonical.size() <= given.size());
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
