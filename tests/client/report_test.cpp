#include "client-lib/cli/terminal/report.hpp"

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <string>

using stele::ClientError;
using stele::Error;
using stele::Failure;
using stele::cli::exit_code_for;
using stele::cli::hint_for;

BOOST_AUTO_TEST_SUITE(report_test)

BOOST_AUTO_TEST_CASE(the_exit_code_tells_who_failed) {
  BOOST_TEST(exit_code_for({ClientError::cannot_connect, ""}) == 3);
  BOOST_TEST(exit_code_for({ClientError::outcome_unknown, ""}) == 3);
  BOOST_TEST(exit_code_for({Error::no_space, ""}) == 4);
  BOOST_TEST(exit_code_for({{ENOENT, boost::system::system_category()}, ""}) == 1);
}

BOOST_AUTO_TEST_CASE(every_client_error_has_a_next_step) {
  for (int value = 1; value <= static_cast<int>(stele::client_error_last); ++value) {
    BOOST_TEST(!hint_for({static_cast<ClientError>(value), ""}).empty());
  }
}

BOOST_AUTO_TEST_CASE(a_socket_without_permission_has_its_own_hint) {
  auto const detail = "{\"errno\":" + std::to_string(EACCES) + "}";
  BOOST_TEST(hint_for({ClientError::cannot_connect, "", detail}) !=
             hint_for({ClientError::cannot_connect, ""}));
}

BOOST_AUTO_TEST_SUITE_END()
