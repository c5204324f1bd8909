// Followers: over restarts of the daemon, in loops of others, woken, and left in every way.
#include <poll.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "stele/client.hpp"
#include "stele/follower.hpp"
#include "support/child_process.hpp"
#include "support/steled.hpp"

using namespace std::chrono_literals;
using stele::Client;
using stele::ClientError;
using stele::Follower;
using stele::FollowPart;
using stele::test::Steled;

namespace {

struct Log : Steled {
  Log() { start(); }
  void write(std::string const& message) {
    auto client = Client::connect({.socket_path = socket()}).value();
    BOOST_TEST(client.write_log(stele::Level::info, message).has_value());
  }
};

/// What a follower hands over, until there are this many.
struct Handed {
  std::vector<std::string> messages{};
  std::size_t enough = 0;

  bool operator()(FollowPart& part) {
    for (auto& entry : part.entries) messages.push_back(std::move(entry.message));
    return messages.size() < enough;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(follower_test, Log)

BOOST_AUTO_TEST_CASE(each_entry_comes_once_over_restarts_of_the_daemon) {
  Follower follower({.socket_path = socket()});
  Handed seen{.enough = 0};
  for (int i = 0; i < 6; ++i) {
    write(std::to_string(i));
    if (i % 2 == 1) {
      kill_hard();
      start();
    }
    seen.enough = static_cast<std::size_t>(i) + 1;
    BOOST_TEST(follower.run(std::ref(seen), stele::test::patience).has_value());
  }
  BOOST_TEST((seen.messages == std::vector<std::string>{"0", "1", "2", "3", "4", "5"}));
  BOOST_TEST(follower.last_seq().value() == 6U);
}

BOOST_AUTO_TEST_CASE(a_follow_under_way_goes_on_when_the_daemon_is_back) {
  Follower follower({.socket_path = socket()});
  Handed seen{.enough = 40};
  stele::Result<void> ran;
  // The daemon ends with the thread that started it: this one.
  std::thread other([&] { ran = follower.run(std::ref(seen), stele::test::patience); });
  for (int i = 0; i < 40; ++i) {
    if (i % 10 == 5) {
      kill_hard();
      start();
    }
    write(std::to_string(i));
  }
  other.join();
  BOOST_TEST(ran.has_value());
  BOOST_REQUIRE(seen.messages.size() == 40U);
  for (std::size_t i = 0; i < 40; ++i) BOOST_TEST(seen.messages[i] == std::to_string(i));
}

BOOST_AUTO_TEST_CASE(who_waits_is_woken_by_another_thread_also_without_a_daemon) {
  kill_hard();
  Follower follower({.socket_path = socket()});
  Handed seen{.enough = 1};
  for (int i = 0; i < 3; ++i) {
    std::thread other([&] { follower.wake(); });
    auto const ended = follower.run(std::ref(seen));
    BOOST_TEST((!ended && ended.error().code == ClientError::cancelled));
    other.join();
  }
  auto const late = follower.run(std::ref(seen), 1ms);
  BOOST_TEST((!late && late.error().code == ClientError::timed_out));
  BOOST_TEST((follower.trouble()->code == ClientError::cannot_connect));
  start();
  write("there");
  BOOST_TEST(follower.run(std::ref(seen), stele::test::patience).has_value());
  BOOST_TEST((seen.messages == std::vector<std::string>{"there"}));
}

BOOST_AUTO_TEST_CASE(in_a_loop_of_others_its_descriptor_says_when_there_is_something) {
  Follower follower({.socket_path = socket()});
  Handed seen{.enough = 3};
  for (int i = 0; i < 3; ++i) write(std::to_string(i));
  stele::Result<bool> goes_on = true;
  while (goes_on && *goes_on) {
    goes_on = follower.process(std::ref(seen));
    pollfd watched{.fd = follower.descriptor(), .events = POLLIN, .revents = 0};
    if (goes_on && *goes_on) BOOST_REQUIRE(::poll(&watched, 1, 60'000) == 1);
  }
  BOOST_TEST(goes_on.has_value());
  BOOST_TEST(seen.messages.size() == 3U);
}

BOOST_AUTO_TEST_CASE(what_a_visitor_threw_at_comes_again) {
  write("a");
  Follower follower({.socket_path = socket()});
  auto const throws = [](FollowPart& part) -> bool {
    if (!part.entries.empty()) throw 1;
    return true;
  };
  BOOST_CHECK_THROW((void)follower.run(throws), int);
  Handed seen{.enough = 1};
  BOOST_TEST(follower.run(std::ref(seen), stele::test::patience).has_value());
  BOOST_TEST((seen.messages == std::vector<std::string>{"a"}));
}

BOOST_AUTO_TEST_CASE(wrong_options_and_another_store_are_refused_and_not_waited_for) {
  Handed seen{.enough = 1};
  Follower wrong({.socket_path = socket()}, {.filter = {.where = "no object"}});
  auto const refused = wrong.run(std::ref(seen));
  BOOST_TEST((!refused && refused.error().code == stele::Error::bad_request));
  write("a");
  Follower follower({.socket_path = socket()});
  BOOST_TEST(follower.run(std::ref(seen), stele::test::patience).has_value());
  kill_hard();
  keep_data_in(home() + "/other");
  start();
  auto const other = follower.run(std::ref(seen));
  BOOST_TEST((!other && other.error().code == stele::Error::bad_request));
}

BOOST_AUTO_TEST_CASE(in_a_child_it_belongs_to_the_parent) {
  Follower follower({.socket_path = socket()});
  int const ended = stele::test::in_a_child([&] {
    Handed seen{.enough = 1};
    auto const ran = follower.run(std::ref(seen));
    follower.wake();  // Such as a signal's handler calls it.
    return !ran && ran.error().code == ClientError::made_before_fork ? 0 : 1;
  });
  BOOST_TEST(ended == 0);
  write("m");
  Handed seen{.enough = 1};
  BOOST_TEST(follower.run(std::ref(seen), stele::test::patience).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
