// Writes that carry a number, from the request to the reply, on a disk that syncs when told.
#include "daemon/request/numbered_write.hpp"

#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>

#include "daemon/session_fixture.hpp"
#include "daemon/recovery/store_loader.hpp"

namespace {

namespace json = boost::json;
using stele::Origin;
using stele::daemon::SessionState;
using stele::test::code_of;

constexpr std::string_view hello =
    "{\"op\":\"hello\",\"writer\":\"000000000000000000000000000000a1\"}\n";

std::string write(std::uint64_t write_no, std::string_view members = R"("message":"m")") {
  return R"({"op":"write_log","write_no":)" + std::to_string(write_no) + R"(,"entry":{)" +
         std::string(members) + "}}\n";
}

struct NumberedFixture : stele::test::SessionFixture {
  NumberedFixture() {
    receive(hello);
    replies();
  }
  json::object check(std::string const& request) {
    receive(request);
    commit();
    auto const answers = replies();
    BOOST_REQUIRE_EQUAL(answers.size(), 1U);
    return answers[0];
  }
  /// All of it, answered.
  void write_durably(std::uint64_t write_no) {
    BOOST_TEST(check(write(write_no)).at("ok").as_bool());
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(numbered_write_test, NumberedFixture)

BOOST_AUTO_TEST_CASE(the_log_is_given_the_writer_and_the_number_of_a_write) {
  write_durably(1);
  BOOST_TEST(log.marks.at(0).write_no == 1U);
  BOOST_TEST(log.marks.at(0).writer[15] == 0xa1);
  check(write_line("1"));
  BOOST_TEST((log.marks.at(1) == stele::wal::WriterMark{}));
}

BOOST_AUTO_TEST_CASE(a_write_that_comes_again_is_answered_and_not_written_again) {
  auto const first = check(write(1));
  BOOST_TEST(!first.contains("dup"));
  auto const again = check(write(1));
  BOOST_TEST(again.at("seq") == first.at("seq"));
  BOOST_TEST(again.at("dup").as_bool());
  BOOST_TEST(log.groups == 1U);
  BOOST_TEST(metrics.entries_written == 1U);
  BOOST_TEST(metrics.writes_repeated == 1U);
}

BOOST_AUTO_TEST_CASE(a_batch_that_comes_again_is_answered_with_all_its_seqs) {
  check(write_line("1"));
  std::string const batch =
      "{\"op\":\"write_many_logs\",\"write_no\":1,\"entries\":["
      "{\"message\":\"a\"},{\"message\":\"b\"}]}\n";
  check(batch);
  auto const again = check(batch);
  BOOST_TEST(again.at("first_seq").as_int64() == 2);
  BOOST_TEST(again.at("last_seq").as_int64() == 3);
  BOOST_TEST(again.at("dup").as_bool());
}

// The original may still be lost in a crash: only then would the client know that it must resend.
BOOST_AUTO_TEST_CASE(a_repeated_write_is_not_answered_before_its_original_is_durable) {
  receive(write(1));
  SessionState other(handler, Origin{}, stele::daemon::session_limits({}));
  receive(other, std::string(hello) + write(1));
  send_once(other);
  BOOST_TEST(!other.has_output());
  BOOST_TEST((other.awaited_seq() == 1U));
  BOOST_TEST(log.groups == 1U);
  make_durable();
  other.advance();
  BOOST_TEST(send_once(other) == "{\"ok\":true,\"seq\":1,\"dup\":true}\n");
}

BOOST_AUTO_TEST_CASE(a_refused_write_leaves_its_number_free_and_its_repetition_is_refused_too) {
  receive(write(1) + write(1));
  refuse_from(1);
  session.on_refused(1);
  session.advance();
  auto const answers = replies();
  BOOST_REQUIRE_EQUAL(answers.size(), 2U);
  BOOST_TEST(code_of(answers[0]) == "no_space");
  BOOST_TEST(code_of(answers[1]) == "no_space");
  auto const written = check(write(1));
  BOOST_TEST(written.at("seq").as_int64() == 1);
  BOOST_TEST(!written.contains("dup"));
}

BOOST_AUTO_TEST_CASE(a_write_that_the_log_does_not_admit_leaves_its_number_free) {
  log.refusal = stele::wal::Errc::no_space;
  BOOST_TEST(code_of(check(write(1))) == "no_space");
  BOOST_TEST(code_of(check(write(2))) == "no_space");
  log.refusal = {};
  BOOST_TEST(!check(write(1)).contains("dup"));
  BOOST_TEST(!check(write(2)).contains("dup"));
}

BOOST_AUTO_TEST_CASE(a_number_that_was_refused_is_written_when_the_entry_is_mended) {
  BOOST_TEST(code_of(check(write(1, ""))) == "invalid_entry");
  BOOST_TEST(code_of(check(write(2, ""))) == "invalid_entry");
  BOOST_TEST(check(write(2)).at("seq").as_int64() == 1);
  BOOST_TEST(check(write(1)).at("seq").as_int64() == 2);
  BOOST_TEST(check(write(2)).at("dup").as_bool());
}

BOOST_AUTO_TEST_CASE(a_refusal_between_pipelined_writes_leaves_its_number_free) {
  receive(write(1) + write(2, "") + write(3) + write(4, R"("message":"m","version":2)") + write(5));
  commit();
  BOOST_TEST(replies().size() == 5U);
  auto const known = check(std::string(hello));
  BOOST_TEST(known.at("known_above").as_int64() == 0);
  BOOST_TEST(json::serialize(known.at("written")) == "[[1,1],[3,3],[5,5]]");
  for (std::uint64_t const write_no : {2U, 4U}) {
    BOOST_TEST(!check(write(write_no)).contains("dup"));
    BOOST_TEST(check(write(write_no)).at("dup").as_bool());
  }
  BOOST_TEST(log.marks.back().late);
  BOOST_TEST(log.groups == 5U);
}

BOOST_AUTO_TEST_CASE(a_new_connection_may_begin_behind_a_number_that_was_refused) {
  BOOST_TEST(code_of(check(write(1, ""))) == "invalid_entry");
  SessionState other(handler, Origin{}, stele::daemon::session_limits({}));
  receive(other, std::string(hello) + write(2));
  make_durable();
  other.advance();
  BOOST_TEST(send_once(other).find("\"seq\":1}") != std::string::npos);
}

// Of two connections of one writer, each counts for the other.
BOOST_AUTO_TEST_CASE(what_another_connection_wrote_before_it_was_forgotten_is_not_written_again) {
  write_durably(1);
  SessionState other(handler, Origin{}, stele::daemon::session_limits({}));
  receive(other, std::string(hello) + write(2));
  make_durable();
  other.advance();
  store.remove_up_to(2);
  auto const again = check(write(2));
  BOOST_TEST(code_of(again) == "unknown_retry");
  BOOST_TEST(again.at("state").as_string() == "unknown");
  BOOST_TEST(!check(write(3)).contains("dup"));
  BOOST_TEST(log.groups == 3U);
}

BOOST_AUTO_TEST_CASE(of_one_connection_64_numbered_writes_are_taken_and_the_others_wait_unread) {
  std::string all;
  for (std::uint64_t no = 1; no <= 200; ++no) all += write(no);
  receive(all);
  std::size_t answered = 0;
  for (std::size_t taken : {64U, 128U, 192U, 200U}) {
    BOOST_TEST(log.groups == taken);
    commit();
    // Nothing more is taken before the replies are on their way.
    BOOST_TEST(log.groups == taken);
    answered += replies().size();
    BOOST_TEST(answered == taken);
  }
}

BOOST_AUTO_TEST_CASE(of_one_writer_64_writes_are_taken_over_all_its_connections) {
  for (std::uint64_t no = 1; no <= 60; ++no) receive(write(no));
  SessionState other(handler, Origin{}, stele::daemon::session_limits({}));
  receive(other, hello);
  send_once(other);
  for (std::uint64_t no = 61; no <= 66; ++no) receive(other, write(no));
  BOOST_TEST(log.groups == 64U);
  make_durable();
  other.advance();
  auto const sent = send_once(other);
  BOOST_TEST(sent.find("\"seq\":64}") != std::string::npos);
  BOOST_TEST(sent.find("\"overloaded\"") != std::string::npos);
  BOOST_TEST(sent.find("\"writer_writes_max\":64") != std::string::npos);
  receive(other, write(65));
  BOOST_TEST(log.groups == 65U);
}

BOOST_AUTO_TEST_CASE(a_full_disk_and_the_end_of_the_daemon_do_not_matter_to_what_is_written) {
  write_durably(1);
  log.refusal = stele::wal::Errc::no_space;
  BOOST_TEST(check(write(1)).at("dup").as_bool());
  handler.start_draining();
  BOOST_TEST(check(write(1)).at("dup").as_bool());
  BOOST_TEST(code_of(check(write(2))) == "shutting_down");
}

BOOST_AUTO_TEST_CASE(the_same_number_with_other_entries_is_a_conflict) {
  auto const original = R"("message":"m","level":"warn","metadata":{"a":1.0},"timestamp":5)";
  check(write(1, original));
  BOOST_TEST(check(write(1, original)).at("dup").as_bool());
  // Members in another order and spelling are the same entry.
  BOOST_TEST(
      check(write(1, R"("timestamp":5,"metadata": {"\u0061":1.0},"level":"warn","message":"m")"))
          .at("dup")
          .as_bool());
  for (auto const* other : {R"("message":"n","level":"warn","metadata":{"a":1.0},"timestamp":5)",
                            R"("message":"m","level":"info","metadata":{"a":1.0},"timestamp":5)",
                            R"("message":"m","level":"warn","metadata":{"a":1},"timestamp":5)",
                            R"("message":"m","level":"warn","metadata":{"a":1.0},"timestamp":6)"}) {
    auto const reply = check(write(1, other));
    BOOST_TEST(code_of(reply) == "id_conflict");
    BOOST_TEST(reply.at("state").as_string() == "not_written");
    BOOST_TEST(reply.at("error").at("detail").at("first_seq").as_int64() == 1);
  }
  auto const batch = check(
      "{\"op\":\"write_many_logs\",\"write_no\":1,\"entries\":["
      "{\"message\":\"m\"},{\"message\":\"m\"}]}\n");
  BOOST_TEST(code_of(batch) == "id_conflict");
  BOOST_TEST(log.groups == 1U);
}

BOOST_AUTO_TEST_CASE(the_time_of_receipt_is_not_part_of_a_write) {
  write_durably(1);
  clock.wall += 1000;
  BOOST_TEST(check(write(1)).at("dup").as_bool());
  BOOST_TEST(code_of(check(write(1, R"("message":"m","timestamp":5)"))) == "id_conflict");
}

BOOST_AUTO_TEST_CASE(a_number_that_nobody_remembers_is_not_guessed_at) {
  // A start that could not see all of the log.
  store.writers().lose_up_to(5);
  auto const greeting = check(R"({"op":"hello","writer":"000000000000000000000000000000a2"})"
                              "\n");
  BOOST_TEST(greeting.at("known_above").is_null());
  auto const unknown = check(write(7));
  BOOST_TEST(code_of(unknown) == "unknown_retry");
  BOOST_TEST(unknown.at("state").as_string() == "unknown");
  // Nor are those behind it.
  BOOST_TEST(code_of(check(write(8))) == "unknown_retry");
  BOOST_TEST(log.groups == 0U);
}

BOOST_AUTO_TEST_CASE(a_number_too_far_below_the_highest_is_told_not_to_be_written) {
  write_durably(1);
  write_durably(66);
  write_durably(3);
  auto const late = check(write(2));
  BOOST_TEST(code_of(late) == "unknown_retry");
  BOOST_TEST(late.at("state").as_string() == "not_written");
  BOOST_TEST(log.groups == 3U);
}

BOOST_AUTO_TEST_CASE(a_hello_without_a_writer_or_one_that_is_refused_leaves_the_writer_as_it_is) {
  write_durably(1);
  for (std::string const other :
       {R"({"op":"hello"})", R"({"op":"hello","client":"c"})", R"({"op":"hello","writer":"0"})",
        R"({"op":"hello","writer":"000000000000000000000000000000a2","x":1})",
        R"({"op":"hello","since_seq":0})"}) {
    check(other + "\n");
    BOOST_TEST(check(write(1)).at("dup").as_bool());
  }
}

BOOST_AUTO_TEST_CASE(a_default_that_is_left_out_or_given_is_the_same_write) {
  check(write(1, R"("message":"m")"));
  BOOST_TEST(check(write(1, R"("message":"m","level":"info","metadata":{},"version":1)"))
                 .at("dup")
                 .as_bool());
}

BOOST_AUTO_TEST_CASE(a_number_needs_a_writer) {
  SessionState other(handler, Origin{}, stele::daemon::session_limits({}));
  receive(other, write(1));
  auto const sent = send_once(other);
  BOOST_TEST(sent.find("\"bad_request\"") != std::string::npos);
  BOOST_TEST(sent.find("\"not_written\"") != std::string::npos);
  BOOST_TEST(log.groups == 0U);
}

BOOST_AUTO_TEST_CASE(writers_do_not_share_numbers) {
  write_durably(1);
  receive("{\"op\":\"hello\",\"writer\":\"000000000000000000000000000000a2\"}\n");
  replies();
  BOOST_TEST(!check(write(1)).contains("dup"));
  BOOST_TEST(log.groups == 2U);
}

BOOST_AUTO_TEST_CASE(hello_tells_a_writer_its_last_write_that_is_on_disk) {
  auto reply = check(std::string(hello));
  BOOST_TEST(!reply.contains("last_write_no"));
  BOOST_TEST(reply.at("forgotten_seq").as_int64() == 0);
  write_durably(1);
  receive(write(2));
  receive(hello);
  commit();
  auto const answers = replies();
  BOOST_REQUIRE_EQUAL(answers.size(), 2U);
  BOOST_TEST(answers[1].at("last_write_no").as_int64() == 1);
  BOOST_TEST(answers[1].at("last_seq").as_int64() == 1);
  reply = check(std::string(hello));
  BOOST_TEST(reply.at("last_write_no").as_int64() == 2);
  BOOST_TEST(reply.at("durable_seq").as_int64() == 2);
  BOOST_TEST(!check("{\"op\":\"hello\"}\n").contains("forgotten_seq"));
}

BOOST_AUTO_TEST_CASE(what_retention_removed_is_forgotten_but_the_connection_counts_on) {
  write_durably(1);
  write_durably(2);
  store.remove_up_to(2);
  auto const known = check(std::string(hello));
  BOOST_TEST(known.at("forgotten_seq").as_int64() == 2);
  BOOST_TEST(known.at("known_above").as_int64() == 2);
  BOOST_TEST(code_of(check(write(1))) == "unknown_retry");
  BOOST_TEST(code_of(check(write(2))) == "unknown_retry");
  write_durably(3);
}

BOOST_AUTO_TEST_CASE(a_batch_of_which_the_first_entries_were_removed_is_not_compared) {
  check(R"({"op":"write_many_logs","write_no":1,"entries":[{"message":"a"},{"message":"b"}]})"
        "\n");
  store.remove_up_to(1);
  BOOST_TEST(code_of(check(write(1))) == "unknown_retry");
}

BOOST_AUTO_TEST_CASE(a_writer_that_says_since_when_it_writes_is_told_what_was_forgotten) {
  write_durably(1);
  store.remove_up_to(1);
  auto const greet = [this](std::string const& name, std::string const& since) {
    return check(R"({"op":"hello","writer":"000000000000000000000000000000)" + name +
                 R"(","since_seq":)" + since + "}\n");
  };
  BOOST_TEST(greet("b1", "1").at("known_above").as_int64() == 0);
  BOOST_TEST(!check(write(5)).contains("dup"));
  store.writers().lose_up_to(1);
  BOOST_TEST(greet("b2", "0").at("known_above").is_null());
  BOOST_TEST(code_of(check(write(1))) == "unknown_retry");
  BOOST_TEST(greet("b2", "1").at("known_above").as_int64() == 0);
}

// A log that was restored: what such a writer writes next has seqs below the one that it names.
BOOST_AUTO_TEST_CASE(a_since_seq_behind_the_log_proves_nothing_and_is_refused) {
  write_durably(1);
  auto const greet = [this](std::string const& since) {
    return check(R"({"op":"hello","writer":"000000000000000000000000000000b1","since_seq":)" +
                 since + "}\n");
  };
  for (std::string const since : {"2", "18446744073709551615"}) {
    auto const refused = greet(since);
    BOOST_TEST(code_of(refused) == "bad_request");
    auto const& detail = refused.at("error").at("detail");
    BOOST_TEST(detail.at("path").as_string() == "since_seq");
    BOOST_TEST(detail.at("durable_seq").as_int64() == 1);
  }
  // The writer is still the one before.
  BOOST_TEST(check(write(1)).contains("dup"));
  BOOST_TEST(greet("1").at("known_above").as_int64() == 0);
}

BOOST_AUTO_TEST_CASE(a_restart_remembers_what_the_log_holds) {
  write_durably(1);
  check(R"({"op":"write_many_logs","write_no":2,"entries":[{"message":"a"},{"message":"b"}]})"
        "\n");
  stele::daemon::Store recovered;
  stele::daemon::StoreLoader loader(recovered, clock);
  loader.on_group(log.marks.at(0), 1, 1);
  loader.on_payload(1, log.payloads.at(0));
  loader.on_group(log.marks.at(1), 2, 3);
  loader.on_payload(2, log.payloads.at(1));
  loader.on_payload(3, log.payloads.at(2));
  auto const last = recovered.writers().last(log.marks.at(1).writer);
  BOOST_REQUIRE(last.has_value());
  BOOST_TEST((*last == stele::daemon::NumberedWrite{2, 2, 3}));
  auto const attachment = recovered.writers().attach(log.marks.at(1).writer);
  using Decision = stele::daemon::WriterTable::Decision;
  BOOST_TEST((recovered.writers().check(attachment, 1).decision == Decision::repeated));
  BOOST_TEST((recovered.writers().check(attachment, 3).decision == Decision::is_new));
  // Entries that are damaged may have been numbered.
  loader.on_gap({3, 3, stele::wal::GapReason::damaged, 1, 0});
  BOOST_TEST(!recovered.writers().last(log.marks.at(1).writer).has_value());
}

BOOST_AUTO_TEST_CASE(a_group_whose_payloads_are_no_entries_is_not_remembered) {
  stele::daemon::Store recovered;
  stele::daemon::StoreLoader loader(recovered, clock);
  stele::wal::WriterMark const mark{{1}, 1};
  loader.on_group(mark, 1, 2);
  loader.on_payload(1, "no entry");
  loader.on_payload(2, "no entry either");
  BOOST_TEST(loader.rejected() == 2U);
  BOOST_TEST(!recovered.writers().last(mark.writer).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
