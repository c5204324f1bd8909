#include "daemon/supervision/diagnostics.hpp"

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <string>

namespace {

using stele::daemon::Instant;
using stele::daemon::printable;
using stele::daemon::Throttle;

}  // namespace

BOOST_AUTO_TEST_SUITE(diagnostics_test)

BOOST_AUTO_TEST_CASE(client_bytes_cannot_forge_a_log_line) {
  BOOST_TEST(printable("plain") == "\"plain\"");
  BOOST_TEST(printable("a\nb\x1b[2J\"\\") == R"("a\x0ab\x1b[2J\"\\")");
  BOOST_TEST(printable("\xc3\xa9") == R"("\xc3\xa9")");
}

BOOST_AUTO_TEST_CASE(long_client_bytes_are_cut) {
  BOOST_TEST(printable(std::string(256, 'x')) == '"' + std::string(256, 'x') + '"');
  BOOST_TEST(printable(std::string(257, 'x')) == '"' + std::string(256, 'x') + "\"…");
}

BOOST_AUTO_TEST_CASE(the_first_message_passes_and_then_one_a_period_with_the_count_between) {
  Throttle throttle(std::chrono::seconds(10));
  Instant const start{};
  BOOST_TEST((throttle.pass(start) == 0U));
  BOOST_TEST(!throttle.pass(start + std::chrono::seconds(1)).has_value());
  BOOST_TEST(!throttle.pass(start + std::chrono::seconds(9)).has_value());
  BOOST_TEST((throttle.pass(start + std::chrono::seconds(10)) == 2U));
  BOOST_TEST(!throttle.pass(start + std::chrono::seconds(11)).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
