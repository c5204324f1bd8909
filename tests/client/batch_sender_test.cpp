// Against a daemon that the test plays, reply by reply.
#include "client-lib/logger/batch_sender.hpp"

#include <boost/test/unit_test.hpp>
#include <memory>
#include <string>
#include <vector>

#include "client/connection.hpp"

using stele::ClientError;
using stele::Error;
using stele::client::BatchSender;
using stele::client::LogBuffer;
using stele::test::Connection;
using Step = stele::client::BatchSender::Step;

namespace {

struct StorePosition {
  std::string store = "s1";
  std::uint64_t durable = 0;
  std::uint64_t forgotten = 0;
  std::uint64_t last_write_no = 0;  ///< 0: the writer is not remembered.
  std::string known_above{};        ///< As JSON; "": an older daemon, that does not say it.
};

/// A sender and the daemon's side of one connection after the other.
class Conversation {
  std::uint8_t writers_ = 0;

 public:
  Conversation() { reconnect(); }

  LogBuffer buffer{{.batch_bytes_max = 1000}};

  void log(std::initializer_list<char const*> messages) {
    for (auto const* message : messages) {
      buffer.append(std::string(R"({"message":")") + message + "\"}");
    }
  }

  /// The old connection is gone, whatever was under way; a new one is made.
  void reconnect() {
    if (connection_) {
      connection_->state.close({ClientError::connection_lost, "gone"});
      BOOST_TEST((advance() == Step::reconnect));
    }
    connection_ = std::make_unique<Connection>();
    sender.begin(connection_->state);
    request_ = 0;
  }

  Step advance(bool reports = false) { return sender.advance(connection_->state, buffer, reports); }

  /// What the daemon receives next; "" if there is nothing.
  std::string request(bool reports = false) {
    step_ = advance(reports);
    auto const requests = connection_->send_all();
    BOOST_TEST(requests.size() <= 1U);
    if (requests.empty()) return {};
    ++request_;
    return requests[0];
  }
  /// The entries and the number of the next write.
  std::string write(bool reports = false) {
    auto const text = request(reports);
    auto const number = text.find("\"write_no\":");
    return number == text.npos ? text : text.substr(number);
  }
  std::string writer_of_hello() {
    auto const text = request();
    return text.substr(text.find("\"writer\":") + 10, 2);
  }

  void answer(std::string const& members) {
    connection_->reply("{\"id\":" + std::to_string(request_) + "," + members + "}");
  }
  void answer_hello(StorePosition const& at = {}) {
    std::string text = R"("ok":true,"protocol":1,"version":"t","store_id":")" + at.store + "\"";
    if (at.last_write_no != 0) {
      text += ",\"last_write_no\":" + std::to_string(at.last_write_no) + ",\"last_seq\":1";
    }
    if (!at.known_above.empty()) text += ",\"known_above\":" + at.known_above;
    text += ",\"durable_seq\":" + std::to_string(at.durable);
    text += ",\"forgotten_seq\":" + std::to_string(at.forgotten);
    answer(text + R"(,"limits":{"frame_bytes_max":5000})");
  }
  void answer_stored(bool dup = false) {
    answer(std::string(R"("ok":true,"first_seq":1,"last_seq":2)") + (dup ? ",\"dup\":true" : ""));
  }
  void answer_failure(std::string const& code, std::string const& state = "not_written",
                      std::string const& detail = "{}") {
    answer(R"("ok":false,"state":")" + state + R"(","error":{"code":")" + code +
           R"(","message":"m","retryable":true,"detail":)" + detail + "}");
  }
  void greet(StorePosition const& at = {}) {
    BOOST_TEST(request().find("\"op\":\"hello\"") != std::string::npos);
    answer_hello(at);
  }

  Step last_step() const { return step_; }

  BatchSender sender{"unit", [this] { return stele::protocol::WriterId{++writers_}; }};

 private:
  std::unique_ptr<Connection> connection_{};
  std::size_t request_ = 0;
  Step step_ = Step::idle;
};

std::string numbered(std::uint64_t write_no, std::vector<std::string> const& messages) {
  auto text = "\"write_no\":" + std::to_string(write_no) + ",\"entries\":[";
  for (auto const& message : messages) {
    if (text.back() != '[') text += ',';
    text += "{\"message\":\"" + message + "\"}";
  }
  return text + "]}";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(batch_sender_test)

BOOST_AUTO_TEST_CASE(a_connection_begins_with_hello_and_the_writer_and_then_rests) {
  Conversation daemon;
  BOOST_TEST(daemon.writer_of_hello() == "01");
  BOOST_TEST((daemon.advance() == Step::exchange));
  daemon.answer_hello();
  BOOST_TEST((daemon.advance() == Step::idle));
}

BOOST_AUTO_TEST_CASE(batches_go_out_one_by_one_with_rising_numbers) {
  Conversation daemon;
  daemon.greet();
  daemon.log({"a"});
  BOOST_TEST(daemon.write() == numbered(1, {"a"}));
  daemon.log({"b", "c"});
  BOOST_TEST(daemon.write() == "");
  daemon.answer_stored();
  BOOST_TEST(daemon.write() == numbered(2, {"b", "c"}));
  daemon.answer_stored();
  BOOST_TEST((daemon.advance() == Step::idle));
  BOOST_TEST(daemon.buffer.stored() == 3U);
}

BOOST_AUTO_TEST_CASE(what_was_not_acknowledged_is_sent_again_under_its_number) {
  Conversation daemon;
  daemon.greet();
  daemon.log({"a"});
  daemon.write();
  daemon.log({"b"});
  for (int life = 0; life < 3; ++life) {
    daemon.reconnect();
    BOOST_TEST(daemon.writer_of_hello() == "01");
    daemon.answer_hello();
    BOOST_TEST(daemon.write() == numbered(1, {"a"}));
  }
  daemon.answer_stored(true);
  BOOST_TEST(daemon.write() == numbered(2, {"b"}));
  BOOST_TEST(daemon.sender.repeated() == 1U);
  BOOST_TEST(daemon.sender.maybe_duplicated() == 0U);
}

BOOST_AUTO_TEST_CASE(a_batch_that_is_refused_for_now_is_sent_again_after_a_pause) {
  Conversation daemon;
  daemon.greet();
  daemon.log({"a"});
  for (auto const* code : {"no_space", "overloaded"}) {
    BOOST_TEST(daemon.write() == numbered(1, {"a"}));
    daemon.answer_failure(code);
    BOOST_TEST((daemon.advance() == Step::pause));
    BOOST_TEST(daemon.sender.trouble()->message == "m");
  }
  BOOST_TEST(daemon.write() == numbered(1, {"a"}));
  daemon.answer_stored();
  BOOST_TEST((daemon.advance() == Step::idle));
  BOOST_TEST(!daemon.sender.trouble().has_value());
}

BOOST_AUTO_TEST_CASE(a_daemon_that_stops_or_fails_needs_a_new_connection_and_nothing_is_lost) {
  for (auto const* code : {"shutting_down", "log_failed", "internal", "too_many_connections"}) {
    Conversation daemon;
    daemon.greet();
    daemon.log({"a"});
    daemon.write();
    daemon.answer_failure(code, "unknown");
    BOOST_TEST((daemon.advance() == Step::reconnect));
    daemon.reconnect();
    daemon.greet();
    BOOST_TEST(daemon.write() == numbered(1, {"a"}));
  }
}

BOOST_AUTO_TEST_CASE(a_hello_that_is_refused_or_of_another_protocol_needs_a_new_connection) {
  Conversation daemon;
  daemon.request();
  daemon.answer_failure("overloaded");
  BOOST_TEST((daemon.advance() == Step::reconnect));
  daemon.reconnect();
  daemon.request();
  daemon.answer(R"("ok":true,"protocol":2)");
  BOOST_TEST((daemon.advance() == Step::reconnect));
  BOOST_TEST((daemon.sender.trouble()->code == ClientError::protocol_violation));
}

BOOST_AUTO_TEST_CASE(a_number_that_is_too_late_is_replaced_by_the_next) {
  Conversation daemon;
  daemon.greet();
  daemon.log({"a"});
  daemon.write();
  daemon.answer_failure("unknown_retry");
  BOOST_TEST(daemon.write() == numbered(2, {"a"}));
}

BOOST_AUTO_TEST_CASE(a_number_with_other_entries_is_not_ours_and_the_writer_is_changed) {
  Conversation daemon;
  daemon.greet();
  daemon.log({"a"});
  daemon.write();
  daemon.answer_failure("id_conflict");
  BOOST_TEST(daemon.writer_of_hello() == "02");
  daemon.answer_hello();
  BOOST_TEST(daemon.write() == numbered(1, {"a"}));
  BOOST_TEST(daemon.sender.maybe_duplicated() == 0U);
}

BOOST_AUTO_TEST_CASE(a_forgotten_writer_without_a_write_under_way_begins_anew) {
  Conversation daemon;
  daemon.greet();
  daemon.log({"a"});
  daemon.write();
  daemon.answer_stored();
  daemon.advance();
  daemon.reconnect();
  daemon.log({"b"});
  daemon.greet({.durable = 9, .forgotten = 9});
  BOOST_TEST(daemon.writer_of_hello() == "02");
  daemon.answer_hello({.durable = 9, .forgotten = 9});
  BOOST_TEST(daemon.write() == numbered(1, {"b"}));
  BOOST_TEST(daemon.sender.maybe_duplicated() == 0U);
}

BOOST_AUTO_TEST_CASE(a_forgotten_writer_with_a_write_under_way_is_sent_again_and_counted) {
  Conversation daemon;
  daemon.greet();
  daemon.log({"a"});
  daemon.write();
  daemon.answer_stored();
  daemon.log({"b", "c"});
  BOOST_TEST(daemon.write() == numbered(2, {"b", "c"}));
  daemon.reconnect();
  daemon.greet({.durable = 9, .forgotten = 9});
  BOOST_TEST(daemon.writer_of_hello() == "02");
  daemon.answer_hello({.durable = 9, .forgotten = 9});
  BOOST_TEST(daemon.write() == numbered(1, {"b", "c"}));
  BOOST_TEST(daemon.sender.maybe_duplicated() == 2U);
}

BOOST_AUTO_TEST_CASE(the_first_write_is_unsure_only_if_writers_were_forgotten_since) {
  for (std::uint64_t forgotten : {4U, 5U, 6U}) {
    Conversation daemon;
    daemon.greet({.durable = 5});
    daemon.log({"a"});
    daemon.write();
    daemon.reconnect();
    daemon.greet({.durable = 7, .forgotten = forgotten});
    if (forgotten > 5) {
      BOOST_TEST(daemon.writer_of_hello() == "02");
      daemon.answer_hello();
    }
    BOOST_TEST(daemon.write() == numbered(1, {"a"}));
    BOOST_TEST(daemon.sender.maybe_duplicated() == (forgotten > 5 ? 1U : 0U));
  }
}

BOOST_AUTO_TEST_CASE(a_later_hello_says_since_when_the_writer_writes_and_trusts_what_it_is_told) {
  Conversation daemon;
  BOOST_TEST(daemon.request().find("since_seq") == std::string::npos);
  daemon.answer_hello({.durable = 5, .forgotten = 5, .known_above = "null"});
  daemon.log({"a"});
  BOOST_TEST(daemon.write() == numbered(1, {"a"}));
  daemon.answer_stored();
  daemon.log({"b"});
  BOOST_TEST(daemon.write() == numbered(2, {"b"}));
  daemon.reconnect();
  BOOST_TEST(daemon.request().find("\"since_seq\":5}") != std::string::npos);
  daemon.answer_hello({.durable = 9, .forgotten = 7, .known_above = "1"});
  BOOST_TEST(daemon.write() == numbered(2, {"b"}));
  BOOST_TEST(daemon.sender.maybe_duplicated() == 0U);
  for (auto const* known_above : {"2", "null"}) {
    daemon.reconnect();
    daemon.greet({.durable = 9, .forgotten = 9, .known_above = known_above});
    BOOST_TEST(daemon.request().find("since_seq") == std::string::npos);
    daemon.answer_hello({.durable = 9, .forgotten = 9, .known_above = "0"});
    BOOST_TEST(daemon.write() == numbered(1, {"b"}));
  }
  BOOST_TEST(daemon.sender.maybe_duplicated() == 2U);
}

BOOST_AUTO_TEST_CASE(an_older_daemon_in_place_of_a_newer_one_is_greeted_as_it_wants_to_be) {
  Conversation daemon;
  daemon.greet({.known_above = "0"});
  daemon.log({"a"});
  daemon.write();
  daemon.reconnect();
  BOOST_TEST(daemon.request().find("\"since_seq\":0}") != std::string::npos);
  daemon.answer_failure("bad_request");
  BOOST_TEST((daemon.advance() == Step::reconnect));
  daemon.reconnect();
  BOOST_TEST(daemon.request().find("since_seq") == std::string::npos);
  daemon.answer_hello();
  BOOST_TEST(daemon.write() == numbered(1, {"a"}));
}

BOOST_AUTO_TEST_CASE(a_log_that_was_restored_never_had_the_write_that_was_under_way) {
  Conversation daemon;
  daemon.greet({.durable = 15, .known_above = "0"});
  daemon.log({"a"});
  daemon.write();
  daemon.reconnect();
  BOOST_TEST(daemon.request().find("\"since_seq\":15}") != std::string::npos);
  daemon.answer_failure("bad_request", "not_written", R"({"path":"since_seq","durable_seq":5})");
  BOOST_TEST(daemon.writer_of_hello() == "02");
  daemon.answer_hello({.durable = 5, .known_above = "0"});
  BOOST_TEST(daemon.write() == numbered(1, {"a"}));
  BOOST_TEST(daemon.sender.maybe_duplicated() == 0U);
  daemon.reconnect();
  BOOST_TEST(daemon.request().find("\"since_seq\":5}") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(another_store_never_had_the_write_that_was_under_way) {
  Conversation daemon;
  daemon.greet();
  daemon.log({"a"});
  daemon.write();
  daemon.answer_stored();
  daemon.log({"b"});
  daemon.write();
  daemon.reconnect();
  daemon.greet({.store = "s2", .durable = 3, .forgotten = 3});
  BOOST_TEST(daemon.writer_of_hello() == "02");
  daemon.answer_hello({.store = "s2", .durable = 3, .forgotten = 3});
  BOOST_TEST(daemon.write() == numbered(1, {"b"}));
  BOOST_TEST(daemon.sender.maybe_duplicated() == 0U);
}

BOOST_AUTO_TEST_CASE(an_entry_that_the_daemon_refuses_is_found_and_the_others_are_stored) {
  Conversation daemon;
  daemon.greet();
  daemon.log({"a", "b", "bad", "d"});
  std::string stored;
  std::uint64_t write_no = 1;
  for (;;) {
    auto const text = daemon.write();
    if (text.empty()) break;
    BOOST_TEST(text.starts_with("\"write_no\":" + std::to_string(write_no) + ","));
    if (text.find("bad") != text.npos) {
      daemon.answer_failure("invalid_entry");
    } else {
      stored += text.substr(text.find('['));
      ++write_no;
      daemon.answer_stored();
    }
  }
  BOOST_TEST(stored == R"([{"message":"a"},{"message":"b"}]}[{"message":"d"}]})");
  BOOST_TEST(daemon.buffer.stored() == 3U);
  BOOST_TEST(daemon.buffer.refused() == 1U);
  BOOST_TEST((daemon.sender.refusal()->code == Error::invalid_entry));
}

BOOST_AUTO_TEST_CASE(what_no_entry_is_at_fault_for_is_refused_as_a_batch) {
  for (auto const* code : {"forbidden", "bad_request", "unknown_op"}) {
    Conversation daemon;
    daemon.greet();
    daemon.log({"a", "b", "c", "d"});
    daemon.write();
    daemon.answer_failure(code);
    BOOST_TEST((daemon.advance() == Step::idle));
    BOOST_TEST(daemon.buffer.refused() == 4U);
  }
}

BOOST_AUTO_TEST_CASE(a_batch_above_the_frames_of_the_daemon_is_halved_before_it_is_sent) {
  Conversation daemon;
  daemon.greet();
  auto const big = std::string(3000, 'x');
  daemon.buffer = LogBuffer({.batch_bytes_max = 8000});
  daemon.log({big.c_str(), big.c_str()});
  BOOST_TEST(daemon.write() == numbered(1, {big}));
  daemon.answer_stored();
  BOOST_TEST(daemon.write() == numbered(2, {big}));
}

BOOST_AUTO_TEST_CASE(dropped_entries_are_reported_when_asked_and_again_if_nobody_answered) {
  Conversation daemon;
  daemon.greet();
  daemon.buffer.drop();
  daemon.buffer.drop();
  daemon.log({"a"});
  BOOST_TEST(daemon.write(false) == numbered(1, {"a"}));
  daemon.answer_stored();
  BOOST_TEST(daemon.request(true).find("\"op\":\"report_dropped\"") != std::string::npos);
  daemon.reconnect();
  daemon.greet({.last_write_no = 1});
  BOOST_TEST(daemon.request(true).find("\"count\":2") != std::string::npos);
  daemon.buffer.drop();
  daemon.answer(R"("ok":true,"before_seq":2)");
  daemon.advance();
  BOOST_TEST(daemon.buffer.unreported() == 1U);
}

BOOST_AUTO_TEST_CASE(a_daemon_that_knows_no_reports_does_not_stop_the_log) {
  Conversation daemon;
  daemon.greet();
  daemon.buffer.drop();
  daemon.log({"a"});
  daemon.request(true);
  daemon.answer_failure("unknown_op");
  BOOST_TEST(daemon.write(true) == numbered(1, {"a"}));
}

BOOST_AUTO_TEST_SUITE_END()
