#include "client-lib/connection/client_state.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/connection.hpp"
#include "protocol/reply/reply.hpp"

using stele::ClientError;
using stele::Error;
using stele::Failure;
using stele::LogEntry;
using stele::client::ClientState;
using stele::test::Connection;

namespace {

LogEntry entry_of(std::string message) { return {.message = std::move(message)}; }

constexpr std::string_view one_entry =
    R"({"seq":1,"timestamp":5,"level":"info","message":"m","metadata":{},"version":1,)"
    R"("origin":{"pid":1,"uid":0,"gid":0}})";

std::string entries_reply(std::uint64_t id, bool more) {
  return R"({"id":)" + std::to_string(id) + R"(,"ok":true,"entries":[)" + std::string{one_entry} +
         R"(],"more":)" + (more ? "true" : "false") + "}";
}

void check_failure(std::optional<ClientState::Answer> const& answer,
                   boost::system::error_code code) {
  BOOST_REQUIRE(answer.has_value());
  BOOST_TEST(!answer->reply.ok);
  BOOST_TEST(answer->reply.failure.code == code);
  BOOST_TEST(!answer->reply.failure.message.empty());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(client_state_test)

BOOST_AUTO_TEST_CASE(requests_go_out_in_order_with_ids_of_their_own) {
  Connection connection;
  (void)connection.state.hello("unit");
  connection.state.ping();
  BOOST_TEST(connection.state.write_log(entry_of("a")).has_value());
  auto const requests = connection.send_all();
  BOOST_REQUIRE(requests.size() == 3U);
  BOOST_TEST(requests[0].find(R"("op":"hello")") != std::string::npos);
  BOOST_TEST(requests[0].find(R"("id":1)") != std::string::npos);
  BOOST_TEST(requests[1].find(R"("id":2)") != std::string::npos);
  BOOST_TEST(requests[2].find(R"("id":3)") != std::string::npos);
  BOOST_TEST(connection.state.unsent().empty());
}

BOOST_AUTO_TEST_CASE(a_hello_can_name_a_writer_and_encoded_entries_have_their_write_no) {
  Connection connection;
  (void)connection.state.hello("unit", stele::protocol::WriterId{0xab});
  BOOST_TEST(
      connection.state.write_encoded_logs(R"({"message":"a"},{"message":"b"})", 7).has_value());
  auto const requests = connection.send_all();
  BOOST_REQUIRE(requests.size() == 2U);
  BOOST_TEST(requests[0].ends_with(R"("writer":"ab000000000000000000000000000000"})"));
  BOOST_TEST(requests[1] == R"({"op":"write_many_logs","id":2,"write_no":7,)"
                            R"("entries":[{"message":"a"},{"message":"b"}]})");
}

BOOST_AUTO_TEST_CASE(a_confirmation_is_no_write) {
  Connection connection;
  (void)connection.state.confirm({.consumer = "archive", .seq = 7});
  auto const requests = connection.send_all();
  BOOST_REQUIRE(requests.size() == 1U);
  BOOST_TEST(requests[0] == R"({"op":"confirm","id":1,"consumer":"archive","seq":7})");
  connection.state.close({ClientError::connection_lost, "gone"});
  check_failure(connection.state.next(), ClientError::connection_lost);
}

BOOST_AUTO_TEST_CASE(a_report_of_drops_is_a_write_and_an_audit_is_not) {
  Connection connection;
  connection.state.report_dropped({.count = 3});
  connection.state.audit({.start_ts = 7});
  auto const requests = connection.send_all();
  BOOST_REQUIRE(requests.size() == 2U);
  BOOST_TEST(requests[0] == R"({"op":"report_dropped","id":1,"count":3})");
  BOOST_TEST(requests[1] == R"({"op":"audit","id":2,"start_ts":7})");
  connection.state.close({ClientError::connection_lost, "gone"});
  check_failure(connection.state.next(), ClientError::outcome_unknown);
  check_failure(connection.state.next(), ClientError::connection_lost);
}

BOOST_AUTO_TEST_CASE(pipelined_writes_are_answered_in_the_order_they_were_made) {
  Connection connection;
  for (auto const* message : {"a", "b", "c"}) {
    BOOST_TEST(connection.state.write_log(entry_of(message)).has_value());
  }
  connection.send_all();
  BOOST_TEST(!connection.state.next().has_value());
  connection.reply_seq(1, 11);
  connection.reply_seq(2, 12);
  BOOST_TEST(connection.state.next()->reply.first_seq == 11U);
  BOOST_TEST(connection.state.next()->reply.first_seq == 12U);
  BOOST_TEST(!connection.state.next().has_value());
  BOOST_TEST(connection.state.requests_in_flight() == 1U);
  connection.reply_seq(3, 13);
  BOOST_TEST(connection.state.next()->reply.first_seq == 13U);
  BOOST_TEST(connection.state.requests_in_flight() == 0U);
}

BOOST_AUTO_TEST_CASE(a_reply_is_found_wherever_the_bytes_are_cut) {
  auto const bytes = Connection::frame(R"({"id":1,"ok":true,"seq":7})");
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    Connection connection;
    BOOST_REQUIRE(connection.state.write_log(entry_of("a")).has_value());
    connection.send_all();
    connection.reply_raw(bytes.substr(0, cut));
    BOOST_TEST(connection.state.next().has_value() == (cut == bytes.size()));
    if (cut == bytes.size()) continue;
    connection.reply_raw(bytes.substr(cut));
    auto const answer = connection.state.next();
    BOOST_REQUIRE(answer.has_value());
    BOOST_TEST(answer->reply.first_seq == 7U);
  }
}

BOOST_AUTO_TEST_CASE(a_refused_write_leaves_the_connection_usable) {
  Connection connection;
  BOOST_TEST(connection.state.write_log(entry_of("a")).has_value());
  BOOST_TEST(connection.state.write_log(entry_of("b")).has_value());
  connection.send_all();
  std::string text;
  stele::protocol::append_failure(text, "1", Failure{Error::no_space, "the disk is full"},
                                  stele::protocol::WriteState::not_written);
  connection.reply(text);
  connection.reply_seq(2, 1);
  check_failure(connection.state.next(), Error::no_space);
  BOOST_TEST(connection.state.next()->reply.ok);
  BOOST_TEST(!connection.state.is_closed());
}

BOOST_AUTO_TEST_CASE(replies_out_of_step_are_a_protocol_violation_for_all_that_wait) {
  Connection connection;
  BOOST_TEST(connection.state.write_log(entry_of("a")).has_value());
  connection.state.ping();
  connection.send_all();
  connection.reply_seq(2, 1);
  connection.reply_seq(1, 2);
  check_failure(connection.state.next(), ClientError::protocol_violation);
  check_failure(connection.state.next(), ClientError::protocol_violation);
  BOOST_TEST(connection.state.is_closed());
}

BOOST_AUTO_TEST_CASE(a_reply_that_nobody_asked_for_is_a_protocol_violation) {
  Connection connection;
  connection.reply_seq(1, 1);
  check_failure(connection.state.next(), ClientError::protocol_violation);
}

BOOST_AUTO_TEST_CASE(a_write_answered_in_parts_is_a_protocol_violation) {
  Connection connection;
  BOOST_TEST(connection.state.write_log(entry_of("a")).has_value());
  connection.send_all();
  connection.reply(entries_reply(1, true));
  check_failure(connection.state.next(), ClientError::protocol_violation);
}

BOOST_AUTO_TEST_CASE(bytes_that_are_no_reply_are_a_protocol_violation) {
  auto const replies = {Connection::frame("[]"), Connection::frame("{\"id\":1"),
                        std::string("\0\0\0\0", 4), std::string("\x04\x00\x00\x01", 4)};
  for (auto const& bytes : replies) {
    Connection connection;
    connection.state.ping();
    connection.send_all();
    connection.reply_raw(bytes);
    check_failure(connection.state.next(), ClientError::protocol_violation);
  }
}

BOOST_AUTO_TEST_CASE(a_lost_connection_leaves_the_outcome_of_sent_writes_unknown) {
  Connection connection;
  for (auto const* message : {"a", "b"}) {
    BOOST_TEST(connection.state.write_log(entry_of(message)).has_value());
  }
  connection.send_all();
  connection.state.ping();
  BOOST_TEST(connection.state.write_log(entry_of("c")).has_value());
  connection.send_bytes(connection.state.unsent().size() - 1);
  connection.reply_seq(1, 1);
  connection.state.close({ClientError::connection_lost, "gone"});

  BOOST_TEST(connection.state.next()->reply.ok);  // Its reply had arrived.
  check_failure(connection.state.next(), ClientError::outcome_unknown);
  check_failure(connection.state.next(), ClientError::connection_lost);  // The ping.
  auto const cut = connection.state.next();
  check_failure(cut, ClientError::connection_lost);  // One byte short: not carried out.
  BOOST_TEST((cut->reply.state == stele::protocol::WriteState::not_written));
  BOOST_TEST(connection.state.requests_in_flight() == 0U);
}

BOOST_AUTO_TEST_CASE(a_write_that_times_out_after_it_was_sent_is_of_unknown_outcome) {
  Connection connection;
  BOOST_TEST(connection.state.write_log(entry_of("a")).has_value());
  connection.send_all();
  connection.state.close({ClientError::timed_out, "no answer"});
  check_failure(connection.state.next(), ClientError::outcome_unknown);
  check_failure(connection.state.next(), ClientError::timed_out);
}

BOOST_AUTO_TEST_CASE(a_refusal_of_the_connection_answers_the_request_that_waits) {
  Connection connection;
  (void)connection.state.hello("unit");
  connection.send_all();
  std::string text;
  stele::protocol::append_failure(text, "", Failure{Error::too_many_connections, "full"});
  connection.reply(text);
  check_failure(connection.state.next(), Error::too_many_connections);
  BOOST_TEST(connection.state.is_closed());
  BOOST_TEST(connection.state.requests_in_flight() == 0U);
  check_failure(connection.state.next(), ClientError::connection_lost);
}

// `entries` and `version` mean other things in other replies.
BOOST_AUTO_TEST_CASE(a_document_is_handed_out_as_text_whatever_its_members) {
  Connection connection;
  (void)connection.state.hello("unit");
  connection.state.stats();
  connection.state.stats();
  connection.state.stats();
  connection.send_all();
  std::string const stats =
      R"({"id":2,"ok":true,"version":"0.1.0","limits":{},"entries":5,"cursor":{}})";
  connection.reply(R"({"id":1,"ok":true,"protocol":1,"limits":{"frame_bytes_max":1}})");
  connection.reply(stats);
  std::string text;
  stele::protocol::append_failure(text, "3", Failure{Error::internal, "broken"});
  connection.reply(text);
  connection.reply(stats);
  BOOST_TEST(connection.state.next()->reply.ok);
  auto const answer = connection.state.next();
  BOOST_REQUIRE(answer.has_value());
  BOOST_TEST(answer->reply.ok);
  BOOST_TEST(answer->text == stats);
  check_failure(connection.state.next(), Error::internal);
  check_failure(connection.state.next(), ClientError::protocol_violation);  // Id 2, not 4.
}

BOOST_AUTO_TEST_CASE(a_read_is_answered_in_parts_until_more_is_false) {
  Connection connection;
  (void)connection.state.read_logs({});
  connection.send_all();
  connection.reply(entries_reply(1, true));
  connection.reply(entries_reply(1, false));
  auto const first = connection.state.next();
  BOOST_REQUIRE(first.has_value());
  BOOST_TEST(first->reply.more);
  BOOST_TEST(first->reply.entries.size() == 1U);
  BOOST_TEST(connection.state.requests_in_flight() == 1U);
  BOOST_TEST(!connection.state.next()->reply.more);
  BOOST_TEST(connection.state.requests_in_flight() == 0U);
}

BOOST_AUTO_TEST_CASE(
    a_read_that_was_ended_is_cancelled_and_its_rest_skipped_before_the_next_reply) {
  Connection connection;
  BOOST_TEST(connection.state.read_logs({}).has_value());
  connection.send_all();
  connection.reply(entries_reply(1, true));
  BOOST_TEST(connection.state.next()->reply.more);
  connection.state.end_read(1);
  connection.state.end_read(1);
  connection.state.ping();
  auto const requests = connection.send_all();
  BOOST_REQUIRE(requests.size() == 2U);
  BOOST_TEST(requests[0] == R"({"op":"cancel","id":2,"target":1})");
  connection.reply(entries_reply(1, true));
  connection.reply(entries_reply(1, false));
  connection.reply(R"({"id":2,"ok":true,"cancelled":true})");
  connection.reply(R"({"id":3,"ok":true})");
  auto const answer = connection.state.next();
  BOOST_REQUIRE(answer.has_value());
  BOOST_TEST(answer->reply.id == 3U);
}

// A reply belongs to a request by its id, and by having what the request asked for.
BOOST_AUTO_TEST_CASE(an_ok_without_what_was_asked_for_is_a_protocol_violation) {
  using Ask = void (*)(ClientState&);
  struct Row {
    Ask ask;
    std::string_view fits;  ///< Members of the only replies that fit, among those below.
  };
  LogEntry const static entry = entry_of("a");
  Row const rows[] = {
      {[](ClientState& s) { (void)s.write_log(entry); }, R"(,"seq":7)"},
      {[](ClientState& s) {
         (void)s.write_many_logs({&entry, 1});
       },
       R"(,"first_seq":7,"last_seq":7)"},
      {[](ClientState& s) { s.report_dropped({.count = 1}); }, R"(,"before_seq":7)"},
      {[](ClientState& s) { (void)s.read_logs({}); }, R"(,"entries":[],"more":false)"},
      {[](ClientState& s) { (void)s.follow_logs({.follow = true}); },
       R"(,"entries":[],"more":false)"},
      {[](ClientState& s) { (void)s.hello("n"); }, R"(,"protocol":1)"},
      {[](ClientState& s) { s.stats(); }, R"(,"limits":{})"},
      {[](ClientState& s) { s.audit({}); }, R"(,"complete":true)"},
      {[](ClientState& s) { (void)s.count_logs({}); }, R"(,"count":7)"},
      {[](ClientState& s) { s.ping(); }, ""},
  };
  for (auto const& row : rows) {
    for (auto const& other : rows) {
      Connection connection;
      row.ask(connection.state);
      connection.send_all();
      connection.reply(R"({"id":1,"ok":true)" + std::string{other.fits} + '}');
      auto const answer = connection.state.next();
      BOOST_REQUIRE(answer.has_value());
      // Members that a ping's answer does not have may come with a later daemon.
      bool const is_ping = row.fits.empty();
      bool const fits = row.fits == other.fits ||
                        (is_ping && other.fits.find("seq\":") == std::string_view::npos &&
                         other.fits.find("entries") == std::string_view::npos) ||
                        (is_ping && other.fits == R"(,"before_seq":7)");
      BOOST_TEST(answer->reply.ok == fits, row.fits << " answered with " << other.fits);
    }
  }
}

BOOST_AUTO_TEST_CASE(frames_of_a_follow_come_between_the_replies_to_other_requests) {
  Connection connection;
  auto const follow = connection.state.follow_logs({.follow = true}).value();
  connection.state.stats();
  connection.state.ping();
  connection.send_all();
  auto const frame = entries_reply(follow, true);
  for (auto const& text :
       {frame, std::string{R"({"id":2,"ok":true,"limits":{},"entries":{}})"}, frame,
        std::string{R"({"id":3,"ok":true})"}, entries_reply(follow, false)}) {
    connection.reply(text);
  }
  std::vector<std::uint64_t> ids;
  while (auto const answer = connection.state.next()) ids.push_back(answer->reply.id);
  BOOST_TEST((ids == std::vector<std::uint64_t>{follow, 2, follow, 3, follow}));
  BOOST_TEST(connection.state.requests_in_flight() == 0U);
}

BOOST_AUTO_TEST_CASE(a_follow_that_was_ended_is_cancelled_and_the_rest_of_it_is_skipped) {
  Connection connection;
  auto const follow = connection.state.follow_logs({.follow = true}).value();
  connection.send_all();
  connection.state.end_follow(follow);
  connection.state.end_follow(follow);
  connection.state.ping();
  auto const requests = connection.send_all();
  BOOST_REQUIRE(requests.size() == 2U);
  BOOST_TEST(requests[0] == R"({"op":"cancel","id":2,"target":1})");
  connection.reply(entries_reply(follow, true));
  connection.reply(entries_reply(follow, false));
  connection.reply(R"({"id":2,"ok":true,"cancelled":true})");
  connection.reply(R"({"id":3,"ok":true})");
  auto const answer = connection.state.next();
  BOOST_REQUIRE(answer.has_value());
  BOOST_TEST(answer->reply.id == 3U);
  BOOST_TEST(connection.state.requests_in_flight() == 0U);
}

BOOST_AUTO_TEST_CASE(a_refused_follow_and_a_lost_connection_are_told_to_the_follow) {
  Connection connection;
  auto const refused = connection.state.follow_logs({.follow = true}).value();
  auto const lost = connection.state.follow_logs({.follow = true}).value();
  connection.state.ping();
  connection.send_all();
  connection.reply(R"({"id":1,"ok":false,"error":{"code":"overloaded","message":"m"}})");
  auto answer = connection.state.next();
  check_failure(answer, Error::overloaded);
  BOOST_TEST(answer->reply.id == refused);
  connection.state.close({ClientError::connection_lost, "gone"});
  std::vector<std::uint64_t> ids;
  for (int i = 0; i < 2; ++i) {
    answer = connection.state.next();
    check_failure(answer, ClientError::connection_lost);
    ids.push_back(answer->reply.id);
  }
  BOOST_TEST((ids == std::vector<std::uint64_t>{3, lost}));
}

BOOST_AUTO_TEST_CASE(a_bad_entry_is_refused_before_it_is_sent_and_named) {
  Connection connection;
  std::vector<LogEntry> entries{entry_of("good"), entry_of("bad \xff")};
  auto const refused = connection.state.write_many_logs(entries);
  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST(refused.error().code == make_error_code(Error::invalid_entry));
  BOOST_TEST(refused.error().message.starts_with("entries[1]: "));
  BOOST_TEST(connection.state.unsent().empty());
  BOOST_TEST(connection.state.requests_in_flight() == 0U);
}

BOOST_AUTO_TEST_CASE(an_empty_batch_is_refused) {
  Connection connection;
  BOOST_TEST(connection.state.write_many_logs({}).error().code ==
             make_error_code(Error::bad_request));
}

// Two batches that are too large: one by its texts alone, one by what JSON adds to them.
BOOST_AUTO_TEST_CASE(a_batch_above_the_frame_limit_is_refused_whole_and_names_the_limit) {
  for (auto const entry_count : {std::size_t{40}, std::size_t{10}}) {
    Connection connection;
    connection.state.set_limits({.entry_bytes_max = 100, .frame_bytes_max = 200});
    std::vector<LogEntry> const entries(entry_count, entry_of("0123456789"));
    auto const refused = connection.state.write_many_logs(entries);
    BOOST_REQUIRE(!refused.has_value());
    BOOST_TEST(refused.error().code == make_error_code(Error::entry_too_large));
    BOOST_TEST(refused.error().message.find("200") != std::string::npos);
    BOOST_TEST(refused.error().detail == R"({"frame_bytes_max":200})");
    BOOST_TEST(connection.state.unsent().empty());
    connection.state.ping();
    BOOST_TEST(connection.send_all().size() == 1U);
  }
}

BOOST_AUTO_TEST_CASE(an_entry_above_the_daemons_limit_is_refused) {
  Connection connection;
  connection.state.set_limits({.entry_bytes_max = 10, .frame_bytes_max = 1000});
  BOOST_TEST(connection.state.write_log(entry_of("0123456789")).has_value());
  BOOST_TEST(connection.state.write_log(entry_of("0123456789a")).error().code ==
             make_error_code(Error::entry_too_large));
}

BOOST_AUTO_TEST_SUITE_END()
