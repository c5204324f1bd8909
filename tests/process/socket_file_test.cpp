// What stands at the socket path when the daemon starts: taken over only if it is a dead socket.
#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <string>

#include "support/steled.hpp"
#include "support/wire_peer.hpp"

using stele::test::Steled;
using stele::test::WirePeer;

namespace {

/// Starts the daemon, expects it to refuse, and returns what it said.
std::string refusal(Steled& daemon) {
  daemon.launch();
  BOOST_TEST(daemon.process().wait() == 78);
  return daemon.log();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(socket_file_test)

BOOST_AUTO_TEST_CASE(a_dead_socket_is_taken_over) {
  Steled daemon;
  daemon.start();
  daemon.kill_hard();
  BOOST_TEST(std::filesystem::is_socket(daemon.socket()));
  daemon.start();
  BOOST_TEST(WirePeer(daemon.socket()).ask(R"({"op":"ping"})").at("ok").as_bool());
}

BOOST_AUTO_TEST_CASE(a_socket_on_which_someone_answers_is_left_alone) {
  Steled first;
  first.start();
  Steled const second;
  auto const refused = stele::test::run_program(second.command(first.socket()));
  BOOST_TEST(refused.exit_code == 75);
  BOOST_TEST(refused.err.find(first.socket()) != std::string::npos);
  BOOST_TEST(WirePeer(first.socket()).ask(R"({"op":"ping"})").at("ok").as_bool());
}

BOOST_AUTO_TEST_CASE(a_regular_file_is_refused_and_untouched) {
  Steled daemon;
  stele::test::write_file(daemon.socket(), "precious");
  BOOST_TEST(refusal(daemon).find(daemon.socket()) != std::string::npos);
  BOOST_TEST(stele::test::read_file(daemon.socket()) == "precious");
}

BOOST_AUTO_TEST_CASE(a_symlink_is_refused_and_its_target_untouched) {
  Steled daemon;
  auto const target = daemon.home() + "/target";
  stele::test::write_file(target, "precious");
  BOOST_REQUIRE(::symlink(target.c_str(), daemon.socket().c_str()) == 0);
  refusal(daemon);
  BOOST_TEST(std::filesystem::is_symlink(daemon.socket()));
  BOOST_TEST(stele::test::read_file(target) == "precious");
}

BOOST_AUTO_TEST_CASE(a_symlink_to_a_dead_socket_is_refused_too) {
  Steled dead;
  dead.start();
  dead.kill_hard();
  Steled daemon;
  BOOST_REQUIRE(::symlink(dead.socket().c_str(), daemon.socket().c_str()) == 0);
  refusal(daemon);
  BOOST_TEST(std::filesystem::is_symlink(daemon.socket()));
  BOOST_TEST(std::filesystem::is_socket(dead.socket()));
}

BOOST_AUTO_TEST_CASE(a_fifo_is_refused_and_untouched) {
  Steled daemon;
  BOOST_REQUIRE(::mkfifo(daemon.socket().c_str(), 0600) == 0);
  refusal(daemon);
  BOOST_TEST(std::filesystem::is_fifo(daemon.socket()));
}

BOOST_AUTO_TEST_CASE(a_path_longer_than_a_socket_address_is_refused_by_name) {
  Steled const daemon;
  auto const refused =
      stele::test::run_program(daemon.command(daemon.home() + "/" + std::string(120, 's')));
  BOOST_TEST(refused.exit_code != 0);
  BOOST_TEST(refused.err.find("long") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
