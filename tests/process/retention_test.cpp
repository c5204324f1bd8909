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
bool dense_up_to(std::vector<WireEntry> const& entries, std::uint64_t last) {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].seq != last - (entries.size() - 1 - i)) return false;
  }
  return !entries.empty();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(retention_test)

BOOST_DATA_TEST_CASE(the_oldest_entries_go_and_a_cursor_on_them_has_expired,
                     stele::test::backends(), backend) {
  constexpr std::uint64_t count = 300;
  Steled daemon(backend, {"--retain-bytes", "8M"});
  daemon.start();
  WirePeer peer(daemon.socket());
  auto const write =
      R"({"op":"write_log","entry":{"message":")" + std::string(100'000, 'x') + "\"}}";
  peer.ask(write);
  peer.ask(write);
  auto const page = peer.ask(R"({"op":"read_logs","limit":1})");
  auto const cursor = std::string(page.at("cursor").as_string());
  for (std::uint64_t i = 2; i < count; ++i) BOOST_REQUIRE(peer.ask(write).at("ok").as_bool());

  auto const expired = peer.ask(R"({"op":"read_logs","cursor":")" + cursor + "\"}");
  BOOST_TEST(error_code_of(expired) == "cursor_expired");
  auto const kept = stele::test::read_entries(peer);
  BOOST_TEST(kept.size() < count);
  BOOST_TEST(dense_up_to(kept, count));

  daemon.kill_hard();
  daemon.start();
  WirePeer reader(daemon.socket());
  BOOST_TEST(dense_up_to(stele::test::read_entries(reader), count));
  BOOST_TEST(reader.ask(write).at("seq").to_number<std::uint64_t>() == count + 1);
}

BOOST_AUTO_TEST_SUITE_END()
