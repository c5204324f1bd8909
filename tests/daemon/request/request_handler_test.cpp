#include "daemon/request/request_handler.hpp"

#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>
#include <variant>

#include "daemon/handler_fixture.hpp"

namespace {

namespace json = boost::json;
using stele::Origin;
using stele::daemon::PendingReply;
using stele::daemon::ReadReply;
using stele::daemon::ReadyReply;
using stele::daemon::StatsReply;
using stele::daemon::WriteReply;
using stele::protocol::FrameForm;

struct RequestFixture : stele::test::HandlerFixture {
  PendingReply ask(std::string_view request, FrameForm form = FrameForm::binary) {
    return handler.handle(request, form, peer);
  }
  json::object answer(std::string_view request, FrameForm form = FrameForm::binary) {
    auto const reply = ask(request, form);
    std::string text;
    if (auto const* const stats = std::get_if<StatsReply>(&reply)) {
      handler.append_stats_reply(text, *stats);
    } else {
      text = std::get<ReadyReply>(reply).text;
    }
    return json::parse(text).as_object();
  }
  std::string error_of(json::object const& reply) {
    BOOST_TEST(reply.at("ok").as_bool() == false);
    return std::string(reply.at("error").at("code").as_string());
  }

  stele::daemon::Peer peer{Origin{11, 22, 33}};
};

constexpr auto one_write = R"({"op":"write_log","id":5,"entry":{"message":"hello"}})";

}  // namespace

BOOST_FIXTURE_TEST_SUITE(request_handler_test, RequestFixture)

BOOST_AUTO_TEST_CASE(a_write_is_stamped_staged_and_appended_and_waits_for_the_disk) {
  auto const reply = std::get<WriteReply>(ask(one_write));
  BOOST_TEST(reply.id == "5");
  BOOST_TEST(reply.many == false);
  BOOST_TEST(reply.first_seq == 1U);
  BOOST_TEST(reply.last_seq == 1U);
  BOOST_REQUIRE_EQUAL(log.payloads.size(), 1U);
  BOOST_TEST(log.payloads[0] ==
             R"({"seq":1,"timestamp":1700000000000000,"level":"info","message":"hello",)"
             R"("metadata":{},"version":1,"origin":{"pid":11,"uid":22,"gid":33}})");
  BOOST_TEST(store.visible_seq() == 0U);
  make_durable();
  BOOST_TEST(stele::daemon::Store::Finder(store).find(1).text == log.payloads[0]);
}

BOOST_AUTO_TEST_CASE(a_given_timestamp_is_kept) {
  ask(R"({"op":"write_log","entry":{"message":"m","timestamp":0}})");
  BOOST_TEST(log.payloads.at(0).find(R"("timestamp":0,)") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_batch_is_one_group_with_contiguous_seqs_and_one_time_of_receipt) {
  ask(one_write);
  auto const reply = std::get<WriteReply>(
      ask(R"({"op":"write_many_logs","entries":[{"message":"a"},{"message":"b"}]})"));
  BOOST_TEST(reply.many);
  BOOST_TEST(reply.first_seq == 2U);
  BOOST_TEST(reply.last_seq == 3U);
  BOOST_TEST(log.groups == 2U);
  BOOST_TEST(log.payloads.size() == 3U);
}

BOOST_AUTO_TEST_CASE(a_write_that_the_log_does_not_admit_leaves_no_trace) {
  struct Case {
    stele::wal::Errc refusal;
    char const* code;
  };
  for (auto const& [refusal, code] : {Case{stele::wal::Errc::no_space, "no_space"},
                                      Case{stele::wal::Errc::too_large, "entry_too_large"},
                                      Case{stele::wal::Errc::failed, "log_failed"}}) {
    BOOST_TEST_CONTEXT(code) {
      log.refusal = refusal;
      auto const reply = answer(one_write);
      BOOST_TEST(error_of(reply) == code);
      BOOST_TEST(reply.at("state").as_string() == "not_written");
      BOOST_TEST(reply.at("id").as_int64() == 5);
    }
  }
  BOOST_TEST(store.text_bytes() == 0U);
  BOOST_TEST(log.groups == 0U);
}

BOOST_AUTO_TEST_CASE(a_full_store_refuses_writes_where_nothing_is_ever_removed) {
  ask(one_write);
  make_durable();
  facts.store_bytes_max = store.held_bytes() + 1;
  facts.config.retain_bytes = 0;
  BOOST_TEST(std::holds_alternative<WriteReply>(ask(one_write)));
  make_durable();
  auto const refused = answer(one_write);
  BOOST_TEST(error_of(refused) == "no_space");
  BOOST_TEST(refused.at("state").as_string() == "not_written");
  BOOST_TEST(error_of(answer(R"({"op":"ping"})")) == "no_space");
  BOOST_TEST(answer(R"({"op":"stats"})").at("state").as_string() == "no_space");
  BOOST_TEST(log.groups == 2U);
  // Retention makes room as entries come.
  facts.config.retain_bytes = 1 << 20;
  BOOST_TEST(std::holds_alternative<WriteReply>(ask(one_write)));
}

BOOST_AUTO_TEST_CASE(a_batch_that_is_too_large_is_told_the_limit) {
  auto const limits = answer(R"({"op":"hello"})").at("limits");
  log.refusal = stele::wal::Errc::too_large;
  auto const detail_of = [&](std::string_view request) {
    return answer(request).at("error").at("detail");
  };
  auto const entry_bytes = limits.at("batch_entry_bytes").as_int64();
  auto const one = detail_of(R"({"op":"write_log","entry":{"message":"a\n"}})");
  BOOST_TEST(one.at("batch_bytes_max") == limits.at("batch_bytes_max"));
  BOOST_TEST(one.at("batch_bytes").as_int64() == entry_bytes + 5 + 2);
  BOOST_TEST(one.at("path").as_string() == "entry");
  auto const two = detail_of(
      R"({"op":"write_many_logs","entries":[{"message":""},{"message":"","metadata":{"a":1}}]})");
  BOOST_TEST(two.at("batch_bytes").as_int64() == 2 * entry_bytes + 2 + 2 + 2 + 7);
  BOOST_TEST(two.at("path").as_string() == "entries");
}

BOOST_AUTO_TEST_CASE(an_invalid_request_is_answered_and_counted) {
  BOOST_TEST(error_of(answer("{")) == "bad_json");
  BOOST_TEST(error_of(answer(R"({"op":"no_such_thing"})")) == "unknown_op");
  BOOST_TEST(error_of(answer(R"({"op":"write_log","entry":{}})")) == "invalid_entry");
  BOOST_TEST(metrics.errors[static_cast<std::size_t>(stele::Error::bad_json)] == 1U);
  BOOST_TEST(log.groups == 0U);
}

BOOST_AUTO_TEST_CASE(writes_are_refused_while_draining_and_reads_are_not) {
  handler.start_draining();
  auto const reply = answer(one_write);
  BOOST_TEST(error_of(reply) == "shutting_down");
  BOOST_TEST(reply.at("state").as_string() == "not_written");
  BOOST_TEST(error_of(answer(R"({"op":"ping"})")) == "shutting_down");
  BOOST_TEST(std::holds_alternative<ReadReply>(ask(R"({"op":"read_logs"})")));
}

BOOST_AUTO_TEST_CASE(ping_is_answered_while_the_log_can_accept_writes) {
  BOOST_TEST(answer(R"({"op":"ping","id":"p"})").at("ok").as_bool());
  BOOST_TEST(answer("ping", FrameForm::line).at("ok").as_bool());
  log.refusal = stele::wal::Errc::no_space;
  auto const reply = answer(R"({"op":"ping"})");
  BOOST_TEST(error_of(reply) == "no_space");
  BOOST_TEST(reply.contains("state") == false);
}

BOOST_AUTO_TEST_CASE(a_disk_that_refused_a_write_is_full_though_a_smaller_one_fits) {
  log.refusal = stele::wal::Errc::no_space;
  answer(one_write);
  log.refusal = {};
  BOOST_TEST(error_of(answer(R"({"op":"ping"})")) == "no_space");
  BOOST_TEST(answer(R"({"op":"stats"})").at("state").as_string() == "no_space");
  BOOST_TEST(std::holds_alternative<WriteReply>(ask(one_write)));
  log.refused = false;
  BOOST_TEST(answer(R"({"op":"stats"})").at("state").as_string() == "ok");
}

BOOST_AUTO_TEST_CASE(hello_tells_protocol_version_store_and_limits) {
  auto const reply = answer(R"({"op":"hello","client":"test"})");
  BOOST_TEST(reply.at("protocol").as_int64() == 1);
  BOOST_TEST(!reply.at("version").as_string().empty());
  BOOST_TEST(reply.at("store_id").as_string() == facts.store_id);
  BOOST_TEST(reply.at("limits").at("frame_bytes_max").as_int64() == 16 << 20);
}

BOOST_AUTO_TEST_CASE(stats_show_what_happened) {
  ask(one_write);
  make_durable();
  answer("{");
  auto const reply = answer(R"({"op":"stats"})");
  BOOST_TEST(reply.at("state").as_string() == "ok");
  BOOST_TEST(reply.at("store").at("entries").as_int64() == 1);
  BOOST_TEST(reply.at("requests").at("write_log").as_int64() == 1);
  BOOST_TEST(reply.at("errors").at("bad_json").as_int64() == 1);
  BOOST_TEST(reply.at("recovery").at("gaps").as_array().empty());
}

BOOST_AUTO_TEST_CASE(stats_tell_the_worst_state) {
  auto const state = [this] {
    return std::string(answer(R"({"op":"stats"})").at("state").as_string());
  };
  log.ledger.expire(5, 1);
  BOOST_TEST(state() == "ok");
  log.ledger.add({.first_seq = 5, .last_seq = 6, .reason = stele::wal::GapReason::damaged});
  BOOST_TEST(state() == "damaged");
  log.refusal = stele::wal::Errc::no_space;
  BOOST_TEST(state() == "no_space");
  handler.start_draining();
  BOOST_TEST(state() == "shutting_down");
  log.refusal = stele::wal::Errc::failed;
  BOOST_TEST(state() == "log_failed");
}

BOOST_AUTO_TEST_CASE(damage_that_no_gap_tells_is_told_by_the_state) {
  using stele::daemon::service_state;
  BOOST_TEST(service_state(facts, store, log, false) == "ok");
  facts.recovery.damage_without_seqs = true;
  BOOST_TEST(service_state(facts, store, log, false) == "damaged");
}

BOOST_AUTO_TEST_CASE(a_cursor_that_is_none_is_refused_at_once) {
  BOOST_TEST(error_of(answer(R"({"op":"read_logs","cursor":""})")) == "bad_request");
  BOOST_TEST(error_of(answer(R"({"op":"read_logs","cursor":"nonsense"})")) == "bad_request");
}

BOOST_AUTO_TEST_CASE(too_much_waiting_for_the_disk_is_overload) {
  BOOST_TEST(!handler.overloaded());
  log.pending = facts.config.max_in_flight_bytes;
  BOOST_TEST(handler.overloaded());
}

// Codes of other libraries have numbers of their own, which are no places in a table of ours.
BOOST_AUTO_TEST_CASE(a_failure_of_another_library_is_counted_as_internal) {
  for (auto const& code : {boost::system::error_code(stele::wal::Errc::diverged),
                           boost::system::error_code(1'000'000, boost::system::system_category()),
                           boost::system::error_code(-1, boost::system::generic_category())}) {
    std::string out;
    handler.append_failure(out, "1", stele::Failure(code, "something"));
    BOOST_TEST(out.find(R"("code":"internal")") != std::string::npos);
  }
  BOOST_TEST(metrics.errors[static_cast<std::size_t>(stele::Error::internal)] == 3U);
}

BOOST_AUTO_TEST_SUITE_END()
