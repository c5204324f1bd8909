// Follows on a connection: which frames come when, and what ends them.
#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>

#include "daemon/session_fixture.hpp"

namespace {

namespace json = boost::json;
using stele::Origin;
using stele::daemon::SessionLimits;
using stele::daemon::SessionState;
using stele::test::code_of;

constexpr std::string_view follow_line = "{\"op\":\"read_logs\",\"id\":\"t\",\"follow\":true}\n";
constexpr std::string_view cancel = "{\"op\":\"cancel\",\"id\":9,\"target\":\"t\"}\n";

struct FollowingFixture : stele::test::SessionFixture {
  explicit FollowingFixture(SessionLimits const& limits = stele::daemon::session_limits({}))
      : SessionFixture(limits) {}

  /// Each frame as its id, its seqs and what it says besides.
  std::string frames() {
    std::string text;
    for (auto const& reply : replies()) {
      text += reply.contains("id") ? json::serialize(reply.at("id")) : "-";
      if (reply.at("ok").as_bool() == false) text += " " + code_of(reply);
      if (reply.contains("entries")) {
        for (auto const& entry : reply.at("entries").as_array()) {
          text += " " + std::to_string(entry.at("seq").as_int64());
        }
        if (reply.contains("caught_up")) text += " !";
        if (!reply.at("more").as_bool()) text += " end";
        if (reply.contains("seq")) text += " @" + std::to_string(reply.at("seq").as_int64());
      }
      text += "; ";
    }
    return text;
  }
  void write_others(std::size_t count = 1) {
    SessionState other(handler, Origin{}, stele::daemon::session_limits({}));
    for (std::size_t i = 0; i < count; ++i) receive(other, write_line("1"));
    make_durable();
    session.advance();
  }
};

struct TightFollowFixture : FollowingFixture {
  TightFollowFixture() : FollowingFixture(limits()) {}
  static SessionLimits limits() {
    auto limits = stele::daemon::session_limits({});
    limits.follows_max = 2;
    limits.unsent_bytes_max = 1000;
    return limits;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(session_follow_test, FollowingFixture)

BOOST_AUTO_TEST_CASE(a_follow_sends_history_then_what_becomes_durable) {
  write_others(2);
  receive(follow_line);
  BOOST_TEST(frames() == "\"t\" 1 2 ! @2; ");
  BOOST_TEST(session.awaits_log());
  write_others(3);
  BOOST_TEST(frames() == "\"t\" 3 4 5 @5; ");
  BOOST_TEST(metrics.tails_open == 1U);
  BOOST_TEST(metrics.entries_tailed == 5U);
}

BOOST_AUTO_TEST_CASE(a_follow_sees_the_writes_that_were_sent_before_it) {
  receive(write_line("1") + std::string(follow_line));
  BOOST_TEST(!session.has_output());
  commit();
  BOOST_TEST(frames() == "1; \"t\" 1 ! @1; ");
}

BOOST_AUTO_TEST_CASE(a_follow_does_not_hold_up_later_replies) {
  receive(std::string(follow_line) + "{\"op\":\"ping\",\"id\":2}\n");
  BOOST_TEST(frames().find("2; ") != std::string::npos);
  receive("{\"op\":\"ping\",\"id\":3}\n");
  BOOST_TEST(frames() == "3; ");
}

BOOST_AUTO_TEST_CASE(the_last_frame_of_a_cancelled_follow_comes_before_the_reply) {
  receive(follow_line);
  frames();
  receive(cancel);
  auto const answers = replies();
  BOOST_REQUIRE_EQUAL(answers.size(), 2U);
  BOOST_TEST(answers[0].at("id").as_string() == "t");
  BOOST_TEST(answers[0].at("more").as_bool() == false);
  BOOST_TEST(answers[0].at("cursor").is_null());
  BOOST_TEST(answers[0].at("seq").as_int64() == 0);
  BOOST_TEST(answers[1].at("id").as_int64() == 9);
  BOOST_TEST(answers[1].at("cancelled").as_bool());
  BOOST_TEST(metrics.tails_open == 0U);
  BOOST_TEST(!session.awaits_log());
  write_others();
  BOOST_TEST(frames() == "");
}

BOOST_AUTO_TEST_CASE(a_read_or_follow_that_has_not_begun_can_be_cancelled) {
  receive(write_line("1") + std::string(follow_line) + std::string(cancel));
  commit();
  BOOST_TEST(frames() == "1; \"t\" end @0; 9; ");
  receive(write_line("2") + "{\"op\":\"read_logs\",\"id\":\"t\"}\n" + std::string(cancel));
  commit();
  auto const answers = replies();
  BOOST_REQUIRE_EQUAL(answers.size(), 3U);
  BOOST_TEST(answers[1].at("entries").as_array().empty());
  BOOST_TEST(answers[1].at("more").as_bool() == false);
  BOOST_TEST(answers[2].at("cancelled").as_bool());
  std::string const cursor(answers[1].at("cursor").as_string());
  receive("{\"op\":\"read_logs\",\"cursor\":\"" + cursor + "\"}\n");
  BOOST_TEST(replies().back().at("entries").as_array().size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_cancel_of_nothing_is_told_so) {
  receive(cancel);
  BOOST_TEST(replies().at(0).at("cancelled").as_bool() == false);
}

BOOST_AUTO_TEST_CASE(follows_of_one_connection_are_told_apart_by_their_ids) {
  receive(std::string(follow_line) + std::string(follow_line));
  BOOST_TEST(frames().find("bad_request") != std::string::npos);
  receive("{\"op\":\"read_logs\",\"id\":\"u\",\"follow\":true,\"contains\":\"nowhere\"}\n");
  BOOST_TEST(frames() == "\"u\" ! @0; ");
  write_others();
  BOOST_TEST(frames() == "\"t\" 1 @1; ");
  // Without ids, too, several may run; whoever reads them does not care.
  receive("tail\ntail\n");
  BOOST_TEST(frames() == "- 1 ! @1; - 1 ! @1; ");
}

BOOST_AUTO_TEST_CASE(a_half_close_ends_a_follow_with_what_is_durable_then) {
  write_others(2);
  receive(follow_line);
  end_input();
  BOOST_TEST(frames() == "\"t\" 1 2 ! @2; \"t\" end @2; ");
  BOOST_TEST(session.finished());
}

BOOST_AUTO_TEST_CASE(a_half_close_behind_an_open_write_lets_the_follow_see_it) {
  receive(write_line("1") + std::string(follow_line));
  end_input();
  BOOST_TEST(!session.finished());
  commit();
  BOOST_TEST(frames() == "1; \"t\" 1 ! @1; \"t\" end @1; ");
  BOOST_TEST(session.finished());
}

BOOST_AUTO_TEST_CASE(draining_ends_follows_and_tells_where_to_go_on) {
  receive(follow_line);
  frames();
  write_others(2);
  session.on_drain_end();
  session.advance();
  BOOST_TEST(frames() == "\"t\" 1 2 @2; \"t\" end @2; ");
  BOOST_TEST(session.finished());
}

BOOST_AUTO_TEST_CASE(a_follow_that_cannot_begin_is_refused_and_the_connection_lives) {
  receive("{\"op\":\"read_logs\",\"follow\":true,\"after_seq\":1}\n{\"op\":\"ping\",\"id\":2}\n");
  BOOST_TEST(frames() == "- bad_request; 2; ");
}

BOOST_AUTO_TEST_CASE(a_connection_that_ends_takes_its_follows_off_the_count) {
  {
    SessionState other(handler, Origin{}, stele::daemon::session_limits({}));
    receive(other, follow_line);
    BOOST_TEST(metrics.tails_open == 1U);
    SessionState moved(std::move(other));
    BOOST_TEST(metrics.tails_open == 1U);
  }
  BOOST_TEST(metrics.tails_open == 0U);
}

BOOST_FIXTURE_TEST_CASE(one_follow_more_than_allowed_is_overloaded, TightFollowFixture) {
  receive("tail\ntail\ntail\n");
  auto const text = frames();
  BOOST_TEST(text.find("overloaded") != std::string::npos);
  BOOST_TEST(metrics.tails_open == 2U);
}

BOOST_FIXTURE_TEST_CASE(a_slow_reader_is_told_what_retention_took_and_buffers_stay_bounded,
                        TightFollowFixture) {
  receive(follow_line);
  frames();
  std::string const message(600, 'x');
  for (int i = 0; i < 20; ++i) {
    SessionState other(handler, Origin{}, stele::daemon::session_limits({}));
    receive(other, write_line("1", message));
    make_durable();
    session.advance();
  }
  store.remove_up_to(15);
  auto const first = send_once();
  BOOST_TEST(first.size() < 4000U);
  auto const answers = replies();
  BOOST_REQUIRE(!answers.empty());
  auto const& lagged = answers[0].at("lagged");
  BOOST_TEST(lagged.at("to_seq").as_int64() == 15);
  BOOST_TEST(answers[0].at("entries").as_array().empty());
  std::int64_t seq = 15;
  for (std::size_t i = 1; i < answers.size(); ++i) {
    for (auto const& entry : answers[i].at("entries").as_array()) {
      BOOST_TEST(entry.at("seq").as_int64() == ++seq);
    }
  }
  BOOST_TEST(seq == 20);
  BOOST_TEST(metrics.tails_lagged == 1U);
}

BOOST_FIXTURE_TEST_CASE(neither_a_follow_nor_the_replies_starve, TightFollowFixture) {
  std::string const message(900, 'x');
  for (int i = 0; i < 30; ++i) {
    receive(write_line("0", message));
    commit();
    send_all();
  }
  receive(std::string(follow_line) + "{\"op\":\"read_logs\",\"id\":1}\n{\"op\":\"ping\",\"id\":2}\n");
  auto const text = frames();
  BOOST_TEST(text.find("\"t\" ") != std::string::npos);
  BOOST_TEST(text.find("2; ") != std::string::npos);
  BOOST_TEST(text.find("! @30") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
