#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>

#include "daemon/session_fixture.hpp"

namespace {

using stele::daemon::SessionLimits;
using stele::test::ping;
using stele::test::read_all;

struct TightFixture : stele::test::SessionFixture {
  TightFixture() : SessionFixture(limits()) {}
  static SessionLimits limits() {
    SessionLimits limits;
    limits.frame_bytes_max = 1 << 20;
    limits.unread_bytes_max = (1 << 20) + 100;
    limits.unsent_bytes_max = 1000;
    limits.unanswered_max = 3;
    return limits;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(session_limits_test, TightFixture)

BOOST_AUTO_TEST_CASE(requests_beyond_the_unanswered_limit_wait_and_none_is_lost) {
  std::string bytes;
  for (int i = 0; i < 10; ++i) bytes += write_line(std::to_string(i));
  receive(bytes);
  BOOST_TEST(log.payloads.size() == 3U);
  BOOST_TEST(!session.may_read());
  std::size_t answered = 0;
  for (int commits = 0; commits < 4; ++commits) {
    commit();
    answered += replies().size();
  }
  BOOST_TEST(answered == 10U);
  BOOST_TEST(session.may_read());
}

BOOST_AUTO_TEST_CASE(a_client_that_does_not_read_is_not_served_further) {
  std::string bytes;
  for (int i = 0; i < 1000; ++i) bytes += ping;
  std::size_t const taken = receive(bytes);
  BOOST_TEST(taken < bytes.size() + 1);
  BOOST_TEST(!session.may_read());
  auto const sent = send_once();
  BOOST_TEST(sent.size() < 1000U + 100U);
  // Once it reads, all is answered.
  std::size_t lines = static_cast<std::size_t>(std::count(sent.begin(), sent.end(), '\n'));
  lines += replies().size();
  receive(std::string_view(bytes).substr(taken));
  lines += replies().size();
  BOOST_TEST(lines == 1000U);
}

BOOST_AUTO_TEST_CASE(what_waited_for_unsent_replies_asks_for_a_turn_once_they_are_sent) {
  std::string bytes;
  for (int i = 0; i < 1000; ++i) bytes += ping;
  receive(bytes);
  session.on_drain_end();
  auto& batch = session.begin_write();
  batch.on_sent(batch.unsent_bytes());
  BOOST_TEST(!session.awaits_turn());
  session.end_write();
  BOOST_TEST(session.awaits_turn());
  BOOST_TEST(!session.finished());
  session.advance();
  BOOST_TEST(session.has_output());
}

BOOST_AUTO_TEST_CASE(a_read_makes_no_frame_that_has_no_room) {
  for (int i = 0; i < 3; ++i) {
    receive(write_line("0", std::string(900'000, 'x')));
    commit();
    replies();
  }
  receive(read_all);
  BOOST_TEST(send_once().size() < 2U << 20);
  BOOST_TEST(session.has_output());
}

BOOST_AUTO_TEST_CASE(unread_bytes_stay_below_their_limit) {
  log.pending = facts.config.max_in_flight_bytes;
  receive(ping);
  BOOST_TEST(receive(std::string(2 << 20, ' ')) == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
