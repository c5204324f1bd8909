// SIGTERM and SIGINT: what was sent is answered, what was acknowledged is there, the exit is 0.
#include <signal.h>

#include <atomic>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/steled.hpp"
#include "support/wire_peer.hpp"

using stele::test::Steled;
using stele::test::WirePeer;

namespace {

/// Writes as fast as it gets, many requests under way, until the daemon ends the connection.
class BusyWriter {
 public:
  BusyWriter(Steled const& daemon, int number, std::atomic<int>& acked_in_all)
      : thread_([this, socket = daemon.socket(), number, &acked_in_all] {
          run(socket, number, acked_in_all);
        }) {}
  void join() { thread_.join(); }

  std::map<std::uint64_t, std::string> acked{};  ///< seq -> message
  std::string odd_reply{};                       ///< One that is neither an ack nor shutting_down.

 private:
  void run(std::string const& socket, int number, std::atomic<int>& acked_in_all) {
    WirePeer peer(socket);
    constexpr int under_way = 16;
    int sent = 0;
    auto message = [&](int index) {
      return "w" + std::to_string(number) + "-" + std::to_string(index);
    };
    auto send_next = [&] {
      peer.send(R"({"op":"write_log","entry":{"message":")" + message(sent++) + "\"}}");
    };
    while (sent < under_way) send_next();
    for (int answered = 0;; ++answered) {
      auto const reply = peer.receive();
      if (!reply) return;
      if (reply->find("\"ok\":true") != reply->npos) {
        acked[std::stoull(reply->substr(reply->find("\"seq\":") + 6))] = message(answered);
        acked_in_all.fetch_add(1);
        send_next();
      } else if (reply->find("\"shutting_down\"") == reply->npos) {
        odd_reply = *reply;
      }
    }
  }

  std::thread thread_;
};

void stop_under_load(std::string const& backend, int signal) {
  Steled daemon(backend);
  daemon.start();
  std::atomic<int> acked_in_all = 0;
  std::vector<std::unique_ptr<BusyWriter>> writers;
  for (int i = 0; i < 4; ++i) {
    writers.push_back(std::make_unique<BusyWriter>(daemon, i, acked_in_all));
  }
  while (acked_in_all < 200 && !daemon.process().wait_for(std::chrono::microseconds(100))) {
  }
  daemon.process().signal(signal);
  BOOST_TEST(daemon.process().wait() == 0);
  for (auto const& writer : writers) writer->join();

  daemon.start();
  WirePeer reader(daemon.socket());
  std::map<std::uint64_t, std::string> stored;
  for (auto const& entry : stele::test::read_entries(reader)) stored[entry.seq] = entry.body;
  for (auto const& writer : writers) {
    BOOST_TEST(writer->odd_reply == "");
    BOOST_TEST(!writer->acked.empty());
    for (auto const& [seq, message] : writer->acked) {
      BOOST_REQUIRE(stored[seq].find("\"message\":\"" + message + "\"") != std::string::npos);
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(stop_test)

BOOST_DATA_TEST_CASE(sigterm_under_load_answers_what_was_sent_and_keeps_what_was_acknowledged,
                     stele::test::backends(), backend) {
  stop_under_load(backend, SIGTERM);
}

BOOST_DATA_TEST_CASE(sigint_does_the_same, stele::test::backends(), backend) {
  stop_under_load(backend, SIGINT);
}

BOOST_AUTO_TEST_CASE(idle_and_silent_connections_do_not_delay_the_stop) {
  Steled daemon;
  daemon.start();
  WirePeer silent(daemon.socket());
  WirePeer idle(daemon.socket());
  idle.ask(R"({"op":"ping"})");
  WirePeer half(daemon.socket());
  half.send_bytes(std::string("\0\0\1\0{\"op\":", 10));
  BOOST_TEST(daemon.stop() == 0);
  BOOST_TEST(!stele::test::can_connect(daemon.socket()));
}

BOOST_AUTO_TEST_CASE(every_connection_is_told_the_end_behind_what_it_is_owed) {
  Steled daemon;
  daemon.start();
  WirePeer idle(daemon.socket());
  idle.ask(R"({"op":"ping"})");
  WirePeer follower(daemon.socket());
  follower.ask(R"({"op":"read_logs","id":"t","follow":true})");
  WirePeer slow(daemon.socket());
  constexpr int sent = 1000;
  for (int i = 0; i < sent; ++i) BOOST_REQUIRE(slow.send(stele::test::write_of("m")));
  daemon.process().signal(SIGTERM);
  BOOST_TEST(!idle.receive());
  // First what had come to be on disk.
  auto last = follower.receive_json();
  while (last.at("more").as_bool()) last = follower.receive_json();
  BOOST_TEST(!follower.receive());
  int answered = 0;
  while (slow.receive()) ++answered;
  BOOST_TEST(answered == sent);
  BOOST_TEST(daemon.process().wait() == 0);
}

BOOST_AUTO_TEST_CASE(a_stopped_daemon_leaves_no_socket_file) {
  Steled daemon;
  daemon.start();
  BOOST_TEST(daemon.stop() == 0);
  BOOST_TEST(!std::filesystem::exists(daemon.socket()));
}

BOOST_AUTO_TEST_SUITE_END()
