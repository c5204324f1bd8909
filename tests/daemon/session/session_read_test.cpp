// What is heard while a read or a follow is on its way, and whose id a frame carries.
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <string>
#include <string_view>

#include "daemon/session_fixture.hpp"

namespace {

namespace json = boost::json;
using stele::Origin;
using stele::daemon::SessionLimits;
using stele::daemon::SessionState;

constexpr std::string_view read_request = "{\"op\":\"read_logs\",\"id\":\"r\"}\n";
constexpr std::string_view follow = "{\"op\":\"read_logs\",\"id\":\"t\",\"follow\":true}\n";
constexpr std::string_view cancel_read = "{\"op\":\"cancel\",\"id\":9,\"target\":\"r\"}\n";
constexpr std::string_view cancel_follow = "{\"op\":\"cancel\",\"id\":9,\"target\":\"t\"}\n";
constexpr std::size_t entries = 60;

std::string ping_line(std::string_view id) {
  return "{\"op\":\"ping\",\"id\":" + std::string(id) + "}\n";
}

/// A log of which one frame of a read is a small part, and a client that takes nothing of what it
/// has asked for.
struct SessionReadFixture : stele::test::SessionFixture {
  SessionReadFixture() : SessionFixture(limits()) {
    facts.commit_bytes_max = std::size_t{1} << 30;
    SessionState writer(handler, Origin{}, stele::daemon::session_limits({}));
    for (std::size_t i = 0; i < entries; ++i) {
      receive(writer, write_line("0", std::string(50'000, 'x')));
    }
    make_durable();
  }
  static SessionLimits limits() {
    auto limits = stele::daemon::session_limits({});
    limits.unsent_bytes_max = 1000;
    limits.unanswered_max = 2000;
    return limits;
  }

  /// The ids of the frames that come, in order, each once for all in a row.
  std::string ids_of(std::vector<json::object> const& frames) {
    std::string ids;
    std::string last;
    for (auto const& frame : frames) {
      auto const id = frame.contains("id") ? json::serialize(frame.at("id")) : std::string("-");
      if (id != last) ids += (ids.empty() ? "" : " ") + id;
      last = id;
    }
    return ids;
  }
};

std::size_t entries_in(std::vector<json::object> const& frames) {
  std::size_t count = 0;
  for (auto const& frame : frames) {
    if (frame.contains("entries")) count += frame.at("entries").as_array().size();
  }
  return count;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(session_read_test, SessionReadFixture)

BOOST_AUTO_TEST_CASE(a_cancel_ends_a_read_whose_client_takes_no_more_of_it) {
  receive(read_request);
  receive(cancel_read);
  auto const frames = replies();
  BOOST_TEST(entries_in(frames) < entries / 2);
  BOOST_REQUIRE_GE(frames.size(), 2U);
  auto const& last = frames[frames.size() - 2];
  BOOST_TEST(last.at("id").as_string() == "r");
  BOOST_TEST(!last.at("more").as_bool());
  BOOST_TEST(last.at("cursor").is_string());
  BOOST_TEST(frames.back().at("cancelled").as_bool());
}

BOOST_AUTO_TEST_CASE(the_cursor_of_a_cancelled_read_goes_on_where_it_was) {
  receive(read_request);
  receive(cancel_read);
  auto const frames = replies();
  auto const& last = frames[frames.size() - 2];
  receive("{\"op\":\"read_logs\",\"cursor\":" + json::serialize(last.at("cursor")) + "}\n");
  BOOST_TEST(entries_in(frames) + entries_in(replies()) == entries);
}

BOOST_AUTO_TEST_CASE(a_cancel_ends_a_follow_that_catches_up_before_a_read_that_goes_on) {
  receive(follow);
  receive(read_request);
  receive(cancel_follow);
  auto const frames = replies();
  std::size_t followed = 0;
  for (auto const& frame : frames) {
    if (frame.at("id") == "t") followed += frame.at("entries").as_array().size();
  }
  BOOST_TEST(followed < entries / 2);
  BOOST_TEST(frames.back().at("cancelled").as_bool());
}

BOOST_AUTO_TEST_CASE(a_ping_with_an_id_is_answered_between_the_frames_of_a_read) {
  receive(read_request);
  receive(ping_line("5"));
  BOOST_TEST(ids_of(replies()) == "\"r\" 5 \"r\"");
}

BOOST_AUTO_TEST_CASE(a_ping_waits_where_its_reply_could_not_be_told_apart) {
  receive(read_request);
  receive(ping_line("\"r\""));
  receive(stele::test::ping);
  auto const frames = replies();
  BOOST_TEST(ids_of(frames) == "\"r\" -");
  BOOST_TEST(!frames[frames.size() - 2].contains("entries"));
}

BOOST_AUTO_TEST_CASE(a_ping_overtakes_nothing_but_reads) {
  receive(read_request);
  receive(write_line("3"));
  receive(ping_line("5"));
  auto const before = replies();
  commit();
  auto const after = replies();
  BOOST_TEST(ids_of(before) == "\"r\"");
  BOOST_TEST(ids_of(after) == "3 5");
}

BOOST_AUTO_TEST_CASE(what_is_heard_behind_a_read_is_bounded) {
  receive(read_request);
  std::string flood;
  for (int i = 0; i < 100'000; ++i) flood += ping_line("5");
  BOOST_TEST(receive(flood) < flood.size());
  BOOST_TEST(!session.may_read());
  BOOST_TEST(session.begin_write().unsent_bytes() < 500'000U);
}

BOOST_AUTO_TEST_CASE(the_id_of_a_follow_is_refused_for_others_and_the_refusal_does_not_carry_it) {
  receive(follow);
  replies();
  std::string const entry = R"("entry":{"message":"m"}})";
  for (std::string const& request :
       {std::string(follow), std::string("{\"op\":\"read_logs\",\"id\":\"t\"}\n"),
        ping_line("\"t\""), R"({"op":"write_log","id":"t",)" + entry + "\n"}) {
    BOOST_TEST_CONTEXT(request) {
      receive(request);
      auto const answers = replies();
      BOOST_REQUIRE_EQUAL(answers.size(), 1U);
      BOOST_TEST(!answers[0].contains("id"));
      auto const& error = answers[0].at("error").as_object();
      BOOST_TEST(error.at("code").as_string() == "bad_request");
      BOOST_TEST(error.at("detail").at("path").as_string() == "id");
      BOOST_TEST(error.at("detail").at("id").as_string() == "t");
    }
  }
  // One that is refused anyway keeps its code.
  receive("{\"op\":\"nonsense\",\"id\":\"t\"}\n");
  auto const unknown = replies().back();
  BOOST_TEST(!unknown.contains("id"));
  BOOST_TEST(unknown.at("error").at("code").as_string() == "unknown_op");
  BOOST_TEST(log.payloads.size() == entries);
  BOOST_TEST(metrics.tails_open == 1U);
  receive("{\"op\":\"cancel\",\"id\":\"t\",\"target\":\"t\"}\n");
  BOOST_TEST(replies().back().at("cancelled").as_bool());
  receive(ping_line("\"t\""));
  BOOST_TEST(replies().back().at("ok").as_bool());
}

BOOST_AUTO_TEST_CASE(a_follow_that_has_not_begun_has_its_id_already) {
  receive(write_line("1") + std::string(follow) + ping_line("\"t\""));
  BOOST_TEST(replies().empty());
  commit();
  auto const frames = replies();
  BOOST_TEST(!frames[1].contains("id"));
  BOOST_TEST(!frames[1].at("ok").as_bool());
  BOOST_TEST(ids_of(frames) == "1 - \"t\"");
}

BOOST_AUTO_TEST_CASE(who_sends_when_a_stop_begins_is_told_so) {
  handler.start_draining();
  session.on_drain();
  session.advance();
  BOOST_TEST(!session.finished());
  receive(write_line("1"));
  auto const answers = replies();
  BOOST_REQUIRE_EQUAL(answers.size(), 1U);
  BOOST_TEST(answers[0].at("error").at("code").as_string() == "shutting_down");
  BOOST_TEST(!session.finished());
  session.on_drain_end();
  session.advance();
  BOOST_TEST(session.finished());
}

BOOST_AUTO_TEST_SUITE_END()
