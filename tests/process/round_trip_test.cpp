// What is written through the client library is what is read, before and after a restart.
#include <signal.h>
#include <unistd.h>

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "stele/client.hpp"
#include "support/steled.hpp"

using stele::Client;
using stele::Level;
using stele::LogEntry;
using stele::StoredEntry;
using stele::test::Steled;

namespace {

Client connect_to(Steled const& daemon) {
  return Client::connect({.socket_path = daemon.socket(), .name = "test"}).value();
}

std::vector<StoredEntry> read_all(Client& client) {
  return client.read_logs(0, std::numeric_limits<std::uint64_t>::max()).value();
}

/// Entries that use every freedom of the data model.
std::vector<LogEntry> varied_entries() {
  return {
      {.timestamp = 0, .level = Level::trace, .message = ""},
      {.timestamp = 1,
       .level = Level::debug,
       .message = "line one\nline two\r\n\ttab \"quoted\" \\"},
      {.timestamp = 2, .message = std::string("nul \0 inside, bell \a", 20)},
      {.timestamp = 3, .level = Level::warn, .message = "größe 木 \xF0\x9F\xAA\xB5 \xE2\x80\xA8"},
      {.timestamp = 4,
       .level = Level::error,
       .message = "numbers",
       .metadata = R"({"z":1.0,"a":0.10,"big":123456789012345678901234567890,"e":-1E+2,"z2":-0})"},
      {.timestamp = 5,
       .level = Level::fatal,
       .message = "nesting",
       .metadata = R"({"list":[1,[2,{"three":null}]],"yes":true,"text":"\u0000\ud83d\ude00"})"},
      {.timestamp = std::numeric_limits<std::uint64_t>::max(),
       .message = std::string(100'000, 'x')},
  };
}

}  // namespace

BOOST_AUTO_TEST_SUITE(round_trip_test)

BOOST_DATA_TEST_CASE(entries_come_back_as_written_and_stay_so_after_a_restart,
                     stele::test::backends(), backend) {
  Steled daemon(backend);
  daemon.start();
  auto const entries = varied_entries();
  std::vector<StoredEntry> stored;
  {
    auto client = connect_to(daemon);
    for (auto const& entry : entries) client.write_log(entry).value();
    stored = read_all(client);
  }
  BOOST_REQUIRE_EQUAL(stored.size(), entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    BOOST_TEST_CONTEXT("entry " << i) {
      BOOST_TEST(stored[i].seq == i + 1);
      BOOST_TEST(stored[i].timestamp == *entries[i].timestamp);
      BOOST_TEST((stored[i].level == entries[i].level));
      BOOST_TEST(stored[i].message == entries[i].message);
      if (i != 5) BOOST_TEST(stored[i].metadata == entries[i].metadata);
      BOOST_TEST(stored[i].origin.pid == ::getpid());
      BOOST_TEST(stored[i].origin.uid == ::getuid());
      BOOST_TEST(stored[i].origin.gid == ::getgid());
    }
  }
  BOOST_TEST(daemon.stop() == 0);
  daemon.start();
  auto client = connect_to(daemon);
  BOOST_TEST((read_all(client) == stored));
  BOOST_TEST(client.write_log({.message = "next"}).value() == entries.size() + 1);
}

BOOST_AUTO_TEST_CASE(a_batch_gets_consecutive_seqs) {
  Steled daemon;
  daemon.start();
  auto client = connect_to(daemon);
  std::vector<LogEntry> const entries(10'000, LogEntry{.message = "one of many"});
  BOOST_TEST(client.write_log({.message = "first"}).value() == 1U);
  auto const range = client.write_many_logs(entries).value();
  BOOST_TEST(range.first_seq == 2U);
  BOOST_TEST(range.last_seq == 10'001U);
  BOOST_TEST(read_all(client).size() == 10'001U);
}

BOOST_AUTO_TEST_CASE(an_entry_without_timestamp_gets_the_time_of_receipt) {
  Steled daemon;
  daemon.start();
  auto client = connect_to(daemon);
  auto const now = [] {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                          std::chrono::system_clock::now().time_since_epoch())
                                          .count());
  };
  auto const before = now();
  client.write_log({.message = "when"}).value();
  auto const after = now();
  auto const stored = read_all(client).at(0);
  BOOST_TEST(stored.timestamp >= before);
  BOOST_TEST(stored.timestamp <= after);
}

BOOST_AUTO_TEST_CASE(hello_tells_a_store_id_that_survives_a_restart) {
  Steled daemon;
  daemon.start();
  auto const store_id = connect_to(daemon).hello().store_id;
  BOOST_TEST(!store_id.empty());
  BOOST_TEST(daemon.stop() == 0);
  daemon.start();
  BOOST_TEST(connect_to(daemon).hello().store_id == store_id);
  Steled other;
  other.start();
  BOOST_TEST(connect_to(other).hello().store_id != store_id);
}

BOOST_AUTO_TEST_CASE(a_refused_entry_leaves_the_client_usable) {
  Steled daemon;
  daemon.start();
  auto client = connect_to(daemon);
  auto const limit = client.hello().entry_bytes_max;
  BOOST_TEST(client.write_log({.message = std::string(limit, 'x')}).has_value());
  auto const refused = client.write_log({.message = std::string(limit + 1, 'x')});
  BOOST_REQUIRE(refused.has_error());
  BOOST_TEST((refused.error().code == stele::Error::entry_too_large));
  BOOST_TEST(client.write_log({.message = "next"}).value() == 2U);
}

BOOST_AUTO_TEST_CASE(reads_counts_and_follows_keep_to_their_filter) {
  Steled daemon;
  daemon.start();
  auto client = connect_to(daemon);
  std::vector<LogEntry> const entries{
      {.timestamp = 10, .level = Level::warn, .message = "disk full", .metadata = R"({"d":"a"})"},
      {.timestamp = 20, .level = Level::info, .message = "disk fine", .metadata = R"({"d":"b"})"},
      {.timestamp = 30, .level = Level::error, .message = "fan lost", .metadata = R"({"d":"a"})"}};
  BOOST_REQUIRE(client.write_many_logs(entries).has_value());
  auto const seqs = [&](stele::EntryFilter const& filter) {
    std::vector<std::uint64_t> found;
    auto const visit = [&](StoredEntry const& entry) {
      found.push_back(entry.seq);
      return true;
    };
    BOOST_REQUIRE(client.read_logs({.filter = filter}, visit).has_value());
    BOOST_TEST(client.count_logs({.filter = filter}).value().count == found.size());
    std::vector<std::uint64_t> followed;
    auto const follow = [&](stele::FollowPart const& part) {
      for (auto const& entry : part.entries) followed.push_back(entry.seq);
      return !part.caught_up;
    };
    auto const end = client.follow_logs({.filter = filter}, follow);
    BOOST_TEST((end.value().stopped && end.value().last_seq == 3));
    BOOST_TEST((followed == found));
    return found;
  };
  using Seqs = std::vector<std::uint64_t>;
  BOOST_TEST((seqs({}) == Seqs{1, 2, 3}));
  BOOST_TEST((seqs({.min_level = Level::warn}) == Seqs{1, 3}));
  BOOST_TEST((seqs({.contains = "disk", .after_seq = 1}) == Seqs{2}));
  BOOST_TEST((seqs({.where = R"({"d":"a"})", .uid = ::getuid()}) == Seqs{1, 3}));
  BOOST_TEST((seqs({.pid = ::getpid() + 1}) == Seqs{}));
  BOOST_TEST((client.count_logs({.start_ts = 20, .bucket_us = 25}).value().buckets ==
              std::vector<stele::LogCount::Bucket>{{0, 1}, {25, 1}}));
  BOOST_TEST(
      (client.count_logs({.filter = {.where = "[]"}}).error().code == stele::Error::bad_request));
}

BOOST_AUTO_TEST_CASE(a_numbered_write_is_stored_once_over_connections) {
  Steled daemon;
  daemon.start();
  stele::ClientOptions const options{.socket_path = daemon.socket(),
                                     .writer = stele::random_writer()};
  std::vector<LogEntry> const batch{{.message = "a"}, {.message = "b"}};
  std::optional<std::uint64_t> known;
  for (int connection = 0; connection < 3; ++connection) {
    auto client = Client::connect(options).value();
    BOOST_TEST((client.hello().last_write_no == known));
    auto const range = client.write_once(batch, 1).value();
    BOOST_TEST((range == stele::SeqRange{.first_seq = 1, .last_seq = 2}));
    known = 1;
    daemon.kill_hard();
    daemon.start();
  }
  auto client = Client::connect(options).value();
  BOOST_TEST((client.write_once({batch.data(), 1}, 1).error().code == stele::Error::id_conflict));
  BOOST_TEST((client.write_once(batch, 0).error().code == stele::Error::bad_request));
  BOOST_TEST((connect_to(daemon).write_once(batch, 2).error().code == stele::Error::bad_request));
  BOOST_TEST(read_all(client).size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_follow_ends_at_its_deadline_and_the_client_stays_usable) {
  Steled daemon;
  daemon.start();
  auto client = connect_to(daemon);
  int parts = 0;
  auto const count_parts = [&](stele::FollowPart const&) { return ++parts > 0; };
  auto const end = client.follow_logs({}, count_parts, std::chrono::milliseconds(50));
  BOOST_TEST((end.error().code == stele::ClientError::timed_out));
  BOOST_TEST(parts == 1);
  BOOST_TEST(client.write_log({.message = "after"}).value() == 1U);
  BOOST_TEST(parts == 1);
}

BOOST_AUTO_TEST_CASE(a_lost_daemon_is_told_apart_from_a_refusal) {
  Steled daemon;
  daemon.start();
  auto client = connect_to(daemon);
  daemon.kill_hard();
  auto const lost = client.write_log({.message = "to nobody"});
  BOOST_REQUIRE(lost.has_error());
  BOOST_TEST((lost.error().code == stele::ClientError::outcome_unknown ||
              lost.error().code == stele::ClientError::connection_lost));
}

BOOST_AUTO_TEST_CASE(a_call_ends_at_its_deadline_and_says_what_is_known) {
  using namespace std::chrono_literals;
  Steled daemon;
  daemon.start();
  auto passed = connect_to(daemon);
  auto writing = connect_to(daemon);
  auto reading = connect_to(daemon);
  BOOST_TEST(writing.write_log({.message = "in time"}, stele::test::patience).has_value());
  auto const never_sent = passed.write_log({.message = "too late"}, 0ms);
  BOOST_TEST((never_sent.error().code == stele::ClientError::timed_out));
  BOOST_TEST(passed.ping(stele::test::patience).has_value());

  daemon.process().signal(SIGSTOP);
  auto const write = writing.write_log({.message = "nobody listens"}, 5ms);
  BOOST_TEST((write.error().code == stele::ClientError::outcome_unknown));
  auto const read = reading.read_logs(0, 1, 5ms);
  BOOST_TEST((read.error().code == stele::ClientError::timed_out));
  daemon.process().signal(SIGCONT);
}

BOOST_AUTO_TEST_SUITE_END()
