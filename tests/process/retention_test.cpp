// Old segments are removed whole, oldest first; what points at them is told so.
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "support/steled.hpp"
#include "support/wire_peer.hpp"

using stele::test::error_code_of;
using stele::test::Steled;
using stele::test::WireEntry;
using stele::test::WirePeer;

namespace {

/// Whether the seqs run from some first one to `last` without a gap.
boost::test_tools::assertion_result dense_up_to(std::vector<WireEntry> const& entries,
                                                std::uint64_t last) {
  boost::test_tools::assertion_result result(!entries.empty() && entries.back().seq == last);
  if (!result) result.message() << entries.size() << " entries, not up to " << last;
  for (std::size_t i = 1; i < entries.size(); ++i) {
    if (entries[i].seq == entries[i - 1].seq + 1) continue;
    result = false;
    result.message() << entries[i - 1].seq << " is followed by " << entries[i].seq;
  }
  return result;
}

/// Everything that is kept. A read that retention overtakes fails, and is made again.
std::vector<WireEntry> read_kept(WirePeer& peer) {
  for (;;) {
    peer.send(R"({"op":"read_logs"})");
    std::vector<WireEntry> all;
    for (;;) {
      auto const text = peer.receive().value();
      if (text.find("\"cursor_expired\"") != text.npos) break;
      auto const entries = stele::test::entries_of(text);
      all.insert(all.end(), entries.begin(), entries.end());
      if (text.ends_with("\"more\":false,\"cursor\":null}")) return all;
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(retention_test)

BOOST_DATA_TEST_CASE(the_oldest_entries_go_and_a_cursor_on_them_has_expired,
                     stele::test::backends(), backend) {
  constexpr std::uint64_t count = 300;
  Steled daemon(backend, {"--retain-bytes", "16M"});
  daemon.start();
  WirePeer peer(daemon.socket());
  auto const write =
      R"({"op":"write_log","entry":{"message":")" + std::string(100'000, 'x') + "\"}}";
  peer.ask(write);
  peer.ask(write);
  auto const page = peer.ask(R"({"op":"read_logs","limit":1})");
  auto const cursor = std::string(page.at("cursor").as_string());
  // What is read while retention is at work has no gap, either.
  for (std::uint64_t last = 3; last <= count; ++last) {
    BOOST_REQUIRE_EQUAL(peer.ask(write).at("seq").to_number<std::uint64_t>(), last);
    if (last % 10 == 0) BOOST_REQUIRE(dense_up_to(read_kept(peer), last));
  }

  auto const expired = peer.ask(R"({"op":"read_logs","cursor":")" + cursor + "\"}");
  BOOST_TEST(error_code_of(expired) == "cursor_expired");
  auto const kept = read_kept(peer);
  BOOST_TEST(kept.size() < count);
  BOOST_TEST(dense_up_to(kept, count));

  daemon.kill_hard();
  daemon.start();
  WirePeer reader(daemon.socket());
  BOOST_TEST(dense_up_to(read_kept(reader), count));
  BOOST_TEST(reader.ask(write).at("seq").to_number<std::uint64_t>() == count + 1);
}

BOOST_AUTO_TEST_SUITE_END()
