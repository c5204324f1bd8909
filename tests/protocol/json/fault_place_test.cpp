// Where a refusal says that the fault lies: one rule for path and offset.
#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>

#include "protocol/limits.hpp"
#include "protocol/parsed.hpp"
#include "protocol/text/json_text.hpp"

namespace {

using namespace stele;
using namespace stele::protocol;
using test::parse;

struct Place {
  std::string code{};
  std::string path{};
  std::int64_t offset = -1;     ///< -1: none.
  std::int64_t depth_max = -1;  ///< The same.

  bool operator==(Place const&) const = default;
};

std::ostream& operator<<(std::ostream& out, Place const& place) {
  return out << place.code << " at " << place.path << ", byte " << place.offset << ", depth "
             << place.depth_max;
}

Place place_of(std::string_view text) {
  auto const parsed = parse(text);
  Place place{.code = parsed.code};
  if (parsed.code.empty()) return place;
  auto const detail = boost::json::parse(parsed.detail).as_object();
  BOOST_TEST_REQUIRE(detail.contains("path"), parsed.detail);
  place.path = detail.at("path").as_string();
  if (auto const* offset = detail.if_contains("offset")) place.offset = offset->as_int64();
  if (auto const* depth = detail.if_contains("depth_max")) place.depth_max = depth->as_int64();
  return place;
}

/// Where a refusal of the text is that has one `@` in it, at the byte where reading stops.
void check_marked(std::string text, std::string_view path, std::int64_t depth_max = -1) {
  auto const offset = text.find('@');
  BOOST_TEST_REQUIRE(offset != std::string::npos);
  text.erase(offset, 1);
  BOOST_TEST_CONTEXT(text) {
    Place const expected{"bad_json", std::string(path), static_cast<std::int64_t>(offset),
                         depth_max};
    BOOST_TEST(place_of(text) == expected);
  }
}

std::string repeat(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

/// `{"a":[[…]]}`, this many deep; with the mark at the bracket that is one too many.
std::string nested(std::size_t depth, std::size_t depth_max) {
  auto const inside = depth - 1;
  auto const brackets = inside <= depth_max - 1 ? repeat("[", inside)
                                                : repeat("[", depth_max - 1) + "@" +
                                                      repeat("[", inside - depth_max + 1);
  return R"({"a":)" + brackets + repeat("]", inside) + "}";
}

std::string batch(std::string_view entry) {
  return R"({"op":"write_many_logs","entries":[{"message":"a"},)" + std::string(entry) +
         R"(,{"message":"c"}]})";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fault_place_test)

BOOST_AUTO_TEST_CASE(what_is_no_json_is_told_with_the_member_that_was_read_and_the_byte) {
  check_marked("@", "");
  check_marked(R"({"op":"ping",@})", "");
  check_marked(R"({"op":"ping"}@{"op":"ping"})", "");
  check_marked(R"({"op":@'ping'})", "op");
  check_marked(R"({"op":"read_logs","limit":@NaN})", "limit");
  check_marked(R"({"op":"read_logs","origin":{"pid":@x}})", "origin.pid");
  check_marked(R"({"op":"read_logs","where":{"a":[1,{"b":@?}]}})", "where.a[1].b");
  check_marked(R"({"op":"write_log","entry":{"message":"m"@)", "entry");
  check_marked(batch(R"({"message":"a)"
                     "@\xff"
                     R"("})"),
               "entries[1].message");
  check_marked(batch(R"({"message":"b","metadata":{"a":[0,@}]}})"), "entries[1].metadata.a[1]");
  check_marked(R"({"op":"write_many_logs","entries":[{},{},@])", "entries[2]");
}

BOOST_AUTO_TEST_CASE(a_lone_surrogate_is_told_with_its_entry_and_its_byte) {
  check_marked(batch(R"({"message":"b@\ud800c"})"), "entries[1].message");
  check_marked(batch(R"({"message":"b@\uDBFF"})"), "entries[1].message");
  check_marked(batch(R"({"message":"b@\ud800\n"})"), "entries[1].message");
  check_marked(batch(R"({"message":"b@\ud800\\u0041"})"), "entries[1].message");
  check_marked(batch(R"({"message":"b@\ud800\u0041"})"), "entries[1].message");
  check_marked(batch(R"({"message":"b@\udc00"})"), "entries[1].message");
  check_marked(batch(R"({"message":"\ud83d\ude00@\ude00"})"), "entries[1].message");
  check_marked(batch(R"({"message":"@\ud83d\ud83d\ude00"})"), "entries[1].message");
  check_marked(batch(R"({"message":"\\ud800@\ud800"})"), "entries[1].message");
  check_marked(batch(R"({"message":"b","metadata":{"u":{"n":["x","@\udfff"]}}})"),
               "entries[1].metadata.u.n[1]");
  check_marked(batch(R"({"message":"b","metadata":{"@\ud800":1}})"), "entries[1].metadata");
}

BOOST_AUTO_TEST_CASE(what_is_nested_too_deep_is_told_alike_however_deep_it_is) {
  auto const deepest = repeat("[0]", metadata_depth_max - 1);
  for (std::size_t depth = metadata_depth_max - 1; depth < json_depth_max + 9; ++depth) {
    BOOST_TEST_CONTEXT(depth) {
      auto const object = nested(depth, metadata_depth_max);
      struct Form {
        std::string text;
        std::string path;
      };
      for (auto const& [text, path] :
           {Form{R"({"op":"write_log","entry":{"message":"","metadata":)" + object + "}}",
                 "entry.metadata.a"},
            Form{batch(R"({"metadata":)" + object + R"(,"message":""})"), "entries[1].metadata.a"},
            Form{R"({"where":)" + object + R"(,"op":"count_logs"})", "where.a"}}) {
        if (depth <= metadata_depth_max) {
          BOOST_TEST(parse(text).code == "");
        } else {
          check_marked(text, path + deepest, metadata_depth_max);
        }
      }
    }
  }
  for (auto const depth : {json_depth_max + 1, json_depth_max + 2, std::size_t{100'000}}) {
    auto const text = R"({"op":"ping","x":)" + repeat("[", json_depth_max - 1) + "@" +
                      repeat("[", depth - json_depth_max);
    check_marked(text, "x" + repeat("[0]", json_depth_max - 1), json_depth_max);
  }
}

BOOST_AUTO_TEST_CASE(of_two_faults_of_the_text_the_first_is_told) {
  check_marked(R"({"op":"write_log","entry":{"metadata":)" + nested(30, 29) + "},?",
               "entry.metadata.a" + repeat("[0]", 28), metadata_depth_max);
  check_marked(R"({"op":"write_log","entry":@?,"metadata":[[)", "entry");
}

BOOST_AUTO_TEST_CASE(names_given_twice_and_infinite_numbers_are_told_with_their_whole_path) {
  auto const check = [](std::string const& text, std::string const& code, std::string const& path) {
    BOOST_TEST_CONTEXT(text) { BOOST_TEST(place_of(text) == (Place{code, path})); }
  };
  auto const metadata = [&](std::string const& object, std::string const& path) {
    check(batch(R"({"message":"b","metadata":)" + object + "}"), "invalid_entry",
          "entries[1].metadata" + path);
    check(R"({"op":"write_log","entry":{"message":"b","metadata":)" + object + "}}",
          "invalid_entry", "entry.metadata" + path);
    check(R"({"op":"read_logs","where":)" + object + "}", "bad_request", "where" + path);
  };
  metadata(R"({"a":1,"a":2})", ".a");
  metadata(R"({"a":1,"\u0061":2})", ".a");
  metadata(R"({"a\n":1,"a\u000a":2})", ".a\n");
  metadata(R"({"x":{"a":1},"y":[{"a":1},{"b":0,"a":1,"a":2}],"a":3})", ".y[1].a");
  metadata(R"({"a":{"b":1,"b":2},"a":3})", ".a.b");
  metadata(R"({"a":1e308,"b":{"c":[0,-1e400,1e500]}})", ".b.c[1]");
  auto const long_name = std::string(70, 'n');
  metadata("{\"" + long_name + "1\":1,\"" + long_name + "2\":2,\"" + long_name + "1\":3}",
           "." + long_name.substr(0, 64) + "…");
  check(R"({"op":"read_logs","origin":{"uid":1,"uid":1}})", "bad_request", "origin.uid");
  // A fault before that is the one that is told.
  check(R"({"op":"write_log","entry":{"message":1,"metadata":{"a":1,"a":2}}})", "invalid_entry",
        "entry.message");
  check(R"({"op":"write_log","nonsense":1,"entry":{"metadata":{"a":1,"a":2}}})", "bad_request",
        "nonsense");
}

BOOST_AUTO_TEST_CASE(in_a_large_request_the_path_goes_as_far_as_the_entrys_member) {
  auto const large = [](std::string_view entry) {
    return R"({"op":"write_many_logs","entries":[{"message":")" +
           std::string(std::size_t{256} << 10, 'm') + "\"}," + std::string(entry) + "]}";
  };
  check_marked(large(R"({"message":"b","metadata":{"a":[0,@}]}})"), "entries[1].metadata");
  check_marked(large(R"({"message":"b@\ud800"})"), "entries[1].message");
  check_marked(large(R"({"metadata":)" + nested(31, 29) + "}"), "entries[1].metadata", 29);
  check_marked(large("@]"), "entries[1]");
  BOOST_TEST(place_of(large(R"({"message":"b","metadata":{"a":1,"a":2}})")) ==
             (Place{"invalid_entry", "entries[1].metadata"}));
}

BOOST_AUTO_TEST_CASE(a_path_is_bounded_whatever_names_there_are) {
  auto const path_of = [](std::string const& name, std::size_t depth) {
    auto const path =
        place_of(R"({"op":"read_logs","where":{)" + repeat("\"" + name + "\":{", depth)).path;
    BOOST_TEST(is_utf8(path));
    return path;
  };
  BOOST_TEST(path_of("n", 3) == "where.n.n.n");
  BOOST_TEST(path_of(std::string(64, 'n'), 1) == "where." + std::string(64, 'n'));
  BOOST_TEST(path_of(std::string(65, 'n'), 1) == "where." + std::string(64, 'n') + "…");
  BOOST_TEST(path_of(std::string(100'000, 'n'), 2).size() == 5 + 2 * (1 + 64 + 3));
  for (auto const& name : {std::string(100, 'n'), repeat("é", 50), repeat("😀", 20)}) {
    auto const path = path_of(name, 28);
    BOOST_TEST(path.size() <= path_bytes_max);
    BOOST_TEST(path.size() > path_bytes_max - 4);
    BOOST_TEST(path.ends_with("…"));
  }
}

BOOST_AUTO_TEST_SUITE_END()
