// Silent clients and unfinished requests, by a clock that stands until it is told.
#include "daemon/session/client_timeout.hpp"

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <string>

#include "daemon/session_fixture.hpp"

namespace {

using namespace std::chrono_literals;
using stele::daemon::SessionLimits;
using stele::test::ping;
using stele::test::read_all;

struct PatienceFixture : stele::test::SessionFixture {
  PatienceFixture() : SessionFixture(limits()) {}
  static SessionLimits limits() {
    auto limits = stele::daemon::session_limits({});
    limits.time = {.request_max = 30s, .idle_max = 600s};
    return limits;
  }

  /// Time passes; whether that was too long for the client.
  bool wait(std::chrono::milliseconds time) {
    clock.instant += time;
    if (!session.on_time(clock.instant)) return false;
    session.advance();
    return true;
  }
  std::string error_of(boost::json::object const& reply) {
    return std::string(reply.at("error").at("code").as_string());
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(client_timeout_test, PatienceFixture)

BOOST_AUTO_TEST_CASE(who_never_asks_anything_is_closed_without_words) {
  BOOST_TEST(!wait(29'999ms));
  BOOST_TEST(wait(1ms));
  BOOST_TEST(session.finished());
  BOOST_TEST(metrics.connections_timed_out == 1U);
}

BOOST_AUTO_TEST_CASE(blank_lines_are_no_request) {
  for (int i = 0; i < 29; ++i) {
    receive("\n");
    BOOST_TEST(!wait(1s));
  }
  BOOST_TEST(wait(1s));
}

BOOST_AUTO_TEST_CASE(a_first_request_that_trickles_in_is_told_bad_frame_and_closed) {
  receive(std::string("\0\0\0\x20", 4));
  for (int i = 0; i < 29; ++i) {
    receive("x");
    BOOST_TEST(!wait(1s));
  }
  BOOST_TEST(wait(1s));
  BOOST_TEST(session.input_failed());
  BOOST_TEST(send_all().find(R"("bad_frame")") != std::string::npos);
  BOOST_TEST(session.finished());
}

BOOST_AUTO_TEST_CASE(the_rest_of_a_request_has_its_time_from_its_first_byte_on) {
  receive(ping);
  BOOST_TEST(!wait(100s));
  receive(ping.substr(0, 5));
  replies();
  BOOST_TEST(!wait(29'999ms));
  receive(ping.substr(5, 1));
  BOOST_TEST(wait(1ms));
  auto const last = replies();
  BOOST_REQUIRE_EQUAL(last.size(), 1U);
  BOOST_TEST(error_of(last.front()) == "bad_frame");
  BOOST_TEST(last.front().at("error").at("detail").at("request_seconds_max").as_int64() == 30);
}

BOOST_AUTO_TEST_CASE(a_request_that_comes_whole_begins_the_time_of_the_next_anew) {
  std::string const half(ping.substr(0, 5));
  std::string const next = std::string(ping.substr(5)) + half;
  receive(half);
  for (int i = 0; i < 10; ++i) {
    BOOST_TEST(!wait(29s));
    receive(next);
    BOOST_TEST(replies().size() == 1U);
  }
  BOOST_TEST(wait(30s));
}

BOOST_AUTO_TEST_CASE(time_in_which_the_daemon_holds_the_client_back_does_not_count) {
  receive(ping);
  replies();
  log.pending = facts.config.max_in_flight_bytes;
  receive(std::string(ping) + std::string(ping.substr(0, 5)));
  BOOST_TEST(!session.may_read());
  BOOST_TEST(!wait(10'000s));
  log.pending = 0;
  session.advance();
  replies();
  BOOST_TEST(!wait(29s));
  BOOST_TEST(wait(1s));
}

BOOST_AUTO_TEST_CASE(time_that_does_not_count_does_not_begin_that_of_a_request_anew) {
  stele::daemon::ClientTimeout patience(limits().time, clock);
  using Wait = stele::daemon::ClientTimeout::Wait;
  patience.note(Wait::rest, true);
  for (int i = 0; i < 10; ++i) {
    clock.instant += 2s;
    patience.note(Wait::nothing, false);
    clock.instant += 1000s;
    BOOST_TEST(!patience.is_over(clock.instant));
    patience.note(Wait::rest, false);
  }
  clock.instant += 9s;
  BOOST_TEST(!patience.is_over(clock.instant));
  clock.instant += 1s;
  BOOST_TEST(patience.is_over(clock.instant));
  patience.note(Wait::rest, true);
  BOOST_TEST(!patience.is_over(clock.instant + 29s));
}

BOOST_AUTO_TEST_CASE(an_idle_client_is_closed_after_its_own_time) {
  receive(ping);
  replies();
  BOOST_TEST(!wait(0s));
  BOOST_TEST(!wait(599s));
  receive(ping);
  replies();
  BOOST_TEST(!wait(0s));
  BOOST_TEST(!wait(599s));
  BOOST_TEST(wait(1s));
  BOOST_TEST(!session.input_failed());
  BOOST_TEST(session.finished());
}

BOOST_AUTO_TEST_CASE(who_follows_or_awaits_the_disk_or_does_not_read_is_not_idle) {
  receive(write_line("1"));
  BOOST_TEST(!wait(10'000s));
  commit();
  BOOST_TEST(!wait(10'000s));
  replies();
  receive("{\"op\":\"read_logs\",\"follow\":true}\n");
  replies();
  BOOST_TEST(!wait(10'000s));
  BOOST_TEST(!wait(10'000s));
}

BOOST_AUTO_TEST_CASE(a_limit_of_0_is_none) {
  auto limits = PatienceFixture::limits();
  limits.time = {};
  stele::daemon::SessionState patient(handler, {}, limits);
  clock.instant += 10'000h;
  BOOST_TEST(!patient.on_time(clock.instant));
  receive(patient, ping.substr(0, 5));
  clock.instant += 10'000h;
  BOOST_TEST(!patient.on_time(clock.instant));
}

BOOST_AUTO_TEST_SUITE_END()
