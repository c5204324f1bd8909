// BufferedLogger against a daemon that comes and goes.
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>

#include "process/logged_through_kills.hpp"
#include "stele/buffered_logger.hpp"
#include "stele/client.hpp"
#include "support/steled.hpp"

using namespace std::chrono_literals;
using stele::BufferedLogger;
using stele::Client;
using stele::ClientError;
using stele::Error;
using stele::WhenFull;
using stele::test::LoggedThroughKills;
using stele::test::Steled;

namespace {

std::uint64_t member(std::string const& json, std::string const& name) {
  auto const at = json.find("\"" + name + "\":");
  BOOST_REQUIRE(at != json.npos);
  return std::stoull(json.substr(at + name.size() + 3));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(buffered_logger_test)

BOOST_AUTO_TEST_CASE(entries_of_8_threads_are_stored_once_and_in_order_while_the_daemon_is_killed) {
  LoggedThroughKills run;
  BufferedLogger logger({.socket_path = run.daemon.socket(),
                         .buffer_bytes = 1 << 20,
                         .batch_bytes = 64 << 10,
                         .when_full = WhenFull::block});
  run.log_with(logger, [&](std::uint64_t thread, std::uint64_t number) {
    (void)logger.log({.message = run.message(thread, number)});
  });
  run.judge("buffered_logger_test", logger.status());
}

BOOST_AUTO_TEST_CASE(after_a_flush_another_client_reads_what_was_logged) {
  Steled daemon;
  daemon.start();
  BufferedLogger logger({.socket_path = daemon.socket(), .name = "test"});
  BOOST_TEST(logger.log({.level = stele::Level::warn, .message = "m"}).has_value());
  BOOST_TEST(logger.log({.timestamp = 5, .message = "old"}).has_value());
  BOOST_REQUIRE(logger.flush().has_value());
  auto client = Client::connect({.socket_path = daemon.socket()}).value();
  auto const entries = client.read_logs(0, UINT64_MAX).value();
  BOOST_REQUIRE(entries.size() == 2U);
  BOOST_TEST(entries[0].timestamp == 5U);
  BOOST_TEST(entries[1].message == "m");
  BOOST_TEST(entries[1].timestamp > 1'600'000'000'000'000U);
}

BOOST_AUTO_TEST_CASE(a_daemon_that_is_down_stops_nobody_until_the_buffer_is_full) {
  Steled daemon;
  BufferedLogger logger(
      {.socket_path = daemon.socket(), .close_timeout = 0ms, .on_loss = [](auto...) {}});
  for (int i = 0; i < 100; ++i) BOOST_TEST(logger.log({.message = "m"}).has_value());
  auto const flushed = logger.flush(1ms);
  BOOST_REQUIRE(!flushed.has_value());
  BOOST_TEST((flushed.error().code == ClientError::timed_out));
  BOOST_TEST(logger.status().waiting == 100U);
  daemon.start();
  BOOST_TEST(logger.flush(stele::test::patience).has_value());
  BOOST_TEST(logger.status().stored == 100U);
}

BOOST_AUTO_TEST_CASE(what_a_full_buffer_refuses_is_counted_and_the_log_names_it) {
  Steled daemon;
  BufferedLogger logger(
      {.socket_path = daemon.socket(), .buffer_bytes = 800, .when_full = WhenFull::refuse});
  std::uint64_t refused = 0;
  for (int i = 0; i < 100; ++i) {
    auto const logged = logger.log({.message = "m"});
    if (logged) continue;
    ++refused;
    BOOST_TEST((logged.error().code == Error::overloaded));
  }
  BOOST_TEST(refused > 50U);
  BOOST_TEST(logger.status().refused == refused);
  daemon.start();
  BOOST_TEST(logger.close(stele::test::patience).has_value());
  auto client = Client::connect({.socket_path = daemon.socket()}).value();
  auto const audit = client.audit_json().value();
  BOOST_TEST(member(audit, "dropped") == refused);
  BOOST_TEST(member(audit, "present") == 100 - refused);
}

BOOST_AUTO_TEST_CASE(a_full_buffer_that_blocks_lets_go_at_the_deadline_and_at_the_close) {
  Steled daemon;
  std::uint64_t lost = 0;
  BufferedLogger logger({.socket_path = daemon.socket(),
                         .buffer_bytes = 200,
                         .when_full = WhenFull::block,
                         .on_loss = [&](std::uint64_t count, auto const&) { lost += count; }});
  BOOST_TEST(logger.log({.message = std::string(100, 'm')}).has_value());
  auto const logged = logger.log({.message = std::string(100, 'm')}, 1ms);
  BOOST_REQUIRE(!logged.has_value());
  BOOST_TEST((logged.error().code == ClientError::timed_out));
  stele::Result<void> blocked;
  std::thread thread([&] { blocked = logger.log({.message = std::string(100, 'm')}); });
  BOOST_TEST(!logger.close(1ms).has_value());
  thread.join();
  BOOST_TEST(!blocked.has_value());
  BOOST_TEST(lost == 1U);
  BOOST_TEST(logger.status().refused == 3U);
  BOOST_TEST(logger.close().has_value());
}

BOOST_AUTO_TEST_CASE(an_entry_that_breaks_a_rule_is_refused_by_the_call_or_by_the_next_flush) {
  Steled daemon("posix", {"--max-entry-bytes", "1000"});
  std::uint64_t lost = 0;
  BufferedLogger logger({.socket_path = daemon.socket(),
                         .on_loss = [&](std::uint64_t count, auto const&) { lost += count; }});
  BOOST_TEST((logger.log({.message = "\xff"}).error().code == Error::invalid_entry));
  // The daemon's limit is known once it has been asked.
  for (auto const* message : {"a", "b"}) {
    BOOST_TEST(logger.log({.message = message}).has_value());
    BOOST_TEST(logger.log({.message = std::string(2000, 'x')}).has_value());
  }
  daemon.start();
  auto const flushed = logger.flush(stele::test::patience);
  BOOST_REQUIRE(!flushed.has_value());
  BOOST_TEST((flushed.error().code == Error::entry_too_large));
  BOOST_TEST(logger.flush(stele::test::patience).has_value());
  BOOST_TEST(logger.status().stored == 2U);
  BOOST_TEST(logger.status().refused == 3U);
  BOOST_TEST(!logger.log({.message = std::string(2000, 'x')}).has_value());
  BOOST_TEST(logger.close(stele::test::patience).has_value());
  BOOST_TEST(lost == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
