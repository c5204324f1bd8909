// Whatever a daemon's answer looks like and however a call is left, the next call's answer is its
// own, or a failure: an "ok" must never be that of another request.
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "stele/client.hpp"
#include "support/scripted_daemon.hpp"

using namespace std::chrono_literals;
using stele::Client;
using stele::Result;
using stele::test::ScriptedDaemon;

namespace {

/// How a visitor is left.
enum class Exit { goes_on, stops_at_first, stops_late, throws_at_first, throws_late, destroys };
constexpr Exit exits[] = {Exit::goes_on,         Exit::stops_at_first, Exit::stops_late,
                          Exit::throws_at_first, Exit::throws_late,    Exit::destroys};

struct Thrown {};

/// A client that its own visitor may destroy.
struct Subject {
  std::optional<Client> client{};
  Exit exit = Exit::goes_on;
  int visits = 0;

  /// Whether to go on.
  bool visit() {
    ++visits;
    // A call from within a visitor must change nothing.
    if (client) BOOST_TEST(!client->ping().has_value());
    switch (exit) {
      case Exit::goes_on:
        return true;
      case Exit::stops_at_first:
        return false;
      case Exit::stops_late:
        return visits < 3;
      case Exit::throws_at_first:
        throw Thrown{};
      case Exit::throws_late:
        if (visits < 3) return true;
        throw Thrown{};
      case Exit::destroys:
        client.reset();
        return visits < 3;
    }
    return true;
  }
};

struct Call {
  std::string op{};  ///< `follow` for a read_logs that follows.
  bool has_visitor = false;
  std::function<void(Subject&, stele::Deadline const&)> make{};
};

std::vector<Call> calls() {
  auto const all = [](Subject& subject) {
    return [&subject](stele::StoredEntry&) { return subject.visit(); };
  };
  std::vector<stele::LogEntry> const entries{{.message = "a"}};
  return {
      {"write_log", false,
       [](Subject& s, auto const& until) { (void)s.client->write_log({.message = "a"}, until); }},
      {"write_many_logs", false,
       [=](Subject& s, auto const& until) { (void)s.client->write_many_logs(entries, until); }},
      {"write_many_logs", false,
       [=](Subject& s, auto const& until) { (void)s.client->write_once(entries, 1, until); }},
      {"read_logs", false,
       [](Subject& s, auto const& until) { (void)s.client->read_logs(0, UINT64_MAX, until); }},
      {"read_logs", true,
       [=](Subject& s, auto const& until) {
         (void)s.client->read_logs(stele::ReadOptions{}, all(s), until);
       }},
      {"follow", true,
       [](Subject& s, auto const& until) {
         auto const visit = [&s](stele::FollowPart&) { return s.visit(); };
         (void)s.client->follow_logs({}, visit, until);
       }},
      {"count_logs", false,
       [](Subject& s, auto const& until) { (void)s.client->count_logs({}, until); }},
      {"ping", false, [](Subject& s, auto const& until) { (void)s.client->ping(until); }},
      {"stats", false, [](Subject& s, auto const& until) { (void)s.client->stats_json(until); }},
      {"audit", false, [](Subject& s, auto const& until) { (void)s.client->audit_json(0, until); }},
      {"report_dropped", false,
       [](Subject& s, auto const& until) { (void)s.client->report_dropped(1, {}, until); }},
      {"confirm", false,
       [](Subject& s, auto const& until) { (void)s.client->confirm("c", 1, until); }},
  };
}

/// One call with this answer and this way to leave it, and the one behind it.
void check_next_call(ScriptedDaemon& daemon, Call const& call, ScriptedDaemon::Cut cut, Exit exit,
                     int number) {
  daemon.set_cut(cut);
  auto client = Client::connect({.socket_path = daemon.socket()});
  BOOST_REQUIRE(client.has_value());
  Subject subject{.client = std::move(*client), .exit = exit};
  bool const waits = cut.rest == ScriptedDaemon::Rest::later;
  try {
    call.make(subject, waits ? stele::Deadline{2ms} : stele::Deadline{});
  } catch (Thrown const&) {
  }
  if (!subject.client) return;
  auto const message = "next " + std::to_string(number);
  auto const next = subject.client->write_log({.message = message});
  auto const given = daemon.seq_of(message);
  if (next) BOOST_TEST(*next == given, call.op << " cut at " << cut.bytes);
  if (cut.bytes == SIZE_MAX) BOOST_TEST(next.has_value(), call.op << " whole");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(answers_test)

BOOST_AUTO_TEST_CASE(after_any_prefix_of_an_answer_and_any_exit_the_next_answer_is_its_own) {
  ScriptedDaemon daemon;
  int number = 0;
  for (auto const& call : calls()) {
    auto const bytes = ScriptedDaemon::answer_bytes(call.op);
    for (auto const exit : exits) {
      if (!call.has_visitor && exit != Exit::goes_on) continue;
      check_next_call(daemon, call, {}, exit, ++number);
      // Every byte where frames begin and end, each seventh within them.
      for (std::size_t cut = 0; cut < bytes; cut += cut < 16 ? 1 : 7) {
        check_next_call(daemon, call, {cut, ScriptedDaemon::Rest::end}, exit, ++number);
        check_next_call(daemon, call, {cut, ScriptedDaemon::Rest::later}, exit, ++number);
      }
    }
  }
  BOOST_TEST_MESSAGE("calls x prefixes x exits: " << number);
}

BOOST_AUTO_TEST_CASE(a_client_that_was_moved_from_fails_and_so_does_an_empty_visitor) {
  ScriptedDaemon daemon;
  auto connected = Client::connect({.socket_path = daemon.socket()});
  BOOST_REQUIRE(connected.has_value());
  Client client = std::move(*connected);
  auto& moved_from = *connected;
  BOOST_TEST((moved_from.ping().error().code == stele::ClientError::connection_lost));
  BOOST_TEST(moved_from.hello().store_id.empty());
  auto const read = client.read_logs(stele::ReadOptions{}, stele::EntryVisitor{});
  BOOST_TEST((read.error().code == stele::Error::bad_request));
  auto const follow = client.follow_logs({}, stele::FollowVisitor{});
  BOOST_TEST((follow.error().code == stele::Error::bad_request));
  BOOST_TEST(client.ping().has_value());
}

BOOST_AUTO_TEST_CASE(a_deadline_that_has_passed_sends_nothing_and_keeps_the_connection) {
  ScriptedDaemon daemon;
  auto client = Client::connect({.socket_path = daemon.socket()});
  BOOST_REQUIRE(client.has_value());
  for (auto const late : {stele::Deadline{0ms}, stele::Deadline{-1h},
                          stele::Deadline{std::chrono::nanoseconds::min()}}) {
    BOOST_TEST((client->write_log({.message = "late"}, late).error().code ==
                stele::ClientError::timed_out));
  }
  BOOST_TEST(daemon.seq_of("late") == 0U);
  BOOST_TEST(client->ping(stele::no_limit).has_value());
  BOOST_TEST(client->ping(std::chrono::hours::max()).has_value());
  BOOST_TEST((client->write_once({}, 0).error().code == stele::Error::bad_request));
}

BOOST_AUTO_TEST_CASE(what_would_break_a_request_is_refused_by_name_and_not_sent) {
  ScriptedDaemon daemon;
  auto client = Client::connect({.socket_path = daemon.socket()});
  BOOST_REQUIRE(client.has_value());
  stele::LogEntry const wrong_level{.level = static_cast<stele::Level>(99)};
  BOOST_TEST((client->write_log(wrong_level).error().code == stele::Error::invalid_entry));
  auto const count = [&](stele::EntryFilter filter) {
    return client->count_logs({.filter = std::move(filter)}).error();
  };
  BOOST_TEST(count({.where = R"({},"follow":true)"}).message.find("where") != std::string::npos);
  BOOST_TEST(count({.contains = "\xff"}).detail == R"({"path":"contains","offset":0})");
  BOOST_TEST(
      (count({.min_level = static_cast<stele::Level>(99)}).code == stele::Error::bad_request));
  BOOST_TEST((client->confirm("\xff", 1).error().code == stele::Error::bad_request));
  BOOST_TEST(client->ping().has_value());

  auto const refused = [&](stele::ClientOptions options) {
    auto const connected = Client::connect(std::move(options));
    return !connected && connected.error().code == stele::Error::bad_request;
  };
  BOOST_TEST(refused({.socket_path = daemon.socket(), .name = "\xff"}));
  BOOST_TEST(refused({.socket_path = daemon.socket(), .name = std::string(257, 'x')}));
  BOOST_TEST(refused({.socket_path = daemon.socket() + std::string("\0x", 2)}));
}

BOOST_AUTO_TEST_SUITE_END()
