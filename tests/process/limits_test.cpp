// At a bound the daemon refuses or waits; it never grows and never spins.
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "process/no_sanitizer.hpp"
#include "support/process_figures.hpp"
#include "support/steled.hpp"
#include "support/wire_peer.hpp"

using stele::test::error_code_of;
using stele::test::has_no_sanitizer;
using stele::test::Steled;
using stele::test::WirePeer;

namespace {

std::string proc(Steled& daemon, std::string_view file) {
  return "/proc/" + std::to_string(daemon.process().pid()) + "/" + std::string(file);
}

std::size_t resident_bytes(Steled& daemon) {
  return stele::test::figures_of(daemon.process().pid()).resident_bytes;
}

std::chrono::milliseconds cpu_time(Steled& daemon) {
  auto const stat = stele::test::read_file(proc(daemon, "stat"));
  std::istringstream fields(stat.substr(stat.rfind(')') + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  long user = 0;
  long system = 0;
  fields >> user >> system;
  return std::chrono::milliseconds((user + system) * 1000 / ::sysconf(_SC_CLK_TCK));
}

std::size_t open_files(Steled& daemon) {
  return stele::test::figures_of(daemon.process().pid()).descriptors;
}

void limit_open_files(Steled& daemon, std::size_t count) {
  rlimit const limit{count, count};
  BOOST_REQUIRE(::prlimit(daemon.process().pid(), RLIMIT_NOFILE, &limit, nullptr) == 0);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(limits_test)

BOOST_AUTO_TEST_CASE(one_connection_too_many_is_told_so_and_closed) {
  Steled daemon("posix", {"--max-connections", "3"});
  daemon.start();
  std::vector<std::unique_ptr<WirePeer>> peers;
  auto const deadline = std::chrono::steady_clock::now() + stele::test::patience;
  // The connections that the start made to see whether the daemon answers may still count.
  while (peers.size() < 3 && std::chrono::steady_clock::now() < deadline) {
    auto peer = std::make_unique<WirePeer>(daemon.socket());
    peer->send(R"({"op":"ping"})");
    if (auto const reply = peer->receive(); reply && reply->find("\"ok\":true") != reply->npos) {
      peers.push_back(std::move(peer));
    }
  }
  BOOST_REQUIRE_EQUAL(peers.size(), 3U);
  WirePeer refused(daemon.socket());
  refused.send(R"({"op":"ping"})");
  BOOST_TEST(error_code_of(refused.receive_json()) == "too_many_connections");
  BOOST_TEST(!refused.receive());
  for (auto const& peer : peers) BOOST_TEST(peer->ask(R"({"op":"ping"})").at("ok").as_bool());

  peers.pop_back();
  for (;;) {
    WirePeer next(daemon.socket());
    next.send(R"({"op":"ping"})");
    if (error_code_of(next.receive_json()).empty()) break;
    BOOST_REQUIRE(std::chrono::steady_clock::now() < deadline);
  }
}

BOOST_AUTO_TEST_CASE(a_reader_that_never_reads_costs_a_bounded_amount_and_stops_nobody) {
  Steled daemon;
  daemon.start();
  WirePeer writer(daemon.socket());
  auto const write =
      R"({"op":"write_log","entry":{"message":")" + std::string(100'000, 'x') + "\"}}";
  for (int i = 0; i < 20; ++i) writer.ask(write);
  auto const before = resident_bytes(daemon);

  // Two gigabytes of replies, if they were all made.
  WirePeer deaf(daemon.socket());
  std::string requests;
  for (int i = 0; i < 1000; ++i) requests += stele::test::frame(R"({"op":"read_logs"})");
  deaf.send_bytes(requests);
  for (int i = 0; i < 100; ++i) BOOST_REQUIRE(writer.ask(write).at("ok").as_bool());
  auto const own_writes = std::size_t{100} * 100'000;
  auto const allowance = std::size_t{200} << 20;
  BOOST_TEST(resident_bytes(daemon) < before + own_writes + allowance);
}

BOOST_AUTO_TEST_CASE(a_writer_that_never_reads_its_acknowledgements_stops_nobody) {
  Steled daemon;
  daemon.start();
  auto const before = resident_bytes(daemon);
  WirePeer deaf(daemon.socket());
  timeval const short_patience{1, 0};
  ::setsockopt(deaf.fd(), SOL_SOCKET, SO_SNDTIMEO, &short_patience, sizeof short_patience);
  // Until the daemon stops reading from it: its replies, and then its requests, pile up.
  BOOST_CHECK_THROW(
      {
        for (int i = 0; i < 10'000'000; ++i) deaf.send(R"({"op":"ping","id":1234567890})");
      },
      std::runtime_error);
  WirePeer other(daemon.socket());
  for (int i = 1; i <= 50; ++i) {
    BOOST_REQUIRE_EQUAL(
        other.ask(R"({"op":"write_log","entry":{"message":"m"}})").at("seq").to_number<int>(), i);
  }
  BOOST_TEST(resident_bytes(daemon) < before + (std::size_t{100} << 20));
}

// Not under UBSan: it looks at memory through a pipe, and without descriptors reports good objects.
BOOST_AUTO_TEST_CASE(without_file_descriptors_the_daemon_serves_on_and_does_not_spin,
                     *boost::unit_test::precondition(has_no_sanitizer)) {
  Steled daemon;
  daemon.start();
  WirePeer served(daemon.socket());
  served.ask(R"({"op":"ping"})");
  limit_open_files(daemon, open_files(daemon) + 3);
  std::vector<std::unique_ptr<WirePeer>> crowd;
  for (int i = 0; i < 20; ++i) crowd.push_back(std::make_unique<WirePeer>(daemon.socket()));

  // A daemon that is told again and again of a connection that it cannot accept burns a core.
  auto const before = cpu_time(daemon);
  auto const watched = std::chrono::milliseconds(1000);
  BOOST_REQUIRE_MESSAGE(!daemon.process().wait_for(watched), daemon.log());
  BOOST_TEST((cpu_time(daemon) - before < watched / 2));
  BOOST_TEST(served.ask(R"({"op":"write_log","entry":{"message":"m"}})").at("ok").as_bool());

  auto last = std::move(crowd.back());
  crowd.clear();
  BOOST_TEST(last->ask(R"({"op":"ping"})").at("ok").as_bool());
}

BOOST_AUTO_TEST_CASE(silent_clients_and_unfinished_requests_are_closed_and_others_are_not) {
  Steled daemon("posix", {"--request-timeout", "1s"});
  daemon.start();
  WirePeer known(daemon.socket());
  known.ask(R"({"op":"ping"})");
  WirePeer silent(daemon.socket());
  WirePeer slow(daemon.socket());
  slow.send_bytes(std::string("\0\0\0\x20{", 5));
  BOOST_TEST(!silent.receive());
  BOOST_TEST(error_code_of(slow.receive_json()) == "bad_frame");
  BOOST_TEST(!slow.receive());
  BOOST_TEST(known.ask(R"({"op":"stats"})").at("connections").at("timed_out").as_int64() == 2);
}

BOOST_AUTO_TEST_CASE(an_idle_client_is_closed_if_the_settings_say_so_and_a_follower_is_not) {
  Steled daemon("posix", {"--idle-timeout", "1s"});
  daemon.start();
  WirePeer follower(daemon.socket());
  follower.ask(R"({"op":"read_logs","follow":true})");
  WirePeer idle(daemon.socket());
  idle.ask(R"({"op":"ping"})");
  BOOST_TEST(!idle.receive());
  WirePeer(daemon.socket()).ask(R"({"op":"write_log","entry":{"message":"m"}})");
  BOOST_TEST(follower.receive_json().at("entries").as_array().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_frame_above_the_configured_limit_is_refused_by_its_length) {
  Steled daemon("posix", {"--max-frame-bytes", "2M"});
  daemon.start();
  WirePeer peer(daemon.socket());
  peer.send_bytes(std::string("\0\x20\0\1", 4));
  auto const reply = peer.receive_json();
  BOOST_TEST(error_code_of(reply) == "frame_too_large");
  BOOST_TEST(!peer.receive());
}

BOOST_AUTO_TEST_SUITE_END()
