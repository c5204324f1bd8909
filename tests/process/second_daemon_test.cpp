// One directory, one daemon.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <csignal>
#include <string>

#include "support/program.hpp"
#include "support/steled.hpp"
#include "support/wire_peer.hpp"

using stele::test::Steled;
using stele::test::WirePeer;

BOOST_AUTO_TEST_SUITE(second_daemon_test)

BOOST_DATA_TEST_CASE(a_second_daemon_on_the_directory_exits_75_and_the_first_goes_on,
                     stele::test::backends(), backend) {
  Steled first(backend);
  first.start();
  WirePeer peer(first.socket());
  peer.ask(R"({"op":"write_log","entry":{"message":"before"}})");

  auto const second = stele::test::run_program(first.command(first.home() + "/other.sock"));
  BOOST_TEST(second.exit_code == 75);
  BOOST_TEST((second.out + second.err).find(first.data_dir()) != std::string::npos);
  BOOST_TEST(!stele::test::can_connect(first.home() + "/other.sock"));

  BOOST_TEST(
      peer.ask(R"({"op":"write_log","entry":{"message":"after"}})").at("seq").to_number<int>() ==
      2);
  BOOST_TEST(first.stop() == 0);
  first.start();
  WirePeer reader(first.socket());
  BOOST_TEST(stele::test::read_entries(reader).size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_killed_daemon_leaves_no_lock_behind) {
  Steled daemon;
  for (int i = 0; i < 3; ++i) {
    daemon.start();
    daemon.kill_hard();
  }
  daemon.start();
  BOOST_TEST(daemon.stop() == 0);
}

/// What the kernel has under way for a process that was killed may hold the lock for a moment more.
BOOST_AUTO_TEST_CASE(a_directory_that_is_let_go_of_meanwhile_is_taken) {
  Steled daemon;
  daemon.start();
  BOOST_TEST(daemon.stop() == 0);
  int const held = ::open(daemon.data_dir().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  BOOST_REQUIRE(::flock(held, LOCK_EX | LOCK_NB) == 0);
  auto const log = daemon.home() + "/waiting.log";
  stele::test::Program waiting(daemon.command(), {.out = log});
  auto const is_waiting = [&log] {
    return stele::test::read_file(log).find("waiting a moment") != std::string::npos;
  };
  auto const pause = std::chrono::milliseconds(1);
  while (!is_waiting()) BOOST_REQUIRE(!waiting.wait_for(pause));
  ::close(held);
  while (!stele::test::can_connect(daemon.socket())) BOOST_REQUIRE(!waiting.wait_for(pause));
  waiting.signal(SIGTERM);
  BOOST_TEST(waiting.wait() == 0);
}

BOOST_AUTO_TEST_SUITE_END()
