#include "stele/client_error.hpp"

#include <boost/test/unit_test.hpp>
#include <set>
#include <string>

using stele::ClientError;
using stele::Error;
using stele::Failure;

BOOST_AUTO_TEST_SUITE(client_error_test)

BOOST_AUTO_TEST_CASE(every_code_has_a_text_of_its_own) {
  std::set<std::string> texts;
  auto const last = static_cast<int>(stele::client_error_last);
  for (int value = static_cast<int>(stele::client_error_first); value <= last; ++value) {
    texts.insert(make_error_code(static_cast<ClientError>(value)).message());
  }
  BOOST_TEST(texts.size() == static_cast<std::size_t>(last));
  BOOST_TEST(texts.count("unknown client error") == 0U);
}

BOOST_AUTO_TEST_CASE(client_codes_are_not_the_daemons_codes_of_the_same_number) {
  boost::system::error_code const client = ClientError::cannot_connect;
  boost::system::error_code const daemon = Error::bad_frame;
  BOOST_TEST(client.value() == daemon.value());
  BOOST_TEST(client != daemon);
}

BOOST_AUTO_TEST_CASE(a_failed_write_may_be_stored_only_when_its_fate_is_unknown) {
  BOOST_TEST(may_be_stored(Failure{ClientError::outcome_unknown, ""}));
  BOOST_TEST(may_be_stored(Failure{ClientError::protocol_violation, ""}));
  BOOST_TEST(may_be_stored(Failure{Error::log_failed, ""}));
  BOOST_TEST(!may_be_stored(Failure{ClientError::cannot_connect, ""}));
  BOOST_TEST(!may_be_stored(Failure{ClientError::connection_lost, ""}));
  BOOST_TEST(!may_be_stored(Failure{Error::no_space, ""}));
  BOOST_TEST(!may_be_stored(Failure{Error::overloaded, ""}));
}

BOOST_AUTO_TEST_SUITE_END()
