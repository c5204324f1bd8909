#include "daemon/session/session_state.hpp"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>

#include "daemon/session_fixture.hpp"
#include "protocol/limits.hpp"

namespace {

namespace json = boost::json;
using stele::Origin;
using stele::daemon::session_limits;
using stele::daemon::SessionState;
using stele::test::code_of;
using stele::test::ping;
using stele::test::read_all;

using StateFixture = stele::test::SessionFixture;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(session_state_test, StateFixture)

BOOST_AUTO_TEST_CASE(a_write_is_answered_when_it_is_durable_and_not_before) {
  receive(write_line("1"));
  BOOST_TEST(!session.has_output());
  BOOST_TEST((session.awaited_seq() == 1U));
  commit();
  auto const answers = replies();
  BOOST_REQUIRE_EQUAL(answers.size(), 1U);
  BOOST_TEST(answers[0].at("seq").as_int64() == 1);
  BOOST_TEST(!session.awaited_seq().has_value());
}

BOOST_AUTO_TEST_CASE(many_frames_of_one_arrival_are_answered_by_one_write) {
  std::string bytes;
  for (int i = 0; i < 100; ++i) bytes += write_line(std::to_string(i));
  receive(bytes);
  commit();
  auto const sent = send_once();
  BOOST_TEST(std::count(sent.begin(), sent.end(), '\n') == 100);
  BOOST_TEST(!session.has_output());
}

BOOST_AUTO_TEST_CASE(replies_leave_in_the_order_of_the_requests) {
  receive(write_line("1") + std::string(ping) + write_line("2"));
  BOOST_TEST(!session.has_output());
  commit();
  auto const answers = replies();
  BOOST_REQUIRE_EQUAL(answers.size(), 3U);
  BOOST_TEST(answers[0].at("id").as_int64() == 1);
  BOOST_TEST(!answers[1].contains("id"));
  BOOST_TEST(answers[2].at("id").as_int64() == 2);
}

BOOST_AUTO_TEST_CASE(a_read_behind_a_write_sees_it) {
  receive(write_line("1") + std::string(read_all));
  BOOST_TEST(!session.has_output());
  commit();
  auto const answers = replies();
  BOOST_REQUIRE_EQUAL(answers.size(), 2U);
  BOOST_TEST(answers[1].at("entries").as_array().size() == 1U);
  BOOST_TEST(answers[1].at("more").as_bool() == false);
  BOOST_TEST(answers[1].at("cursor").is_null());
}

BOOST_AUTO_TEST_CASE(a_read_of_another_connection_does_not_see_what_is_not_durable) {
  receive(write_line("1"));
  SessionState other(handler, Origin{}, session_limits({}));
  receive(other, read_all);
  BOOST_TEST(send_once(other) == "{\"ok\":true,\"entries\":[],\"more\":false,\"cursor\":null}\n");
}

BOOST_AUTO_TEST_CASE(stats_behind_a_write_count_it) {
  receive(write_line("1") + "stats\n");
  commit();
  BOOST_TEST(replies().at(1).at("store").at("entries").as_int64() == 1);
}

BOOST_AUTO_TEST_CASE(a_count_behind_a_write_counts_it) {
  receive(write_line("1") + "{\"op\":\"count_logs\",\"id\":2,\"bucket_us\":10}\n" +
          "{\"op\":\"count_logs\",\"after_seq\":1}\n");
  BOOST_TEST(!session.has_output());
  commit();
  auto const answers = replies();
  BOOST_REQUIRE_EQUAL(answers.size(), 3U);
  BOOST_TEST(answers[1].at("count").as_int64() == 1);
  BOOST_TEST(answers[1].at("buckets").as_array().size() == 1U);
  BOOST_TEST(answers[2].at("count").as_int64() == 0);
  BOOST_TEST(!answers[2].contains("buckets"));
}

BOOST_AUTO_TEST_CASE(a_count_of_too_many_buckets_is_told_the_limit_and_the_connection_lives) {
  for (std::uint64_t ts = 0; ts <= stele::protocol::count_buckets_max; ++ts) {
    receive(R"({"op":"write_log","entry":{"message":"m","timestamp":)" + std::to_string(ts) +
            "}}\n");
    commit();
    send_all();
  }
  receive("{\"op\":\"count_logs\",\"bucket_us\":1}\n{\"op\":\"count_logs\"}\n");
  auto const answers = replies();
  BOOST_REQUIRE_EQUAL(answers.size(), 2U);
  BOOST_TEST(code_of(answers[0]) == "bad_request");
  BOOST_TEST(answers[0].at("error").at("detail").at("buckets_max").as_int64() == 10'000);
  BOOST_TEST(answers[1].at("count").as_int64() == 10'001);
}

BOOST_AUTO_TEST_CASE(both_forms_carry_the_same_entries) {
  receive(frame(R"({"op":"write_log","entry":{"message":"m"}})"));
  commit();
  BOOST_TEST(send_all() == frame(R"({"ok":true,"seq":1})"));
  receive(frame(R"({"op":"read_logs"})"));
  BOOST_TEST(send_all() == frame(R"({"ok":true,"entries":[)" + log.payloads.at(0) +
                                 R"(],"more":false,"cursor":null})"));
}

BOOST_AUTO_TEST_CASE(a_frame_may_arrive_byte_by_byte) {
  for (char const byte : frame(R"({"op":"ping"})")) receive({&byte, 1});
  BOOST_TEST(send_all() == frame(R"({"ok":true})"));
}

BOOST_AUTO_TEST_CASE(a_half_close_finishes_everything_first) {
  receive(write_line("1"));
  end_input();
  BOOST_TEST(!session.finished());
  commit();
  BOOST_TEST(!session.finished());
  BOOST_TEST(replies().size() == 1U);
  BOOST_TEST(session.finished());
}

BOOST_AUTO_TEST_CASE(a_last_line_without_its_end_is_answered) {
  receive("ping");
  end_input();
  BOOST_TEST(replies().at(0).at("ok").as_bool());
  BOOST_TEST(session.finished());
}

BOOST_AUTO_TEST_CASE(an_end_inside_a_binary_frame_is_told_and_nothing_is_written) {
  auto const bytes = frame(R"({"op":"write_log","entry":{"message":"m"}})");
  receive(std::string_view(bytes).substr(0, bytes.size() - 1));
  end_input();
  BOOST_TEST(send_all().find("bad_frame") != std::string::npos);
  BOOST_TEST(session.finished());
  BOOST_TEST(log.groups == 0U);
}

BOOST_AUTO_TEST_CASE(a_frame_level_error_is_answered_after_what_came_before_and_ends_the_input) {
  receive(frame(R"({"op":"write_log","entry":{"message":"m"}})") + std::string("\0\0\0\0", 4) +
          frame(R"({"op":"ping"})"));
  commit();
  auto const sent = send_all();
  auto const acknowledged = sent.find("\"seq\":1");
  auto const failed = sent.find("bad_frame");
  BOOST_TEST(acknowledged < failed);
  BOOST_TEST(failed != std::string::npos);
  BOOST_TEST(sent.find("\"ok\":true}") == std::string::npos);
  BOOST_TEST(session.input_failed());
  BOOST_TEST(!session.may_read());
  BOOST_TEST(session.finished());
}

BOOST_AUTO_TEST_CASE(a_frame_that_is_announced_too_large_is_refused_before_it_arrives) {
  receive(std::string("\x05\x00\x00\x00", 4));
  BOOST_TEST(send_all().find("frame_too_large") != std::string::npos);
  BOOST_TEST(session.finished());
}

BOOST_AUTO_TEST_CASE(an_error_in_a_message_leaves_the_connection_usable) {
  receive("nonsense\n" + std::string(ping));
  auto const answers = replies();
  BOOST_REQUIRE_EQUAL(answers.size(), 2U);
  BOOST_TEST(answers[0].at("ok").as_bool() == false);
  BOOST_TEST(answers[1].at("ok").as_bool() == true);
  BOOST_TEST(session.may_read());
}

BOOST_AUTO_TEST_CASE(refused_writes_are_told_so_and_older_ones_are_acknowledged) {
  receive(write_line("1") + write_line("2"));
  refuse_from(2);
  session.on_refused(2);
  commit();
  auto const answers = replies();
  BOOST_REQUIRE_EQUAL(answers.size(), 2U);
  BOOST_TEST(answers[0].at("seq").as_int64() == 1);
  BOOST_TEST(code_of(answers[1]) == "no_space");
  BOOST_TEST(answers[1].at("state").as_string() == "not_written");
}

// The seq of a refused write is given out again: its second owner's commit must not answer it.
BOOST_AUTO_TEST_CASE(a_refused_write_is_not_acknowledged_by_the_next_owner_of_its_seq) {
  receive(write_line("1"));
  refuse_from(1);
  session.on_refused(1);
  receive(write_line("2"));
  commit();
  auto const answers = replies();
  BOOST_REQUIRE_EQUAL(answers.size(), 2U);
  BOOST_TEST(code_of(answers[0]) == "no_space");
  BOOST_TEST(answers[1].at("seq").as_int64() == 1);
}

BOOST_AUTO_TEST_CASE(a_failed_log_makes_the_fate_of_waiting_writes_unknown) {
  receive(write_line("1"));
  make_durable();
  receive(write_line("2") + write_line("3"));
  session.on_log_failed();
  session.advance();
  auto const answers = replies();
  BOOST_REQUIRE_EQUAL(answers.size(), 3U);
  BOOST_TEST(answers[0].at("ok").as_bool());
  BOOST_TEST(code_of(answers[1]) == "log_failed");
  BOOST_TEST(answers[1].at("state").as_string() == "unknown");
  BOOST_TEST(code_of(answers[2]) == "log_failed");
}

BOOST_AUTO_TEST_CASE(draining_ends_an_idle_session_and_lets_a_waiting_one_finish) {
  receive(write_line("1"));
  handler.start_draining();
  session.on_drain_end();
  session.advance();
  BOOST_TEST(!session.finished());
  receive(write_line("2"));
  commit();
  auto const answers = replies();
  BOOST_REQUIRE_EQUAL(answers.size(), 2U);
  BOOST_TEST(answers[0].at("ok").as_bool());
  BOOST_TEST(code_of(answers[1]) == "shutting_down");
  BOOST_TEST(session.finished());
}

BOOST_AUTO_TEST_CASE(nothing_is_handled_while_too_much_waits_for_the_disk) {
  log.pending = facts.config.max_in_flight_bytes;
  receive(ping);
  BOOST_TEST(!session.has_output());
  BOOST_TEST(session.awaits_log_capacity());
  BOOST_TEST(!session.may_read());
  log.pending = 0;
  session.advance();
  BOOST_TEST(!session.awaits_log_capacity());
  BOOST_TEST(session.may_read());
  BOOST_TEST(replies().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_long_read_is_sent_in_frames_and_every_entry_comes_once) {
  std::string const message(100'000, 'x');
  for (int i = 0; i < 50; ++i) receive(write_line("0", message));
  commit();
  replies();
  receive(read_all);
  std::size_t frames = 0;
  std::int64_t seq = 0;
  for (auto const& reply : replies()) {
    ++frames;
    for (auto const& entry : reply.at("entries").as_array()) {
      BOOST_TEST(entry.at("seq").as_int64() == ++seq);
    }
    BOOST_TEST(reply.at("more").as_bool() == (seq < 50));
  }
  BOOST_TEST(seq == 50);
  BOOST_TEST(frames >= 5U);
}

// Others have their turn between them.
BOOST_AUTO_TEST_CASE(many_short_reads_of_one_arrival_are_answered_in_several_turns) {
  std::string bytes;
  for (int i = 0; i < 1000; ++i) bytes += read_all;
  auto taken = receive(bytes);
  BOOST_TEST(session.awaits_turn());
  auto const sent = send_once();
  BOOST_TEST(std::count(sent.begin(), sent.end(), '\n') < 500);
  auto answered = static_cast<std::size_t>(std::count(sent.begin(), sent.end(), '\n'));
  answered += replies().size();
  while (taken < bytes.size()) {
    taken += receive(std::string_view(bytes).substr(taken));
    answered += replies().size();
  }
  BOOST_TEST(answered == 1000U);
}

BOOST_AUTO_TEST_CASE(a_read_that_copies_its_entries_one_by_one_takes_several_turns) {
  std::string const message(300, 'x');
  for (int i = 0; i < 4000; ++i) receive(write_line("0", message));
  commit();
  replies();
  receive("{\"op\":\"read_logs\",\"order\":\"desc\"}\n");
  BOOST_TEST(session.awaits_turn());
  std::size_t entries = 0;
  for (auto const& reply : replies()) entries += reply.at("entries").as_array().size();
  BOOST_TEST(entries == 4000U);
}

BOOST_AUTO_TEST_SUITE_END()
