// Old segments are removed whole, oldest first; what points at them is told so.
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <chrono>
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

BOOST_AUTO_TEST_CASE(a_log_that_may_not_grow_in_memory_refuses_writes_and_says_what_to_do) {
  Steled daemon("posix", {"--retain-bytes", "0", "--max-store-bytes", "1M"});
  daemon.start();
  auto const write =
      R"({"op":"write_log","entry":{"message":")" + std::string(100'000, 'x') + "\"}}";
  WirePeer peer(daemon.socket());
  int written = 0;
  while (error_code_of(peer.ask(write)).empty()) BOOST_REQUIRE(++written < 20);
  BOOST_TEST(written >= 10);
  BOOST_TEST(error_code_of(peer.ask(write)) == "no_space");
  BOOST_TEST(peer.ask(R"({"op":"count_logs"})").at("count").to_number<int>() == written);
  BOOST_TEST(daemon.stop() == 0);

  Steled smaller("posix", {"--retain-bytes", "0", "--max-store-bytes", "500K"});
  smaller.keep_data_in(daemon.data_dir());
  smaller.launch();
  BOOST_TEST(smaller.process().wait() == 78);
  BOOST_TEST(smaller.log().find("max-store-bytes allows (500K)") != std::string::npos);
  BOOST_TEST(smaller.log().find("set retain-bytes") != std::string::npos);

  Steled larger("posix", {"--retain-bytes", "0"});
  larger.keep_data_in(daemon.data_dir());
  larger.start();
  WirePeer again(larger.socket());
  BOOST_TEST(again.ask(R"({"op":"count_logs"})").at("count").to_number<int>() == written);
}

BOOST_AUTO_TEST_CASE(entries_go_by_their_age_also_when_nothing_is_written) {
  Steled daemon("posix", {"--retain-age", "1s"});
  daemon.start();
  WirePeer peer(daemon.socket());
  peer.ask(R"({"op":"write_log","entry":{"message":"m"}})");
  auto const deadline = std::chrono::steady_clock::now() + stele::test::patience;
  auto const count = [&] {
    return peer.ask(R"({"op":"count_logs"})").at("count").to_number<int>();
  };
  while (count() > 0) BOOST_REQUIRE(std::chrono::steady_clock::now() < deadline);
  auto const audit = peer.ask(R"({"op":"audit"})");
  BOOST_TEST(audit.at("complete").as_bool());
  BOOST_TEST(audit.at("expired").to_number<int>() == 1);
}

// Until nothing is left; then again, after stops and kills, with what else can be on disk.
BOOST_DATA_TEST_CASE(a_log_of_which_everything_has_expired_starts_again, stele::test::backends(),
                     backend) {
  Steled daemon(backend, {"--retain-age", "1s", "--segment-bytes", "1M"});
  std::uint64_t written = 0;
  for (int life = 0; life < 6; ++life) {
    daemon.start();
    WirePeer peer(daemon.socket());
    auto const stats = peer.ask(R"({"op":"stats"})");
    BOOST_TEST(stats.at("state").as_string() == "ok");
    BOOST_TEST(stats.at("store").at("visible_seq").to_number<std::uint64_t>() == written);
    BOOST_TEST(peer.ask(R"({"op":"count_logs"})").at("count").to_number<int>() == 0);
    auto const audit = peer.ask(R"({"op":"audit"})");
    BOOST_TEST(audit.at("complete").as_bool());
    BOOST_TEST(audit.at("expired").to_number<std::uint64_t>() == written);
    // Two lives of three only look, or leave a record of what a client dropped.
    if (life % 3 == 1) peer.ask(R"({"op":"report_dropped","count":1})");
    if (life % 3 == 0) {
      auto const reply = peer.ask(R"({"op":"write_log","entry":{"message":"m"}})");
      BOOST_TEST(reply.at("seq").to_number<std::uint64_t>() == ++written);
      auto const deadline = std::chrono::steady_clock::now() + stele::test::patience;
      while (peer.ask(R"({"op":"count_logs"})").at("count").to_number<int>() > 0) {
        BOOST_REQUIRE(std::chrono::steady_clock::now() < deadline);
        daemon.process().wait_for(std::chrono::milliseconds(20));
      }
    }
    if (life % 2 == 0) {
      BOOST_TEST(daemon.stop() == 0);
    } else {
      daemon.kill_hard();
    }
  }
}

BOOST_AUTO_TEST_CASE(what_a_consumer_has_not_confirmed_is_kept_over_restarts_up_to_a_limit) {
  Steled daemon("posix", {"--retain-bytes", "4M", "--segment-bytes", "1M", "--consumers", "archive",
                          "--hold-bytes", "8M"});
  daemon.start();
  auto const write =
      R"({"op":"write_log","entry":{"message":")" + std::string(100'000, 'x') + "\"}}";
  auto const write_many = [&](WirePeer& peer, int count) {
    for (int i = 0; i < count; ++i) peer.ask(write);
  };
  auto const consumer = [](WirePeer& peer) {
    return peer.ask(R"({"op":"stats"})").at("consumers").at("archive").as_object();
  };
  WirePeer peer(daemon.socket());
  BOOST_TEST(peer.ask(R"({"op":"confirm","consumer":"archive","seq":0})").at("ok").as_bool());
  write_many(peer, 80);
  BOOST_TEST(read_kept(peer).front().seq == 1U);
  daemon.kill_hard();

  // Nobody has said anything yet, so all of it may be needed.
  daemon.start();
  WirePeer again(daemon.socket());
  write_many(again, 10);
  BOOST_TEST(read_kept(again).front().seq == 1U);
  BOOST_TEST(consumer(again).at("confirmed_seq").is_null());
  again.ask(R"({"op":"confirm","consumer":"archive","seq":50})");
  write_many(again, 20);
  auto const kept = read_kept(again);
  BOOST_TEST(kept.front().seq > 20U);
  BOOST_TEST(kept.front().seq <= 51U);
  BOOST_TEST(dense_up_to(kept, 110));
  BOOST_TEST(consumer(again).at("unconfirmed").to_number<int>() == 60);
  BOOST_TEST(consumer(again).at("lost").to_number<int>() == 0);

  write_many(again, 120);
  BOOST_TEST(read_kept(again).front().seq > 51U);
  BOOST_TEST(consumer(again).at("lost").to_number<int>() > 0);
  BOOST_TEST(daemon.log().find("consumer archive has not confirmed") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
