// Many requests under way on one connection, however the bytes are cut.
#include <boost/json/object.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <random>
#include <string>

#include "support/steled.hpp"
#include "support/wire_peer.hpp"

using stele::test::Steled;
using stele::test::WirePeer;

BOOST_AUTO_TEST_SUITE(pipelining_test)

namespace {

std::string write_request(int id) {
  return R"({"op":"write_log","id":)" + std::to_string(id) + R"(,"entry":{"message":"m)" +
         std::to_string(id) + "\"}}";
}

}  // namespace

BOOST_DATA_TEST_CASE(a_thousand_requests_in_one_piece_are_answered_in_order,
                     stele::test::backends(), backend) {
  Steled daemon(backend);
  daemon.start();
  WirePeer peer(daemon.socket());
  std::string bytes;
  for (int id = 1; id <= 1000; ++id) bytes += stele::test::frame(write_request(id));
  BOOST_REQUIRE(peer.send_bytes(bytes));
  for (int id = 1; id <= 1000; ++id) {
    auto const reply = peer.receive_json();
    BOOST_REQUIRE_EQUAL(reply.at("id").to_number<int>(), id);
    BOOST_REQUIRE_EQUAL(reply.at("seq").to_number<int>(), id);
  }
}

BOOST_AUTO_TEST_CASE(a_request_cut_at_each_byte_is_one_request) {
  Steled daemon;
  daemon.start();
  WirePeer peer(daemon.socket());
  auto const bytes = stele::test::frame(write_request(1));
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    peer.send_bytes(bytes.substr(0, cut));
    // A reply on another connection shows that the daemon has been round since the first part.
    WirePeer(daemon.socket()).ask(R"({"op":"ping"})");
    peer.send_bytes(bytes.substr(cut));
    BOOST_REQUIRE_EQUAL(peer.receive_json().at("seq").to_number<std::size_t>(), cut + 1);
  }
}

BOOST_AUTO_TEST_CASE(a_stream_cut_at_random_is_the_same_stream) {
  Steled daemon;
  daemon.start();
  WirePeer peer(daemon.socket());
  std::string bytes;
  for (int id = 1; id <= 200; ++id) bytes += stele::test::frame(write_request(id));
  std::mt19937 random(7);
  for (std::size_t at = 0; at < bytes.size();) {
    auto const length = 1 + random() % 97;
    BOOST_REQUIRE(peer.send_bytes(bytes.substr(at, length)));
    at += length;
  }
  for (int id = 1; id <= 200; ++id) {
    BOOST_REQUIRE_EQUAL(peer.receive_json().at("id").to_number<int>(), id);
  }
}

BOOST_DATA_TEST_CASE(a_read_behind_a_write_on_the_same_connection_sees_it, stele::test::backends(),
                     backend) {
  Steled daemon(backend);
  daemon.start();
  WirePeer peer(daemon.socket());
  for (int id = 1; id <= 50; ++id) {
    peer.send_bytes(stele::test::frame(write_request(id)) +
                    stele::test::frame(R"({"op":"read_logs","order":"desc","limit":1})"));
    BOOST_REQUIRE_EQUAL(peer.receive_json().at("seq").to_number<int>(), id);
    auto const entries = stele::test::entries_of(peer.receive().value());
    BOOST_REQUIRE_EQUAL(entries.size(), 1U);
    BOOST_REQUIRE_EQUAL(entries[0].seq, static_cast<std::uint64_t>(id));
  }
}

BOOST_AUTO_TEST_CASE(failures_keep_their_place_among_the_replies) {
  Steled daemon;
  daemon.start();
  WirePeer peer(daemon.socket());
  peer.send_bytes(stele::test::frame(write_request(1)) +
                  stele::test::frame(R"({"op":"no_such_op","id":"two"})") +
                  stele::test::frame(R"({"op":"ping","id":3})") +
                  stele::test::frame(write_request(4)));
  BOOST_TEST(peer.receive_json().at("seq").to_number<int>() == 1);
  auto const failure = peer.receive_json();
  BOOST_TEST(stele::test::error_code_of(failure) == "unknown_op");
  BOOST_TEST(failure.at("id").as_string() == "two");
  BOOST_TEST(peer.receive_json().at("id").to_number<int>() == 3);
  BOOST_TEST(peer.receive_json().at("seq").to_number<int>() == 2);
}

BOOST_AUTO_TEST_CASE(half_close_finishes_and_answers_everything_then_closes) {
  Steled daemon;
  daemon.start();
  WirePeer peer(daemon.socket());
  std::string bytes;
  for (int id = 1; id <= 100; ++id) bytes += stele::test::frame(write_request(id));
  bytes += stele::test::frame(R"({"op":"read_logs"})");
  peer.send_bytes(bytes);
  peer.finish_sending();
  for (int id = 1; id <= 100; ++id) {
    BOOST_REQUIRE_EQUAL(peer.receive_json().at("seq").to_number<int>(), id);
  }
  BOOST_TEST(stele::test::entries_of(peer.receive().value()).size() == 100U);
  BOOST_TEST(!peer.receive());
}

BOOST_AUTO_TEST_CASE(a_batch_is_one_piece_for_readers_and_lines_speak_lines) {
  Steled daemon;
  daemon.start();
  WirePeer peer(daemon.socket(), WirePeer::Form::line);
  auto const reply =
      peer.ask(R"({"op":"write_many_logs","entries":[{"message":"a"},{"message":"b"}]})");
  BOOST_TEST(reply.at("first_seq").to_number<int>() == 1);
  BOOST_TEST(reply.at("last_seq").to_number<int>() == 2);
  BOOST_TEST(peer.ask("ping").at("ok").as_bool());
  BOOST_TEST(stele::test::read_entries(peer).size() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
