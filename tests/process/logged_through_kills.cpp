#include "process/logged_through_kills.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <thread>
#include <vector>

#include "stele/client.hpp"
#include "support/environment.hpp"
#include "support/process_figures.hpp"

namespace stele::test {
namespace {

struct StoredEntryName {
  std::uint64_t seq;
  std::uint64_t thread;
  std::uint64_t number;
};

std::vector<StoredEntryName> read_in_order_of_seq(Steled const& daemon) {
  std::vector<StoredEntryName> found;
  auto client = Client::connect({.socket_path = daemon.socket()}).value();
  auto const take = [&](StoredEntry const& entry) {
    char* end = nullptr;
    auto const thread = std::strtoull(entry.message.c_str(), &end, 10);
    found.push_back({entry.seq, thread, std::strtoull(end, nullptr, 10)});
    return true;
  };
  BOOST_REQUIRE(client.read_logs({}, take).has_value());
  std::sort(found.begin(), found.end(), [](auto& a, auto& b) { return a.seq < b.seq; });
  return found;
}

}  // namespace

LoggedThroughKills::LoggedThroughKills()
    : entries_each_(number_from_environment("STELE_BUFFERED_ENTRIES", 20'000) / thread_count),
      kills_(number_from_environment("STELE_BUFFERED_KILLS", 3)) {}

std::string LoggedThroughKills::message(std::uint64_t thread, std::uint64_t number) {
  return std::to_string(thread) + " " + std::to_string(number) +
         " some words, as a log line has them, to be worth its while";
}

void LoggedThroughKills::log_with(BufferedLogger& logger,
                                  std::function<void(std::uint64_t, std::uint64_t)> const& log) {
  forget_peak(::getpid());
  auto const memory_before = figures_of(::getpid()).resident_bytes;
  auto const started = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (std::uint64_t thread = 0; thread < thread_count; ++thread) {
    threads.emplace_back([&log, thread, count = entries_each_] {
      for (std::uint64_t number = 0; number < count; ++number) log(thread, number);
    });
  }
  daemon.start();
  kill_and_restart(logger);
  for (auto& thread : threads) thread.join();
  BOOST_TEST(logger.flush(patience).has_value());
  auto const took = std::chrono::steady_clock::now() - started;
  took_ms_ = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
  memory_growth_ = figures_of(::getpid()).peak_bytes - memory_before;
}

void LoggedThroughKills::kill_and_restart(BufferedLogger const& logger) {
  auto const entries = entries_each_ * thread_count;
  for (std::uint64_t kill = 1; kill <= kills_; ++kill) {
    auto const deadline = std::chrono::steady_clock::now() + patience;
    while (logger.status().stored < kill * entries / (kills_ + 1) &&
           std::chrono::steady_clock::now() < deadline) {
      daemon.process().wait_for(std::chrono::microseconds(100));
    }
    daemon.kill_hard();
    daemon.start();
  }
}

void LoggedThroughKills::judge(std::string const& name, BufferedLoggerStatus const& status) {
  BOOST_TEST(status.stored == thread_count * entries_each_);
  BOOST_TEST(status.refused == 0U);
  BOOST_TEST(status.maybe_duplicated == 0U);
  BOOST_TEST(status.connections > kills_);
  BOOST_TEST(status.buffer_bytes_peak <= std::size_t{1} << 20);
  auto const stored = read_in_order_of_seq(daemon);
  BOOST_TEST(stored.size() == thread_count * entries_each_);
  std::vector<std::uint64_t> next(thread_count, 0);
  std::uint64_t out_of_order = 0;
  for (auto const& entry : stored) {
    BOOST_REQUIRE(entry.thread < thread_count);
    out_of_order += entry.number != next[entry.thread] ? 1 : 0;
    next[entry.thread] = entry.number + 1;
  }
  BOOST_TEST(out_of_order == 0U);
  for (auto const count : next) BOOST_TEST(count == entries_each_);
  std::cout << name << ": " << stored.size() << " entries of " << thread_count
            << " threads, each once and in order, over " << kills_ << " kills and "
            << status.connections << " connections; refused " << status.refused
            << "; batches answered as repeated " << status.repeated_batches << "; buffer at most "
            << status.buffer_bytes_peak << " bytes, resident memory grew by at most "
            << memory_growth_ << " bytes; " << took_ms_ << " ms\n";
}

}  // namespace stele::test
