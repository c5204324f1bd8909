// One directory, one daemon.
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

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

BOOST_AUTO_TEST_SUITE_END()
