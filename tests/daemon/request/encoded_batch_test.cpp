// The entries of a huge write, whose text is made in several turns before they get their seqs.
#include <algorithm>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string>
#include <string_view>

#include "daemon/session_fixture.hpp"
#include "support/sanitized.hpp"

namespace {

using stele::Origin;
using stele::daemon::SessionState;
using stele::daemon::TurnBudget;

constexpr std::size_t entries_of_batch = 20'000;

std::string message_of(std::size_t i) { return "message " + std::to_string(i); }

/// Those of which nothing is said have the time of receipt.
std::string timestamp_of(std::size_t i) {
  if (i % 3 != 0) return {};
  return i % 2 == 0 ? std::to_string(i) : "18446744073709551615";
}

std::string batch() {
  std::string line = R"({"op":"write_many_logs","id":1,"entries":[)";
  for (std::size_t i = 0; i < entries_of_batch; ++i) {
    auto const timestamp = timestamp_of(i);
    line += (i > 0 ? R"(,{"message":")" : R"({"message":")") + message_of(i) + '"';
    if (!timestamp.empty()) line += R"(,"timestamp":)" + timestamp;
    line += i % 5 == 0 ? R"(,"level":"error","metadata":{"n":1}})" : "}";
  }
  return line + "]}\n";
}

std::string text_of(std::size_t i, std::uint64_t seq, std::uint64_t received_at) {
  auto const timestamp = timestamp_of(i);
  std::string text = R"({"seq":)" + std::to_string(seq);
  text += R"(,"timestamp":)" + (timestamp.empty() ? std::to_string(received_at) : timestamp);
  text += i % 5 == 0 ? R"(,"level":"error","message":")" : R"(,"level":"info","message":")";
  text += message_of(i) + (i % 5 == 0 ? R"(","metadata":{"n":1})" : R"(","metadata":{})");
  return text + R"(,"version":1,"origin":{"pid":1,"uid":2,"gid":3}})";
}

struct EncodedBatchFixture : stele::test::SessionFixture {
  /// As if the log held this many entries.
  void begin_behind(std::size_t entries) {
    log.payloads.resize(entries);
    store.pass_up_to(entries);
  }
  void give(std::string_view bytes) {
    while (!bytes.empty()) {
      auto const room = session.read_buffer();
      auto const part = bytes.substr(0, room.size());
      std::memcpy(room.data(), part.data(), part.size());
      session.on_received(part.size());
      bytes.remove_prefix(part.size());
      if (!bytes.empty()) session.advance();
    }
  }
  std::size_t take_turns() {
    std::size_t turns = 0;
    do {
      session.advance();
      ++turns;
    } while (session.awaits_turn());
    return turns;
  }
  /// All is ready but for the log.
  void make_wait() {
    log.has_segment = false;
    give(batch());
    take_turns();
    BOOST_REQUIRE(session.awaits_log());
  }
  void others_write(std::size_t entries) {
    for (std::size_t i = 0; i < entries / 1000; ++i) {
      std::string line = R"({"op":"write_many_logs","entries":[{"message":"m"})";
      for (int j = 1; j < 1000; ++j) line += R"(,{"message":"m"})";
      receive(other, line + "]}\n");
    }
    for (std::size_t i = 0; i < entries % 1000; ++i) receive(other, write_line("1"));
  }
  void take_batch() {
    log.has_segment = true;
    session.advance();
  }
  /// The newest entries of the log are those of the batch.
  void check_batch() {
    auto const before = log.payloads.size() - entries_of_batch;
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < entries_of_batch; ++i) {
      wrong += log.payloads[before + i] == text_of(i, before + i + 1, clock.wall) ? 0 : 1;
    }
    BOOST_TEST(wrong == 0U);
    make_durable();
    stele::daemon::Store::Finder finder(store);
    BOOST_TEST(finder.find(before + 1).text == log.payloads[before]);
    BOOST_TEST(finder.find(log.payloads.size()).text == log.payloads.back());
    BOOST_TEST(store.index().size() == store.count_between(1, log.payloads.size()));
  }

  SessionState other{handler, Origin{4, 5, 6}, stele::daemon::session_limits({})};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(encoded_batch_test, EncodedBatchFixture)

BOOST_AUTO_TEST_CASE(the_text_of_very_many_entries_is_made_in_turns) {
  give(batch());
  auto const turns = take_turns();
  BOOST_TEST(log.groups == 1U);
  // An entry is about 150 bytes and a turn 10,000 visits, each a copy of 32; besides, there is what
  // parsing and memory take.
  auto const bytes = log.payloads.back().size() * entries_of_batch;
  auto const visits_for_text = entries_of_batch * 8 + bytes / 32;
  auto const visits_for_memory = bytes / 4096 * 500;
  BOOST_TEST(turns > (visits_for_text + visits_for_memory) / (TurnBudget::turn_visits / 2));
  check_batch();
}

constexpr std::size_t log_ends[] = {0, 5, 79'000, 99'000, 123'456, 979'999, 980'000};
constexpr std::size_t others[] = {0, 1, 1'007, 21'000};

/// Numbers of seqs get one digit more before the batch, within it, or while it waits.
BOOST_DATA_TEST_CASE_F(EncodedBatchFixture,
                       entries_get_the_seqs_and_the_time_of_when_they_are_taken,
                       boost::unit_test::data::make(log_ends) *
                           boost::unit_test::data::make(others),
                       log_end, others_entries) {
  // The sanitizers make it slow: each log with one of the others.
  auto const at = std::ranges::find(log_ends, log_end) - std::begin(log_ends);
  auto const* const chosen = std::begin(others) + at % std::ssize(others);
  if (stele::test::is_sanitized_test && *chosen != others_entries) return;
  begin_behind(log_end);
  make_wait();
  others_write(others_entries);
  clock.wall += 1'234'567;
  take_batch();
  BOOST_TEST(log.payloads.size() == log_end + others_entries + entries_of_batch);
  check_batch();
}

BOOST_AUTO_TEST_CASE(a_log_that_grew_a_hundred_times_meanwhile_leaves_no_room_for_the_seqs) {
  make_wait();
  begin_behind(10'000'000);
  take_batch();
  check_batch();
}

BOOST_AUTO_TEST_CASE(a_clock_with_other_digits_is_written_all_the_same) {
  make_wait();
  clock.wall = 7;
  take_batch();
  check_batch();
}

BOOST_AUTO_TEST_CASE(a_batch_that_is_refused_at_last_leaves_nothing_for_the_next_write) {
  make_wait();
  log.refusal = stele::wal::Errc::no_space;
  take_batch();
  BOOST_TEST(log.groups == 0U);
  BOOST_TEST(stele::test::code_of(replies().at(0)) == "no_space");
  log.refusal = {};
  others_write(2);
  BOOST_TEST(log.payloads.at(0).find(R"("message":"m")") != std::string::npos);
  give(batch());
  take_turns();
  check_batch();
}

BOOST_AUTO_TEST_CASE(a_batch_that_the_full_disk_takes_back_was_never_there) {
  others_write(3);
  give(batch());
  take_turns();
  others_write(2);
  refuse_from(4);
  BOOST_TEST(store.text_bytes() == 3 * (log.payloads.at(0).size() + 1));
  others_write(2);
  give(batch());
  take_turns();
  BOOST_TEST(log.payloads.size() == 5 + entries_of_batch);
  check_batch();
}

BOOST_AUTO_TEST_SUITE_END()
