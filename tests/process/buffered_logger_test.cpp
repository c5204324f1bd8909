// BufferedLogger against a daemon that comes and goes.
// STELE_BUFFERED_ENTRIES and STELE_BUFFERED_KILLS choose how many.
#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "stele/buffered_logger.hpp"
#include "stele/client.hpp"
#include "support/environment.hpp"
#include "support/steled.hpp"

using namespace std::chrono_literals;
using stele::BufferedLogger;
using stele::Client;
using stele::ClientError;
using stele::Error;
using stele::WhenFull;
using stele::test::number_from_environment;
using stele::test::Steled;

namespace {

constexpr std::uint64_t thread_count = 8;

/// A line of /proc/self/status, such as VmRSS, in bytes.
std::size_t memory_bytes(std::string const& name) {
  auto const status = stele::test::read_file("/proc/self/status");
  auto const at = status.find(name + ":");
  return std::stoull(status.substr(at + name.size() + 1)) * 1024;
}

/// From now on VmHWM is the peak.
void forget_memory_peak() { stele::test::write_file("/proc/self/clear_refs", "5"); }

/// Which thread wrote an entry, and which of its entries it is.
stele::LogEntry numbered_entry(std::uint64_t thread, std::uint64_t number) {
  return {.message = std::to_string(thread) + " " + std::to_string(number) +
                     " some words, as a log line has them, to be worth its while"};
}

std::vector<std::thread> start_logging(BufferedLogger& logger, std::uint64_t entries_each) {
  std::vector<std::thread> threads;
  for (std::uint64_t thread = 0; thread < thread_count; ++thread) {
    threads.emplace_back([&logger, thread, entries_each] {
      for (std::uint64_t i = 0; i < entries_each; ++i) (void)logger.log(numbered_entry(thread, i));
    });
  }
  return threads;
}

struct Stored {
  std::uint64_t seq;
  std::uint64_t thread;
  std::uint64_t number;
};

std::vector<Stored> read_in_order_of_seq(Steled const& daemon) {
  std::vector<Stored> found;
  auto client = Client::connect({.socket_path = daemon.socket()}).value();
  auto const take = [&](stele::StoredEntry const& entry) {
    char* end = nullptr;
    auto const thread = std::strtoull(entry.message.c_str(), &end, 10);
    found.push_back({entry.seq, thread, std::strtoull(end, nullptr, 10)});
    return true;
  };
  BOOST_REQUIRE(client.read_logs({}, take).has_value());
  std::sort(found.begin(), found.end(), [](auto& a, auto& b) { return a.seq < b.seq; });
  return found;
}

void check_each_once_in_order(std::vector<Stored> const& stored, std::uint64_t entries_each) {
  std::vector<std::uint64_t> next(thread_count, 0);
  std::uint64_t out_of_order = 0;
  for (auto const& entry : stored) {
    BOOST_REQUIRE(entry.thread < thread_count);
    out_of_order += entry.number != next[entry.thread] ? 1 : 0;
    next[entry.thread] = entry.number + 1;
  }
  BOOST_TEST(out_of_order == 0U);
  BOOST_TEST(stored.size() == thread_count * entries_each);
  for (auto const count : next) BOOST_TEST(count == entries_each);
}

std::uint64_t member(std::string const& json, std::string const& name) {
  auto const at = json.find("\"" + name + "\":");
  BOOST_REQUIRE(at != json.npos);
  return std::stoull(json.substr(at + name.size() + 3));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(buffered_logger_test)

BOOST_AUTO_TEST_CASE(entries_of_8_threads_are_stored_once_and_in_order_while_the_daemon_is_killed) {
  auto const entries = number_from_environment("STELE_BUFFERED_ENTRIES", 20'000);
  auto const kills = number_from_environment("STELE_BUFFERED_KILLS", 3);
  auto const entries_each = entries / thread_count;
  Steled daemon("posix", {"--retain-bytes", "0"});
  forget_memory_peak();
  auto const resident_before = memory_bytes("VmRSS");
  BufferedLogger logger({.socket_path = daemon.socket(), .buffer_bytes = 1 << 20});
  auto const started = std::chrono::steady_clock::now();
  auto threads = start_logging(logger, entries_each);
  daemon.start();
  for (std::uint64_t kill = 1; kill <= kills; ++kill) {
    auto const deadline = std::chrono::steady_clock::now() + stele::test::patience;
    while (logger.status().stored < kill * entries / (kills + 1) &&
           std::chrono::steady_clock::now() < deadline) {
      daemon.process().wait_for(100us);
    }
    daemon.kill_hard();
    daemon.start();
  }
  for (auto& thread : threads) thread.join();
  BOOST_TEST(logger.flush(stele::test::patience).has_value());
  auto const took = std::chrono::steady_clock::now() - started;
  auto const status = logger.status();
  auto const resident = memory_bytes("VmHWM") - resident_before;
  BOOST_TEST(status.stored == thread_count * entries_each);
  BOOST_TEST(status.refused == 0U);
  BOOST_TEST(status.unsure == 0U);
  BOOST_TEST(status.connections > kills);
  BOOST_TEST(status.buffer_bytes_peak <= std::size_t{1} << 20);
  check_each_once_in_order(read_in_order_of_seq(daemon), entries_each);
  std::cout << "buffered_logger_test: " << status.stored << " entries of " << thread_count
            << " threads, each once and in order, over " << kills << " kills and "
            << status.connections << " connections; " << status.repeated_batches
            << " batches were answered as repeated; buffer at most " << status.buffer_bytes_peak
            << " bytes, resident memory grew by " << resident << "; "
            << std::chrono::duration_cast<std::chrono::milliseconds>(took).count() << " ms\n";
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
      {.socket_path = daemon.socket(), .buffer_bytes = 1000, .when_full = WhenFull::refuse});
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
