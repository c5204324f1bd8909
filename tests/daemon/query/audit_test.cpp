#include "daemon/query/audit.hpp"

#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>
#include <string>

#include "daemon/session_fixture.hpp"
#include "protocol/limits.hpp"

using stele::daemon::audit;
using stele::daemon::Seq;
using stele::test::SessionFixture;
using stele::wal::Gap;
using stele::wal::GapReason;

namespace {

struct AuditFixture : SessionFixture {
  /// Entries with these timestamps are written, and on disk.
  void write(std::vector<std::uint64_t> const& timestamps) {
    for (auto const timestamp : timestamps) {
      receive(R"({"op":"write_log","entry":{"message":"m","timestamp":)" +
              std::to_string(timestamp) + "}}\n");
    }
    commit();
    send_all();
  }
  /// What a start finds missing behind what is there.
  void lose(Seq first, Seq last, GapReason reason) {
    log.ledger.add({.first_seq = first, .last_seq = last, .reason = reason, .segment_no = 3});
    log.payloads.resize(last);
    store.publish(last);
  }
  boost::json::object ask(std::string const& request) {
    receive(request + "\n");
    return replies().back();
  }
  static std::uint64_t number(boost::json::object const& reply, char const* name) {
    return reply.at(name).to_number<std::uint64_t>();
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(audit_test, AuditFixture)

BOOST_AUTO_TEST_CASE(an_empty_log_is_complete) {
  auto const reply = ask(R"({"op":"audit","id":1})");
  BOOST_TEST(
      boost::json::serialize(reply) ==
      R"({"id":1,"ok":true,"first_seq":1,"last_seq":0,"complete":true,"present":0,)"
      R"("expired":0,"damaged":0,"acknowledged":0,"torn":0,"dropped":0,"unexplained":0,"gaps":[],)"
      R"("gaps_omitted":0})");
}

BOOST_AUTO_TEST_CASE(what_is_written_is_present) {
  write({10, 20, 30});
  auto const reply = ask(R"({"op":"audit"})");
  BOOST_TEST(number(reply, "first_seq") == 1u);
  BOOST_TEST(number(reply, "last_seq") == 3u);
  BOOST_TEST(number(reply, "present") == 3u);
  BOOST_TEST(reply.at("complete").as_bool());
}

BOOST_AUTO_TEST_CASE(an_audit_sees_the_writes_before_it_on_its_connection) {
  receive(write_line("1") + "{\"op\":\"audit\"}\n");
  commit();
  BOOST_TEST(number(replies().back(), "present") == 1u);
}

BOOST_AUTO_TEST_CASE(each_missing_seq_is_counted_under_its_reason) {
  write({10, 20, 30});
  lose(4, 6, GapReason::damaged);
  lose(7, 8, GapReason::torn);
  write({40});
  auto const reply = ask(R"({"op":"audit"})");
  BOOST_TEST(number(reply, "last_seq") == 9u);
  BOOST_TEST(number(reply, "present") == 4u);
  BOOST_TEST(number(reply, "damaged") == 3u);
  BOOST_TEST(number(reply, "torn") == 2u);
  BOOST_TEST(number(reply, "unexplained") == 0u);
  BOOST_TEST(!reply.at("complete").as_bool());
  BOOST_TEST(boost::json::serialize(reply.at("gaps")) ==
             R"([{"reason":"damaged","first_seq":4,"last_seq":6,"segment_no":3,"offset":0},)"
             R"({"reason":"torn","first_seq":7,"last_seq":8,"segment_no":3,"offset":0}])");
}

BOOST_AUTO_TEST_CASE(what_was_never_acknowledged_does_not_make_it_incomplete) {
  write({10});
  lose(2, 5, GapReason::torn);
  BOOST_TEST(ask(R"({"op":"audit"})").at("complete").as_bool());
}

BOOST_AUTO_TEST_CASE(what_retention_took_is_expired_and_not_incomplete) {
  write({10, 20, 30});
  store.remove_up_to(2);
  log.ledger.expire(3, 9);
  auto const reply = ask(R"({"op":"audit"})");
  BOOST_TEST(number(reply, "present") == 1u);
  BOOST_TEST(number(reply, "expired") == 2u);
  BOOST_TEST(reply.at("complete").as_bool());
  BOOST_TEST(boost::json::serialize(reply.at("gaps")) ==
             R"([{"reason":"expired","first_seq":1,"last_seq":2,"segment_no":9}])");
}

BOOST_AUTO_TEST_CASE(a_seq_that_nothing_names_is_unexplained) {
  write({10, 20, 30});
  store.remove_up_to(2);
  auto const reply = ask(R"({"op":"audit"})");
  BOOST_TEST(number(reply, "unexplained") == 2u);
  BOOST_TEST(!reply.at("complete").as_bool());
}

BOOST_AUTO_TEST_CASE(a_start_time_begins_at_the_first_entry_at_or_after_it) {
  write({10, 20, 30});
  lose(4, 6, GapReason::damaged);
  write({40, 50});
  auto const from_30 = ask(R"({"op":"audit","start_ts":30})");
  BOOST_TEST(number(from_30, "first_seq") == 3u);
  BOOST_TEST(number(from_30, "present") == 3u);
  BOOST_TEST(number(from_30, "damaged") == 3u);
  auto const from_31 = ask(R"({"op":"audit","start_ts":31})");
  BOOST_TEST(number(from_31, "first_seq") == 7u);
  BOOST_TEST(number(from_31, "damaged") == 0u);
  BOOST_TEST(from_31.at("gaps").as_array().empty());
  auto const from_51 = ask(R"({"op":"audit","start_ts":51})");
  BOOST_TEST(number(from_51, "first_seq") == 9u);
  BOOST_TEST(number(from_51, "last_seq") == 8u);
  BOOST_TEST(from_51.at("complete").as_bool());
}

BOOST_AUTO_TEST_CASE(a_report_of_drops_is_answered_when_it_is_on_disk_and_then_audited) {
  write({10});
  receive(R"({"op":"report_dropped","id":5,"count":7,)"
          R"("writer":"A0000000000000000000000000000001"})"
          "\n");
  BOOST_TEST(session.awaits_log());
  BOOST_TEST(send_all() == "");
  commit();
  BOOST_TEST(!session.awaits_log());
  BOOST_TEST(boost::json::serialize(replies().at(0)) == R"({"id":5,"ok":true,"before_seq":2})");
  auto const reply = ask(R"({"op":"audit"})");
  BOOST_TEST(number(reply, "dropped") == 7u);
  BOOST_TEST(number(reply, "last_seq") == 1u);
  BOOST_TEST(reply.at("complete").as_bool());
  BOOST_TEST(boost::json::serialize(reply.at("gaps")) ==
             R"([{"reason":"dropped_by_client","before_seq":2,"count":7,)"
             R"("writer":"a0000000"}])");
  auto const stats = ask(R"({"op":"stats"})");
  BOOST_TEST(boost::json::serialize(stats.at("missing")) ==
             R"({"expired":0,"damaged":0,"acknowledged":0,"torn":0,"dropped":7})");
}

BOOST_AUTO_TEST_CASE(a_report_of_drops_that_the_disk_refuses_is_not_written) {
  receive("{\"op\":\"report_dropped\",\"count\":7}\n");
  session.on_refused(1);
  session.advance();
  auto const reply = replies().at(0);
  BOOST_TEST(reply.at("error").at("code").as_string() == "no_space");
  BOOST_TEST(reply.at("state").as_string() == "not_written");
}

BOOST_AUTO_TEST_CASE(a_report_of_drops_has_an_unknown_fate_when_the_log_fails) {
  receive("{\"op\":\"report_dropped\",\"count\":7}\n");
  session.on_log_failed();
  session.advance();
  auto const reply = replies().at(0);
  BOOST_TEST(reply.at("error").at("code").as_string() == "log_failed");
  BOOST_TEST(reply.at("state").as_string() == "unknown");
}

BOOST_AUTO_TEST_CASE(a_report_of_drops_is_refused_as_a_write_is) {
  log.refusal = stele::wal::Errc::no_space;
  auto const full = ask(R"({"op":"report_dropped","count":1})");
  BOOST_TEST(full.at("error").at("code").as_string() == "no_space");
  BOOST_TEST(full.at("state").as_string() == "not_written");
  log.refusal = {};
  auto const bad = ask(R"({"op":"report_dropped","count":0})");
  BOOST_TEST(bad.at("error").at("code").as_string() == "bad_request");
  handler.start_draining();
  auto const stopping = ask(R"({"op":"report_dropped","count":1})");
  BOOST_TEST(stopping.at("error").at("code").as_string() == "shutting_down");
  BOOST_TEST(log.drops.empty());
}

BOOST_AUTO_TEST_CASE(more_gaps_than_a_reply_lists_are_counted) {
  constexpr auto max = stele::protocol::audit_gaps_max;
  for (Seq seq = 1; seq <= max + 5; ++seq) lose(2 * seq, 2 * seq, GapReason::damaged);
  auto const reply = ask(R"({"op":"audit"})");
  BOOST_TEST(reply.at("gaps").as_array().size() == max);
  BOOST_TEST(number(reply, "gaps_omitted") == 5u);
  BOOST_TEST(number(reply, "damaged") == max + 5);
}

BOOST_AUTO_TEST_CASE(damage_that_is_acknowledged_stays_in_the_audit_and_is_no_state_any_more) {
  write({10, 20, 30});
  lose(4, 6, GapReason::damaged);
  write({40, 50});
  lose(9, 9, GapReason::damaged);
  facts.own_uid = 2;  // That of the session.
  BOOST_TEST(ask(R"({"op":"stats"})").at("state").as_string() == "damaged");
  BOOST_TEST(
      boost::json::serialize(ask(R"({"op":"acknowledge","id":3,"first_seq":5,"last_seq":8})")) ==
      R"({"id":3,"ok":true,"acknowledged":2})");
  auto const part = ask(R"({"op":"audit"})");
  BOOST_TEST(number(part, "damaged") == 4u);
  BOOST_TEST(number(part, "acknowledged") == 2u);
  BOOST_TEST(boost::json::serialize(part.at("gaps").at(1)) ==
             R"({"reason":"damaged","first_seq":5,"last_seq":6,"segment_no":3,"offset":0,)"
             R"("acknowledged":true})");
  BOOST_TEST(ask(R"({"op":"stats"})").at("state").as_string() == "damaged");
  auto const rest = ask(R"({"op":"acknowledge","first_seq":1,"last_seq":18446744073709551615})");
  BOOST_TEST(number(rest, "acknowledged") == 2u);
  BOOST_TEST(ask(R"({"op":"stats"})").at("state").as_string() == "ok");
  BOOST_TEST(!ask(R"({"op":"audit"})").at("complete").as_bool());
  // What is found later among these seqs is news.
  lose(12, 12, GapReason::damaged);
  BOOST_TEST(ask(R"({"op":"stats"})").at("state").as_string() == "damaged");
}

BOOST_AUTO_TEST_CASE(only_an_operator_acknowledges_and_only_what_is_damaged) {
  write({10, 20, 30});
  lose(4, 6, GapReason::damaged);
  auto const stranger = ask(R"({"op":"acknowledge","first_seq":4,"last_seq":6})");
  BOOST_TEST(stranger.at("error").at("code").as_string() == "forbidden");
  BOOST_TEST(stranger.at("state").as_string() == "not_written");
  facts.own_uid = 2;
  for (auto const* request : {R"({"op":"acknowledge","first_seq":1,"last_seq":3})",
                              R"({"op":"acknowledge","first_seq":7,"last_seq":9})"}) {
    BOOST_TEST(ask(request).at("error").at("code").as_string() == "bad_request");
  }
  BOOST_TEST(ask(R"({"op":"acknowledge","first_seq":4,"last_seq":6})").at("ok").as_bool());
  BOOST_TEST(ask(R"({"op":"acknowledge","first_seq":4,"last_seq":6})").contains("error"));
}

BOOST_AUTO_TEST_SUITE_END()
