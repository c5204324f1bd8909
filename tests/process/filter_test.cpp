// What a read or a count finds by its terms is what a program finds that parses each entry.
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "support/steled.hpp"
#include "support/wire_peer.hpp"

namespace json = boost::json;
using stele::test::Steled;
using stele::test::WireEntry;
using stele::test::WirePeer;

namespace {

constexpr std::string_view levels[] = {"trace", "debug", "info", "warn", "error", "fatal"};
constexpr std::string_view words[] = {"disk", "full", "n", "\n",        "\"", "\\",
                                      "u00",  "\x01", "é", "{\"a\":1}", "",   "disk full"};
/// Values as they are sent; equal ones differ in their spelling.
constexpr std::string_view values[] = {"1",       "1.0",
                                       "10e-1",   "\"1\"",
                                       "true",    "false",
                                       "null",    R"("a\u0062")",
                                       R"("ab")", "[1]",
                                       "[1.0 ]",  R"({"a":1})",
                                       "{}",      "0",
                                       "-0.0",    "1e3",
                                       "1000",    "12345678901234567890123"};

int level_of(std::string_view name) {
  return static_cast<int>(std::find(std::begin(levels), std::end(levels), name) - levels);
}

/// Numbers of these tests are exact as doubles, but for the long one.
bool is_equal(json::value const& a, json::value const& b) {
  if (a.is_number() && b.is_number()) return a.to_number<double>() == b.to_number<double>();
  if (a.is_array() && b.is_array()) {
    return std::equal(a.as_array().begin(), a.as_array().end(), b.as_array().begin(),
                      b.as_array().end(), is_equal);
  }
  if (a.is_object() && b.is_object()) {
    auto const same = [](auto const& x, auto const& y) {
      return x.key() == y.key() && is_equal(x.value(), y.value());
    };
    return std::equal(a.as_object().begin(), a.as_object().end(), b.as_object().begin(),
                      b.as_object().end(), same);
  }
  return a == b;
}

bool matches(json::object const& entry, json::object const& terms) {
  if (auto const* level = terms.if_contains("min_level")) {
    if (level_of(entry.at("level").as_string()) < level_of(level->as_string())) return false;
  }
  if (auto const* text = terms.if_contains("contains")) {
    if (entry.at("message").as_string().find(text->as_string()) == json::string::npos) return false;
  }
  if (auto const* after = terms.if_contains("after_seq")) {
    if (entry.at("seq").as_int64() <= after->as_int64()) return false;
  }
  if (auto const* origin = terms.if_contains("origin")) {
    for (auto const& [name, value] : origin->as_object()) {
      if (entry.at("origin").at(name) != value) return false;
    }
  }
  if (auto const* where = terms.if_contains("where")) {
    for (auto const& [name, value] : where->as_object()) {
      auto const* found = entry.at("metadata").as_object().if_contains(name);
      if (found == nullptr || !is_equal(*found, value)) return false;
    }
  }
  return true;
}

class RandomLog {
 public:
  explicit RandomLog(std::uint64_t seed) : random_(seed) {}

  std::string entry() {
    return R"({"timestamp":)" + std::to_string(random_() % 1000) + R"(,"level":")" + pick(levels) +
           R"(","message":)" + message() + R"(,"metadata":{"k":)" + pick(values) +
           R"(,"in":{"k":)" + pick(values) + R"(},"l":)" + pick(values) + "}}";
  }

  /// Members of a read, each with a chance.
  std::string terms(std::size_t entries) {
    std::string text;
    auto const add = [&](std::string const& member) {
      if (random_() % 3 == 0) text += (text.empty() ? "" : ",") + member;
    };
    add(R"("min_level":")" + pick(levels) + '"');
    add(R"("contains":)" + json::serialize(json::value(pick(words))));
    add(R"("where":{"k":)" + pick(values) + '}');
    add(R"("after_seq":)" + std::to_string(random_() % (entries + 1)));
    add(R"("origin":{"pid":)" + std::to_string(::getpid() + static_cast<int>(random_() % 2)) + '}');
    return text;
  }

 private:
  template <std::size_t count>
  std::string pick(std::string_view const (&choices)[count]) {
    return std::string(choices[random_() % count]);
  }
  std::string message() {
    return json::serialize(json::value(pick(words) + pick(words) + pick(words)));
  }

  std::mt19937_64 random_;
};

struct Found {
  std::vector<std::uint64_t> seqs{};
  std::map<std::uint64_t, std::uint64_t> buckets{};
};

Found search(json::array const& entries, json::object const& terms) {
  Found found;
  for (auto const& entry : entries) {
    if (!matches(entry.as_object(), terms)) continue;
    found.seqs.push_back(entry.at("seq").to_number<std::uint64_t>());
    ++found.buckets[entry.at("timestamp").to_number<std::uint64_t>() / 64 * 64];
  }
  return found;
}

std::vector<std::uint64_t> seqs_of(std::vector<WireEntry> const& entries) {
  std::vector<std::uint64_t> seqs;
  for (auto const& entry : entries) seqs.push_back(entry.seq);
  return seqs;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(filter_test)

BOOST_AUTO_TEST_CASE(reads_and_counts_find_what_their_terms_say) {
  constexpr std::size_t entry_count = 500;
  Steled daemon;
  daemon.start();
  WirePeer peer(daemon.socket());
  RandomLog log(3);
  std::string batch = R"({"op":"write_many_logs","entries":[)" + log.entry();
  for (std::size_t i = 1; i < entry_count; ++i) batch += "," + log.entry();
  BOOST_REQUIRE(peer.ask(batch + "]}").at("ok").as_bool());
  auto const all = peer.ask(R"({"op":"read_logs"})").at("entries").as_array();
  BOOST_REQUIRE_EQUAL(all.size(), entry_count);

  std::size_t found_in_all = 0;
  for (int i = 0; i < 300; ++i) {
    auto const terms = log.terms(entry_count);
    auto const expected = search(all, json::parse("{" + terms + "}").as_object());
    found_in_all += expected.seqs.size();
    BOOST_TEST_CONTEXT(terms) {
      auto seqs = seqs_of(stele::test::read_entries(peer, terms));
      BOOST_TEST(seqs == expected.seqs, boost::test_tools::per_element());
      auto const comma = terms.empty() ? "" : ",";
      seqs = seqs_of(stele::test::read_entries(peer, terms + comma + R"("order":"desc")"));
      BOOST_TEST(std::vector(seqs.rbegin(), seqs.rend()) == expected.seqs,
                 boost::test_tools::per_element());
      auto const count = peer.ask(R"({"op":"count_logs","bucket_us":64)" + std::string(",") +
                                  terms + (terms.empty() ? "\"start_ts\":0}" : "}"));
      BOOST_TEST(count.at("count").to_number<std::size_t>() == expected.seqs.size());
      std::map<std::uint64_t, std::uint64_t> buckets;
      for (auto const& bucket : count.at("buckets").as_array()) {
        buckets[bucket.at(0).to_number<std::uint64_t>()] = bucket.at(1).to_number<std::uint64_t>();
      }
      BOOST_TEST((buckets == expected.buckets));
    }
  }
  BOOST_TEST(found_in_all > 300U);
}

BOOST_AUTO_TEST_SUITE_END()
