// AsyncClient with callbacks and futures; examples/async.cpp is its test with co_await.
#include "stele/async_client.hpp"

#include <signal.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "support/steled.hpp"
#include "support/temp_dir.hpp"
#include "support/wire_peer.hpp"

using namespace std::chrono_literals;
namespace asio = boost::asio;
using stele::AsyncClient;
using stele::ClientError;
using stele::Error;
using stele::Failure;
using stele::LogEntry;
using stele::Result;
using stele::test::Steled;
using stele::test::WirePeer;

namespace {

struct AsyncFixture {
  Steled daemon{};
  asio::io_context loop{};
  AsyncClient client{loop.get_executor()};

  AsyncFixture() {
    daemon.start();
    BOOST_REQUIRE(connect().has_value());
  }

  /// Runs the loop until the call has completed.
  template <class T>
  Result<T> finish(std::future<Result<T>> call) {
    loop.restart();
    while (call.wait_for(0s) != std::future_status::ready) BOOST_REQUIRE(loop.run_one() > 0U);
    return call.get();
  }

  Result<stele::ServerHello> connect() {
    return finish(client.async_connect({.socket_path = daemon.socket()}, asio::use_future));
  }
  Result<std::uint64_t> write(std::string message) {
    return finish(client.async_write_log({.message = std::move(message)}, asio::use_future));
  }
  std::vector<stele::StoredEntry> read_all() {
    return finish(client.async_read_logs({}, asio::use_future)).value().entries;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(async_client_test, AsyncFixture)

BOOST_AUTO_TEST_CASE(each_call_completes_with_what_the_sync_client_returns) {
  BOOST_TEST(write("a").value() == 1U);
  std::vector<LogEntry> const batch{{.message = "b"}, {.message = "c"}};
  auto const range = finish(client.async_write_many_logs(batch, asio::use_future)).value();
  BOOST_TEST((range == stele::SeqRange{.first_seq = 2, .last_seq = 3}));
  auto const page = finish(client.async_read_logs({.limit = 2}, asio::use_future)).value();
  BOOST_TEST(page.entries.size() == 2U);
  BOOST_TEST(!page.cursor.empty());
  BOOST_TEST(finish(client.async_ping(asio::use_future)).has_value());
  BOOST_TEST(finish(client.async_report_dropped(5, asio::use_future)).has_value());
  auto const audit = finish(client.async_audit_json(0, asio::use_future)).value();
  BOOST_TEST(audit.find("\"dropped\":5") != std::string::npos);
  BOOST_TEST(finish(client.async_stats_json(asio::use_future)).value().starts_with("{\""));
  BOOST_TEST((finish(client.async_write_log({.message = "\xff"}, asio::use_future)).error().code ==
              Error::invalid_entry));
}

BOOST_AUTO_TEST_CASE(calls_that_are_under_way_at_once_are_answered_in_their_order) {
  std::vector<std::uint64_t> seqs;
  for (int i = 0; i < 500; ++i) {
    client.async_write_log({.message = std::string(1000, 'm')},
                           [&](Result<std::uint64_t> seq) { seqs.push_back(seq.value()); });
  }
  BOOST_TEST(seqs.empty());
  loop.restart();
  loop.run();
  BOOST_REQUIRE(seqs.size() == 500U);
  for (std::uint64_t i = 0; i < seqs.size(); ++i) BOOST_TEST(seqs[i] == i + 1);
}

BOOST_AUTO_TEST_CASE(a_long_read_comes_whole) {
  std::vector<LogEntry> const batch(1000, LogEntry{.message = std::string(2000, 'm')});
  BOOST_TEST(finish(client.async_write_many_logs(batch, asio::use_future)).has_value());
  BOOST_TEST(read_all().size() == 1000U);
}

BOOST_AUTO_TEST_CASE(a_deadline_ends_the_call_and_leaves_the_connection_usable) {
  daemon.process().signal(SIGSTOP);
  auto write_call = client.until(5ms).async_write_log({.message = "late"}, asio::use_future);
  auto ping_call = client.until(5ms).async_ping(asio::use_future);
  BOOST_TEST((finish(std::move(write_call)).error().code == ClientError::outcome_unknown));
  BOOST_TEST((finish(std::move(ping_call)).error().code == ClientError::timed_out));
  daemon.process().signal(SIGCONT);
  BOOST_TEST(write("after").value() == 2U);
  BOOST_TEST(read_all().size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_cancelled_call_ends_at_once_and_the_others_go_on) {
  daemon.process().signal(SIGSTOP);
  asio::cancellation_signal signal;
  std::optional<Failure> cancelled;
  client.async_ping(asio::bind_cancellation_slot(
      signal.slot(), [&](Result<void> pinged) { cancelled = pinged.error(); }));
  auto other = client.async_ping(asio::use_future);
  signal.emit(asio::cancellation_type::terminal);
  BOOST_TEST(!cancelled.has_value());
  loop.restart();
  while (!cancelled) loop.run_one();
  BOOST_TEST((cancelled->code == ClientError::cancelled));
  daemon.process().signal(SIGCONT);
  BOOST_TEST(finish(std::move(other)).has_value());
  signal.emit(asio::cancellation_type::terminal);  // Nobody listens any more.
}

BOOST_AUTO_TEST_CASE(a_follow_goes_on_beside_other_calls_until_its_visitor_has_enough) {
  BOOST_TEST(write("before").has_value());
  std::vector<std::string> seen;
  auto follow = client.async_follow_logs(
      {.filter = {.min_level = stele::Level::warn}},
      [&](stele::FollowPart& part) {
        for (auto const& entry : part.entries) seen.push_back(entry.message);
        return seen.size() < 3;
      },
      asio::use_future);
  for (int i = 0; i < 3; ++i) {
    auto const warning = LogEntry{.level = stele::Level::warn, .message = std::to_string(i)};
    BOOST_TEST(finish(client.async_write_log(warning, asio::use_future)).has_value());
    BOOST_TEST(write("between").has_value());
  }
  auto const end = finish(std::move(follow)).value();
  BOOST_TEST(end.stopped);
  BOOST_TEST(end.last_seq >= 6U);
  BOOST_TEST((seen == std::vector<std::string>{"0", "1", "2"}));
  auto const warnings = finish(client.async_count_logs(
      {.filter = {.min_level = stele::Level::warn}, .bucket_us = UINT64_MAX}, asio::use_future));
  BOOST_TEST(warnings.value().count == 3U);
  BOOST_TEST((warnings.value().buckets == std::vector<stele::LogCount::Bucket>{{0, 3}}));
}

BOOST_AUTO_TEST_CASE(a_follow_ends_by_deadline_by_cancellation_and_with_the_daemon) {
  auto const endless = [](stele::FollowPart&) { return true; };
  auto const late = finish(client.until(20ms).async_follow_logs({}, endless, asio::use_future));
  BOOST_TEST((late.error().code == ClientError::timed_out));

  asio::cancellation_signal signal;
  std::optional<Failure> cancelled;
  auto const cancel_at_once = [&](stele::FollowPart&) {
    signal.emit(asio::cancellation_type::terminal);
    return true;
  };
  client.async_follow_logs(
      {}, cancel_at_once,
      asio::bind_cancellation_slot(signal.slot(),
                                   [&](Result<stele::FollowEnd> end) { cancelled = end.error(); }));
  loop.restart();
  while (!cancelled) loop.run_one();
  BOOST_TEST((cancelled->code == ClientError::cancelled));

  // The daemon has forgotten both: it has room for as many as one may have.
  std::size_t ended = 0;
  for (int i = 0; i < 16; ++i) {
    client.async_follow_logs(
        {}, endless, [&](Result<stele::FollowEnd> end) { ended += end && !end->stopped ? 1 : 0; });
  }
  BOOST_TEST(write("still usable").has_value());
  daemon.process().signal(SIGTERM);
  loop.restart();
  loop.run();
  BOOST_TEST(ended == 16U);
}

BOOST_AUTO_TEST_CASE(a_lost_connection_ends_every_call_and_the_client_can_connect_again) {
  daemon.process().signal(SIGSTOP);
  auto write_call = client.async_write_log({.message = "m"}, asio::use_future);
  auto ping_call = client.async_ping(asio::use_future);
  daemon.kill_hard();
  BOOST_TEST((finish(std::move(write_call)).error().code == ClientError::outcome_unknown));
  BOOST_TEST((finish(std::move(ping_call)).error().code == ClientError::connection_lost));
  BOOST_TEST((write("not connected").error().code == ClientError::connection_lost));
  BOOST_TEST((connect().error().code == ClientError::cannot_connect));
  daemon.start();
  BOOST_TEST(connect().has_value());
  BOOST_TEST(write("again").has_value());
}

BOOST_AUTO_TEST_CASE(a_client_that_is_destroyed_ends_its_calls) {
  daemon.process().signal(SIGSTOP);
  auto gone = std::make_optional<AsyncClient>(loop.get_executor());
  auto connecting = gone->async_connect({.socket_path = daemon.socket()}, asio::use_future);
  gone.reset();
  BOOST_TEST((finish(std::move(connecting)).error().code == ClientError::connection_lost));
  daemon.process().signal(SIGCONT);
}

BOOST_AUTO_TEST_CASE(a_loop_ends_when_no_call_is_under_way) {
  BOOST_TEST(write("m").has_value());
  loop.restart();
  BOOST_TEST(loop.run() == 0U);
}

/// What one call waits for, the next one may have taken: the first one's wait is then for nothing.
BOOST_AUTO_TEST_CASE(a_loop_ends_also_when_answers_were_taken_outside_of_it) {
  WirePeer peer(daemon.socket());
  peer.send(R"({"op":"hello","id":1})");
  auto const greeting = peer.receive().value();
  // Its answers come before it is asked.
  asio::io_context own;
  stele::test::TempDir folder;
  asio::local::stream_protocol::acceptor listener(own, folder / "early.sock");
  AsyncClient early(loop.get_executor());
  auto greeted = early.async_connect({.socket_path = folder / "early.sock"}, asio::use_future);
  auto answers = listener.accept();
  asio::write(answers, asio::buffer(stele::test::frame(greeting)));
  BOOST_TEST(finish(std::move(greeted)).has_value());

  auto first = early.async_ping(asio::use_future);
  asio::write(answers, asio::buffer(stele::test::frame(R"({"ok":true,"id":2})") +
                                    stele::test::frame(R"({"ok":true,"id":3})")));
  auto second = early.async_ping(asio::use_future);
  loop.restart();
  loop.run_for(stele::test::patience);
  BOOST_TEST(loop.stopped());
  BOOST_TEST(first.get().has_value());
  BOOST_TEST(second.get().has_value());
}

BOOST_AUTO_TEST_SUITE_END()
