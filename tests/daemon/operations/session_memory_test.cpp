// What many connections of one user may hold together, and who gets through all the same.
#include "daemon/operations/session_memory.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <deque>
#include <string>
#include <string_view>

#include "daemon/session_fixture.hpp"

namespace {

using namespace std::chrono_literals;
using stele::Origin;
using stele::daemon::SessionLimits;
using stele::daemon::SessionState;
using stele::test::ping;
using stele::test::read_all;

constexpr std::size_t crowd_mebibyte = std::size_t{1} << 20;
constexpr std::uint32_t crowd_uid = 7;
constexpr std::uint32_t other_uid = 8;
constexpr std::size_t crowd_size = 20;

struct CrowdFixture : stele::test::SessionFixture {
  CrowdFixture() : SessionFixture(limits()) {
    stele::daemon::MemoryQuota::Limits const bounds{.all_max = 12 * crowd_mebibyte,
                                                    .user_max = 3 * crowd_mebibyte};
    handler.memory().unread().set_limits(bounds);
    handler.memory().unsent().set_limits(bounds);
    for (std::size_t i = 0; i < crowd_size; ++i) connect(crowd_uid);
  }
  static SessionLimits limits() {
    SessionLimits limits;
    limits.frame_bytes_max = crowd_mebibyte;
    limits.unread_bytes_max = 2 * crowd_mebibyte;
    limits.unsent_bytes_max = crowd_mebibyte;
    limits.unanswered_max = 100;
    limits.follows_max = 4;
    limits.time = {.request_max = 30s, .idle_max = 0s, .reader_max = 60s};
    return limits;
  }
  SessionState& connect(std::uint32_t uid) {
    return crowd.emplace_back(handler, Origin{1, uid, uid}, limits());
  }
  std::size_t unread_bytes() { return handler.memory().unread().bytes(); }
  std::size_t unsent_bytes() { return handler.memory().unsent().bytes(); }

  bool is_answered(SessionState& state, std::string_view request = ping) {
    receive(state, request);
    return send_once(state).find(R"("ok":true)") != std::string::npos;
  }
  /// Time passes, a second at a time, as the server tells it; returns how many were closed.
  std::size_t pass(std::chrono::seconds time) {
    std::size_t closed = 0;
    for (; time.count() > 0; --time) {
      clock.instant += 1s;
      for (auto& state : crowd) closed += state.on_time(clock.instant) ? 1 : 0;
      for (auto& state : crowd) state.advance();
    }
    return closed;
  }
  void write_entry(std::size_t bytes) {
    receive(write_line("1", std::string(bytes, 'e')));
    commit();
    send_all();
  }

  std::deque<SessionState> crowd{};
};

/// A request as large as may be.
std::string large_frame() {
  std::string text = R"({"op":"ping"})";
  text.resize(crowd_mebibyte, ' ');
  return stele::test::SessionFixture::frame(text);
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(session_memory_test, CrowdFixture)

BOOST_AUTO_TEST_CASE(unfinished_requests_of_one_user_stay_below_its_bound_and_others_get_through) {
  auto const frame = large_frame();
  for (auto& state : crowd) {
    receive(state, std::string_view(frame).substr(0, frame.size() - 1));
    BOOST_TEST(unread_bytes() <= 3 * crowd_mebibyte);
  }
  BOOST_TEST(unread_bytes() > 2 * crowd_mebibyte);
  BOOST_TEST(is_answered(connect(crowd_uid)), "a small request of the same user");
  auto& other = connect(other_uid);
  BOOST_TEST(receive(other, frame) == frame.size());
  BOOST_TEST(send_once(other).find(R"("ok":true)") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(requests_that_wait_for_memory_all_get_it_in_the_end) {
  auto const frame = large_frame();
  std::deque<std::size_t> taken(crowd_size, 0);
  std::size_t answered = 0;
  for (int round = 0; round < 100 && answered < crowd_size; ++round) {
    for (std::size_t i = 0; i < crowd_size; ++i) {
      if (taken[i] == frame.size()) continue;
      // The client is slow: a part each time.
      taken[i] += receive(crowd[i], std::string_view(frame).substr(taken[i], frame.size() / 3));
      if (taken[i] < frame.size()) continue;
      BOOST_TEST(send_once(crowd[i]).find(R"("ok":true)") != std::string::npos);
      ++answered;
    }
    BOOST_TEST(unread_bytes() <= 3 * crowd_mebibyte);
  }
  BOOST_TEST(answered == crowd_size);
  pass(2s);
  BOOST_TEST(unread_bytes() == 0U, "the buffers are given back");
}

BOOST_AUTO_TEST_CASE(who_holds_memory_for_an_unfinished_request_is_closed_and_who_waits_is_not) {
  auto const frame = large_frame();
  auto const most = std::string_view(frame).substr(0, frame.size() - 1);
  std::size_t holders = 0;
  for (auto& state : crowd) holders += receive(state, most) == most.size() ? 1 : 0;
  BOOST_TEST(holders > 0U);
  BOOST_TEST(holders <= 3U);
  auto const waits = std::ranges::find_if(crowd, &SessionState::awaits_memory);
  BOOST_REQUIRE(waits != crowd.end());
  BOOST_TEST(pass(29s) == 0U);
  BOOST_TEST(pass(1s) == holders);
  for (auto& state : crowd) {
    if (state.input_failed()) send_once(state);
  }
  waits->advance();
  BOOST_TEST(waits->may_read());
}

BOOST_AUTO_TEST_CASE(a_connection_that_stops_within_a_request_is_closed_whatever_its_follow_does) {
  auto& follower = connect(crowd_uid);
  receive(follower, R"({"op":"read_logs","follow":true})" "\n");
  send_once(follower);
  receive(follower, ping.substr(0, 5));
  bool closed = false;
  int seconds = 0;
  for (; !closed && seconds < 100; ++seconds) {
    for (int i = 0; i < 3; ++i) write_entry(600'000);
    clock.instant += 1s;
    follower.advance();
    while (follower.has_output()) send_once(follower);
    closed = follower.on_time(clock.instant);
  }
  BOOST_TEST(closed);
  BOOST_TEST(seconds <= 31);
}

BOOST_AUTO_TEST_CASE(replies_that_one_user_does_not_take_stay_near_its_bound) {
  for (int i = 0; i < 4; ++i) write_entry(500'000);
  for (auto& state : crowd) receive(state, read_all);
  // Who is below the bound may cross it by what one connection may have.
  BOOST_TEST(unsent_bytes() <= 6 * crowd_mebibyte);
  BOOST_TEST(std::ranges::any_of(crowd, &SessionState::awaits_memory));
  BOOST_TEST(is_answered(connect(crowd_uid)), "a small reply to the same user");
  auto& other = connect(other_uid);
  receive(other, read_all);
  BOOST_TEST(send_once(other).size() > 500'000U);

  // All who take theirs get all.
  for (int round = 0; round < 100; ++round) {
    for (auto& state : crowd) {
      state.advance();
      while (state.has_output()) send_once(state);
    }
  }
  BOOST_TEST(std::ranges::none_of(crowd, &SessionState::awaits_memory));
  BOOST_TEST(unsent_bytes() == 0U);
}

BOOST_AUTO_TEST_CASE(requests_that_wait_for_a_reply_count_with_what_they_hold) {
  for (int i = 0; i < 3; ++i) write_entry(500'000);
  std::string const where = R"(,"where":{"k":")" + std::string(3000, 'w') + "\"}}\n";
  std::string const read = R"({"op":"read_logs")" + where;
  // Its replies are not taken, so that all requests behind the first one wait.
  std::string requests(read_all);
  for (int i = 0; i < 90; ++i) requests += read;
  for (auto& state : crowd) receive(state, requests);
  BOOST_TEST(unsent_bytes() > crowd_mebibyte);
  BOOST_TEST(unsent_bytes() <= 6 * crowd_mebibyte);
}

BOOST_AUTO_TEST_CASE(who_takes_nothing_for_too_long_is_deaf_and_who_is_slow_or_waits_is_not) {
  write_entry(100'000);
  auto& deaf = connect(crowd_uid);
  auto& slow = connect(crowd_uid);
  auto& follower = connect(crowd_uid);
  receive(deaf, read_all);
  receive(slow, read_all);
  receive(follower, R"({"op":"read_logs","follow":true,"limit":0})" "\n");
  send_once(follower);
  auto& batch = slow.begin_write();
  for (int second = 0; second < 60; ++second) {
    for (auto* const state : {&deaf, &slow, &follower}) {
      BOOST_TEST(!state->is_deaf(clock.instant));
    }
    batch.on_sent(1);
    clock.instant += 1s;
  }
  BOOST_TEST(deaf.is_deaf(clock.instant));
  BOOST_TEST(!slow.is_deaf(clock.instant));
  BOOST_TEST(!follower.is_deaf(clock.instant));
  clock.instant += 1h;
  BOOST_TEST(!follower.is_deaf(clock.instant));
}

BOOST_AUTO_TEST_CASE(what_a_stalled_reader_keeps_of_removed_entries_is_no_more_than_its_bytes) {
  // One entry of each chunk matches, and all others only fill it.
  std::string const fill = R"({"op":"write_log","entry":{"message":")" + std::string(60'000, 'f') +
                           "\"}}\n";
  std::string const wanted = R"({"op":"write_log","entry":{"message":")" +
                             std::string(5'000, 'w') + R"(","metadata":{"k":1}}})" "\n";
  for (int chunk = 0; chunk < 20; ++chunk) {
    receive(wanted);
    for (int i = 0; i < 35; ++i) receive(fill);
    commit();
    send_all();
  }
  auto& reader = crowd.front();
  receive(reader, R"({"op":"read_logs","where":{"k":1}})" "\n");
  for (int i = 0; i < 1000; ++i) reader.advance();
  BOOST_TEST(reader.has_output());
  store.remove_up_to(store.visible_seq());
  BOOST_TEST(store.pinned_bytes() == 0U);
  BOOST_TEST(unsent_bytes() < 300'000U);
  auto const sent = send_once(reader);
  BOOST_TEST(std::ranges::count(sent, 'w') >= 20 * 5'000);
}

BOOST_AUTO_TEST_SUITE_END()
