// Requests that take longer than a turn: what is done of them in one, and who waits for whom. Work
// is counted, nothing is measured.
#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstring>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/session_fixture.hpp"

namespace {

using stele::Origin;
using stele::daemon::LargeRequests;
using stele::daemon::SessionState;
using stele::daemon::TurnBudget;

constexpr std::size_t size = std::size_t{1} << 20;

std::string many_of(std::string_view piece) {
  std::string text(piece);
  while (text.size() < size) text.append(1, ',').append(piece);
  return text;
}

std::string many_names() {
  std::string text;
  for (int i = 0; text.size() < size; ++i)
    text += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\":0";
  return text;
}

struct Kind {
  std::string_view name;
  std::string request;
  std::string_view code;
};
std::ostream& operator<<(std::ostream& out, Kind const& kind) { return out << kind.name; }

std::vector<Kind> refused_kinds() {
  auto const batch = [](std::string const& entries) {
    return R"({"op":"write_many_logs", "entries":[)" + entries + "]}";
  };
  auto const metadata = [](std::string const& members) {
    return R"({"op":"write_log", "entry":{"message":"m","metadata":{)" + members + "}}}";
  };
  std::string escapes;
  while (escapes.size() < size) escapes += "\\u0001";
  return {
      {"unknown members", R"({"op":"write_log", "entry":{)" + many_of(R"("massage":1)") + "}}",
       "invalid_entry"},
      {"members given twice", "{" + many_of(R"("limit":1)") + "}", "bad_request"},
      {"unknown members of a request", R"({"op":"ping",)" + many_of(R"("lmit":1)") + "}",
       "bad_request"},
      {"entries that are none", batch(many_of("1")), "bad_request"},
      {"wrong levels", batch(many_of(R"({"message":"","level":"wran"})")), "invalid_entry"},
      {"wrong origins", R"({"op":"read_logs","origin":{)" + many_of(R"("pdi":1)") + "}}",
       "bad_request"},
      {"names", metadata(many_names()), "entry_too_large"},
      {"nesting", metadata("\"a\":[" + many_of("[[[[[[[[[[{}]]]]]]]]]]") + ']'),
       "entry_too_large"},
      {"escapes", R"({"id":")" + escapes + R"(","op":"ping"})", "bad_request"},
      {"no end", R"({"op":"write_many_logs","entries":[)" + many_of(R"({"message":""})"),
       "bad_json"},
      {"not UTF-8",
       R"({"op":"write_log", "entry":{"message":")" + std::string(size, 'x') + "\xFF\"}}",
       "bad_json"},
  };
}

struct Waiter final : stele::daemon::ParserWaiter {
  void on_parser() override { has_parser = true; }
  bool has_parser = false;
};

/// Notes in which order requests get their parsers.
struct NamedWaiter final : stele::daemon::ParserWaiter {
  NamedWaiter(std::string& order, char name) : order_(order), name_(name) {}
  void on_parser() override { order_ += name_; }

 private:
  std::string& order_;
  char name_;
};

struct LargeRequestFixture : stele::test::SessionFixture {
  /// Gives it to a session, whatever that can take at once.
  static void give(SessionState& state, std::string_view bytes) {
    while (!bytes.empty()) {
      BOOST_REQUIRE(state.may_read());
      auto const room = state.read_buffer();
      auto const part = bytes.substr(0, room.size());
      std::memcpy(room.data(), part.data(), part.size());
      state.on_received(part.size());
      bytes.remove_prefix(part.size());
      if (!bytes.empty()) state.advance();
    }
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(large_request_test, LargeRequestFixture)

BOOST_DATA_TEST_CASE_F(LargeRequestFixture, a_refused_request_is_parsed_in_turns_of_bounded_work,
                       boost::unit_test::data::make(refused_kinds()), kind) {
  give(session, kind.request + "\n");
  std::size_t turns = 0;
  std::size_t most = 0;
  do {
    session.advance();
    ++turns;
    most = std::max(most, session.visits_paid());
  } while (session.awaits_turn());
  BOOST_TEST(turns > 10U);
  BOOST_TEST(most < TurnBudget::turn_visits);
  auto const answers = replies();
  BOOST_REQUIRE_EQUAL(answers.size(), 1U);
  BOOST_TEST(answers[0].at("error").at("code").as_string() == kind.code);
}

BOOST_AUTO_TEST_CASE(a_plain_batch_is_parsed_in_turns_too_and_written_at_once) {
  std::string const entry = R"({"message":"a plain one","metadata":{"n":1}})";
  give(session, R"({"op":"write_many_logs","id":1,"entries":[)" + many_of(entry) + "]}\n");
  std::size_t turns = 0;
  do {
    session.advance();
    ++turns;
  } while (session.awaits_turn() && log.payloads.empty());
  BOOST_TEST(turns > 5U);
  BOOST_TEST(log.groups == 1U);
  commit();
  BOOST_TEST(replies().at(0).at("ok").as_bool());
}

BOOST_AUTO_TEST_CASE(others_are_served_between_the_parts_of_a_request) {
  give(session, refused_kinds().front().request + "\n");
  SessionState witness(handler, Origin{}, stele::daemon::session_limits({}));
  std::size_t served = 0;
  do {
    session.advance();
    receive(witness, write_line("1"));
    ++served;
  } while (session.awaits_turn());
  BOOST_TEST(served > 10U);
  BOOST_TEST(log.payloads.size() == served);
}

BOOST_AUTO_TEST_CASE(huge_requests_are_parsed_one_after_the_other) {
  auto const request = refused_kinds().front().request + "\n";
  SessionState other(handler, Origin{1, 3, 3}, stele::daemon::session_limits({}));
  Waiter waiter;
  other.set_parser_waiter(waiter);
  give(session, request);
  session.advance();
  give(other, request);
  for (int i = 0; i < 5; ++i) {
    other.advance();
    BOOST_TEST(!other.awaits_turn());
    BOOST_TEST(!other.may_read());
    BOOST_TEST(!other.finished());
  }
  while (session.awaits_turn()) {
    BOOST_TEST(!waiter.has_parser);
    session.advance();
  }
  BOOST_TEST(waiter.has_parser);
  do {
    other.advance();
  } while (other.awaits_turn());
  BOOST_TEST(send_once(other).find("invalid_entry") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_connection_that_ends_in_the_midst_of_its_request_lets_others_go_on) {
  auto const request = refused_kinds().front().request + "\n";
  {
    SessionState gone(handler, Origin{1, 3, 3}, stele::daemon::session_limits({}));
    give(gone, request);
    gone.advance();
    give(session, request);
    session.advance();
    BOOST_TEST(!session.awaits_turn());
  }
  BOOST_TEST(replies().size() == 0U);
  session.advance();
  BOOST_TEST(session.awaits_turn());
}

BOOST_AUTO_TEST_CASE(a_request_behind_a_large_one_is_answered_behind_it) {
  give(session, refused_kinds().front().request + "\n" + std::string(stele::test::ping));
  do {
    session.advance();
  } while (session.awaits_turn());
  auto const answers = replies();
  BOOST_REQUIRE_EQUAL(answers.size(), 2U);
  BOOST_TEST(!answers[0].at("ok").as_bool());
  BOOST_TEST(answers[1].at("ok").as_bool());
}

BOOST_AUTO_TEST_CASE(users_have_their_requests_parsed_by_turns) {
  LargeRequests requests{{}};
  std::string order;
  std::string const text = "{}";
  using Ticket = LargeRequests::Ticket;
  std::vector<std::unique_ptr<NamedWaiter>> waiters;
  std::vector<std::unique_ptr<Ticket>> tickets;
  auto const ask = [&](std::uint32_t uid, char name) {
    waiters.push_back(std::make_unique<NamedWaiter>(order, name));
    tickets.push_back(std::make_unique<Ticket>(requests, uid, text, waiters.back().get()));
  };
  for (char const name : {'a', 'b', 'c', 'd'}) ask(3000, name);
  ask(3001, 'X');
  ask(3001, 'Y');
  auto const done = [&] {
    auto const holder = std::find_if(tickets.begin(), tickets.end(),
                                     [](auto const& ticket) { return ticket->has_parser(); });
    BOOST_REQUIRE(holder != tickets.end());
    tickets.erase(holder);
  };
  while (!tickets.empty()) done();
  BOOST_TEST(order == "XbYcd");
}

BOOST_AUTO_TEST_CASE(a_huge_batch_waits_for_its_segment_and_what_is_small_passes_it) {
  std::string const entry = R"({"message":"a plain one","metadata":{"n":1}})";
  log.has_segment = false;
  give(session, R"({"op":"write_many_logs","id":1,"entries":[)" + many_of(entry) + "]}\n");
  do {
    session.advance();
  } while (session.awaits_turn());
  BOOST_TEST(log.groups == 0U);
  BOOST_TEST(session.awaits_log());
  SessionState witness(handler, Origin{}, stele::daemon::session_limits({}));
  receive(witness, write_line("1"));
  BOOST_TEST(log.groups == 1U);
  log.has_segment = true;
  session.advance();
  BOOST_TEST(log.groups == 2U);
  commit();
  BOOST_TEST(replies().at(0).at("ok").as_bool());
}

BOOST_AUTO_TEST_CASE(a_batch_is_as_huge_as_its_entries_will_be_however_small_its_request_is) {
  std::string text = R"({"op":"write_many_logs","id":1,"entries":[{"message":""})";
  while (text.size() < size / 4) text += R"(,{"message":""})";
  log.segment_room = 2 * size;
  give(session, text + "]}\n");
  auto const take_turns = [this] {
    do {
      session.advance();
    } while (session.awaits_turn());
  };
  take_turns();
  BOOST_TEST(log.groups == 0U);  // It does not fit into this segment.
  log.segment_room = SIZE_MAX;
  log.pending = stele::daemon::large_pending_bytes;
  take_turns();
  BOOST_TEST(log.groups == 0U);  // It would be the second one on its way.
  log.pending = 0;
  take_turns();
  BOOST_TEST(log.groups == 1U);
}

BOOST_AUTO_TEST_CASE(a_huge_request_that_is_refused_does_not_wait_for_the_disk) {
  log.has_segment = false;
  give(session, refused_kinds().front().request + "\n");
  do {
    session.advance();
  } while (session.awaits_turn());
  BOOST_TEST(!replies().at(0).at("ok").as_bool());
}

/// A batch of entries that are quickly parsed.
std::string huge_batch() {
  std::string line = R"({"op":"write_many_logs","id":1,"entries":[)";
  for (int i = 0; i < 8; ++i) {
    line += (i > 0 ? ",{\"message\":\"" : "{\"message\":\"") + std::string(900'000, 'x') + "\"}";
  }
  return line + "]}\n";
}

BOOST_AUTO_TEST_CASE(memory_for_a_huge_batch_is_made_ready_in_turns_before_it_is_staged) {
  auto const batch = huge_batch();
  give(session, batch);
  std::size_t most = 0;
  std::size_t all = 0;
  while (log.groups == 0U) {
    most = std::max(most, session.visits_paid());
    all += session.visits_paid();
    BOOST_TEST(store.text_bytes() == 0U);
    session.advance();
    BOOST_REQUIRE((session.awaits_turn() || log.groups == 1U));
  }
  // A piece of parsing is an entry, and there is one for each page of memory.
  BOOST_TEST(most < 900'000 / 8 + TurnBudget::turn_visits);
  BOOST_TEST(all > batch.size() / 8 + 150 * batch.size() / 4096);
  commit();
  BOOST_TEST(replies().at(0).at("ok").as_bool());
}

BOOST_AUTO_TEST_CASE(a_small_write_is_taken_before_a_huge_one_that_is_made_ready) {
  give(session, huge_batch());
  SessionState witness(handler, Origin{}, stele::daemon::session_limits({}));
  std::size_t taken_before = 0;
  while (log.groups == taken_before) {
    receive(witness, write_line("1"));
    ++taken_before;
    session.advance();
  }
  BOOST_TEST(taken_before > 20U);
  commit();
  auto const answer = replies().at(0);
  BOOST_TEST(answer.at("first_seq").as_int64() == static_cast<std::int64_t>(taken_before) + 1);
}

BOOST_AUTO_TEST_CASE(the_entries_of_a_huge_batch_lie_in_the_memory_that_was_made_ready) {
  give(session, write_line("7") + huge_batch() + write_line("8"));
  do {
    session.advance();
  } while (session.awaits_turn());
  commit();
  stele::daemon::Store::Finder finder(store);
  auto const first = finder.find_run(2, 100, std::size_t{1} << 30);
  BOOST_TEST(first.entries >= 8U);  // Neighbours: other chunks would hold two.
  BOOST_TEST(replies().size() == 3U);
}

BOOST_AUTO_TEST_CASE(a_large_write_is_not_taken_while_all_are_told_of_a_commit) {
  log.has_segment = false;
  give(session, huge_batch());
  do {
    session.advance();
  } while (session.awaits_turn());
  BOOST_TEST(session.awaits_log());
  log.has_segment = true;
  session.advance(TurnBudget(2'000));  // As a session does that hears of the log.
  BOOST_TEST(log.groups == 0U);
  BOOST_TEST(session.awaits_turn());
  session.advance();
  BOOST_TEST(log.groups == 1U);
}

/// New memory costs many times what parsing does.
BOOST_AUTO_TEST_CASE(memory_of_a_large_request_is_kept_for_the_next_one_and_given_back_when_idle) {
  constexpr std::size_t much = std::size_t{4} << 20;
  auto& requests = handler.large_requests();
  std::string text = R"({"op":"write_many_logs","entries":[)";
  while (text.size() < 2 * size) text += R"({"message":"m"},)";
  for (int i = 0; i < 2; ++i) {
    give(session, text + "\n");  // Without an end: it is read twice, by both readers.
    do {
      session.advance();
    } while (session.awaits_turn());
    BOOST_TEST(replies().size() == 1U);
    BOOST_TEST(requests.memory_bytes() > much);
    BOOST_TEST(requests.memory_bytes() < 6 * text.size());
    requests.free_unwanted();
    BOOST_TEST(requests.memory_bytes() > much);
  }
  requests.free_unwanted();
  BOOST_TEST(requests.memory_bytes() < much);
}

BOOST_AUTO_TEST_SUITE_END()
