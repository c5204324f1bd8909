// The command line of steled where it serves nobody.
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "support/steled.hpp"
#include "support/wire_peer.hpp"

using stele::test::Finished;
using stele::test::Steled;

namespace {

Finished run_steled(std::vector<std::string> const& arguments) {
  Steled const daemon;
  std::vector<std::string> words{daemon.command(daemon.socket()).front()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return stele::test::run_program(words);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(daemon_command_test)

BOOST_AUTO_TEST_CASE(help_and_version_are_printed) {
  auto const help = run_steled({"--help"});
  BOOST_TEST(help.exit_code == 0);
  BOOST_TEST(help.out.starts_with("usage: steled "));
  BOOST_TEST(help.out.find("--retain-bytes") != std::string::npos);
  auto const version = run_steled({"--version"});
  BOOST_TEST(version.exit_code == 0);
  BOOST_TEST(version.out.starts_with("steled "));
}

BOOST_AUTO_TEST_CASE(a_check_of_valid_settings_says_so_and_starts_nothing) {
  Steled const daemon;
  auto const run = run_steled({"--check-config", "--socket", daemon.socket()});
  BOOST_TEST(run.exit_code == 0);
  BOOST_TEST(run.out.starts_with("the settings are valid\nmemory: at most "));
  BOOST_TEST(!stele::test::can_connect(daemon.socket()));
}

BOOST_AUTO_TEST_CASE(settings_that_do_not_fit_into_the_memory_are_valid_and_a_warning) {
  auto const run = run_steled({"--check-config", "--retain-bytes", "1T"});
  BOOST_TEST(run.exit_code == 0);
  BOOST_TEST(run.out.starts_with("the settings are valid\n"));
  BOOST_TEST(run.err.find("steled: warning: memory: up to ") != std::string::npos, run.err);
  BOOST_TEST(run.err.find("set retain-bytes = ") != std::string::npos, run.err);
}

BOOST_AUTO_TEST_CASE(all_that_is_wrong_is_named_at_once) {
  auto const run = run_steled({"--check-config", "--retain-bytes", "soon", "--log-level", "loud"});
  BOOST_TEST(run.exit_code == 64);
  BOOST_TEST(run.err.find("retain-bytes") != std::string::npos);
  BOOST_TEST(run.err.find("log-level") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_unknown_flag_is_64) {
  auto const run = run_steled({"--no-such-flag"});
  BOOST_TEST(run.exit_code == 64);
  BOOST_TEST(run.err.find("no-such-flag") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
