// What a program does with its signals, descriptors, threads and its end is its own business: the
// library goes along with it.
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "stele/buffered_logger.hpp"
#include "stele/client.hpp"
#include "stele/follower.hpp"
#include "stele/stele.h"
#include "support/child_process.hpp"
#include "support/huge_pages.hpp"
#include "support/scripted_daemon.hpp"
#include "support/steled.hpp"

using namespace std::chrono_literals;
using stele::BufferedLogger;
using stele::Client;
using stele::ClientError;
using stele::Metadata;
using stele::test::ScriptedDaemon;
using stele::test::in_a_child;
using stele::test::Steled;

namespace {

/// Of each thread of this process but the one that asks: whether it takes SIGTERM.
std::vector<bool> others_take_sigterm() {
  std::vector<bool> takes;
  for (auto const& task : std::filesystem::directory_iterator("/proc/self/task")) {
    if (task.path().filename() == std::to_string(::gettid())) continue;
    std::ifstream status{task.path() / "status"};
    std::string word;
    while (status >> word && word != "SigBlk:") continue;
    if (!(status >> word)) continue;
    takes.push_back((std::stoull(word, nullptr, 16) & (1ULL << (SIGTERM - 1))) == 0);
  }
  return takes;
}

/// Whether this thread of the process waits for something; 0: there is none yet.
bool sleeps(pid_t thread) {
  auto const stat = stele::test::read_file("/proc/self/task/" + std::to_string(thread) + "/stat");
  auto const end_of_name = stat.rfind(')');
  return end_of_name != std::string::npos && stat.substr(end_of_name, 3) == ") S";
}

struct StartedDaemon : Steled {
  StartedDaemon() { start(); }
  std::uint64_t count() const {
    return Client::connect({.socket_path = socket()}).value().count_logs({}).value().count;
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(host_program_test)

BOOST_AUTO_TEST_CASE(a_daemon_that_never_answers_is_waited_for_as_long_as_connect_may_take) {
  ScriptedDaemon daemon;
  daemon.hold_greeting();
  auto const client = Client::connect({.socket_path = daemon.socket(), .connect_timeout = 20ms});
  BOOST_TEST((!client && client.error().code == ClientError::timed_out));
  stele_client_options options = STELE_CLIENT_OPTIONS;
  auto const socket = daemon.socket();
  options.socket_path = socket.c_str();
  options.connect_timeout_ms = 20;
  stele_client* in_c = nullptr;
  BOOST_TEST(stele_client_open_with(&options, &in_c) == STELE_TIMED_OUT);
}

BOOST_AUTO_TEST_CASE(threads_of_the_library_take_no_signals_so_that_the_programs_own_sigwait_does) {
  StartedDaemon daemon;
  int const ended = in_a_child([&] {
    BufferedLogger logger({.socket_path = daemon.socket()});
    if (!logger.log({.message = "m"}) || !logger.flush()) return 1;
    auto const takes = others_take_sigterm();
    if (takes.empty() || std::ranges::count(takes, true) > 0) return 2;
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, nullptr);
    ::kill(::getpid(), SIGTERM);
    int signal = 0;
    return sigwait(&term, &signal) == 0 && signal == SIGTERM ? 0 : 3;
  });
  BOOST_TEST(ended == 0);
}

BOOST_AUTO_TEST_CASE(the_thread_of_a_logger_comes_behind_those_of_the_program) {
  StartedDaemon daemon;
  int const ended = in_a_child([&] {
    auto const priority = [](pid_t thread) {
      return ::getpriority(PRIO_PROCESS, static_cast<id_t>(thread));
    };
    BufferedLogger logger({.socket_path = daemon.socket()});
    if (!logger.log({.message = "m"}) || !logger.flush()) return 1;
    int others = 0;
    for (auto const& task : std::filesystem::directory_iterator("/proc/self/task")) {
      auto const thread = std::stoi(task.path().filename().string());
      if (thread == ::gettid()) continue;
      ++others;
      if (priority(thread) <= priority(::gettid())) return 2;
    }
    return others == 1 ? 0 : 3;
  });
  BOOST_TEST(ended == 0);
}

BOOST_AUTO_TEST_CASE(a_socket_never_takes_the_place_of_a_standard_descriptor) {
  StartedDaemon daemon;
  int const ended = in_a_child([&] {
    for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::close(fd);
    auto client = Client::connect({.socket_path = daemon.socket()});
    BufferedLogger logger({.socket_path = daemon.socket()});
    if (!client || !logger.log({.message = "m"}) || !logger.flush()) return 1;
    std::fprintf(stderr, "nobody reads this\n");
    std::printf("nor this\n");
    std::fflush(stdout);
    for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
      if (std::filesystem::exists("/proc/self/fd/" + std::to_string(fd))) return 2;
    }
    return client->ping() && logger.log({.message = "m"}) && logger.flush() ? 0 : 3;
  });
  BOOST_TEST(ended == 0);
  BOOST_TEST(daemon.count() == 2U);
}

BOOST_AUTO_TEST_CASE(a_followers_descriptors_never_take_the_place_of_a_standard_one) {
  StartedDaemon daemon;
  int const ended = in_a_child([&] {
    for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::close(fd);
    stele::Follower follower({.socket_path = daemon.socket()});
    auto const take = [](stele::FollowPart&) { return false; };
    std::fprintf(stderr, "no wake-up\n");
    if (!follower.run(take)) return 1;
    for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
      if (std::filesystem::exists("/proc/self/fd/" + std::to_string(fd))) return 2;
    }
    return 0;
  });
  BOOST_TEST(ended == 0);
}

BOOST_AUTO_TEST_CASE(what_was_logged_before_quick_exit_is_stored) {
  StartedDaemon daemon;
  int const ended = in_a_child([&] {
    auto& logger = *new BufferedLogger({.socket_path = daemon.socket()});
    for (int i = 0; i < 100; ++i) (void)logger.log({.message = "m"});
    std::quick_exit(7);
    return 0;
  });
  BOOST_TEST(ended == 7);
  BOOST_TEST(daemon.count() == 100U);
}

// The other thread's entries come first by their time, and there are many; each is a batch.
BOOST_AUTO_TEST_CASE(a_flush_waits_for_what_its_thread_logged_and_not_for_as_much_of_others) {
  Steled daemon;
  BufferedLogger logger({.socket_path = daemon.socket(), .batch_bytes = 1});
  BOOST_TEST(logger.log({.timestamp = 100, .message = "first"}).has_value());
  std::this_thread::sleep_for(50ms);  // It is on its way now, and what follows is not.
  BOOST_TEST(logger.log({.timestamp = 100, .message = "mine"}).has_value());
  bool is_flushed = false;
  std::uint64_t mine = 0;
  std::atomic<pid_t> flusher{0};
  std::thread flushes([&] {
    flusher = ::gettid();
    is_flushed = logger.flush(stele::test::patience).has_value();
    auto client = Client::connect({.socket_path = daemon.socket()}).value();
    mine = client.count_logs({.filter = {.contains = "mine"}}).value().count;
  });
  while (!sleeps(flusher)) std::this_thread::yield();  // Until the flush has begun.
  std::thread other([&] {
    for (int i = 0; i < 200; ++i) (void)logger.log({.timestamp = 1, .message = "theirs"});
  });
  other.join();
  daemon.start();  // It ends with the thread that started it: this one.
  flushes.join();
  BOOST_TEST(is_flushed);
  BOOST_TEST(mine == 1U);
  BOOST_TEST(logger.flush(stele::test::patience).has_value());
  BOOST_TEST(logger.status().stored == 202U);
  BOOST_TEST(logger.status().buffer_bytes == 0U);
}

BOOST_AUTO_TEST_CASE(threads_that_come_and_go_leave_all_they_logged_and_no_memory_in_use) {
  StartedDaemon daemon;
  BufferedLogger logger({.socket_path = daemon.socket(), .buffer_bytes = 200'000});
  for (int round = 0; round < 20; ++round) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 20; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 50; ++n) (void)logger.log_line({.message = "line", .logger = "app"});
      });
    }
    for (auto& thread : threads) thread.join();
  }
  BOOST_TEST(logger.flush(stele::test::patience).has_value());
  auto const status = logger.status();
  BOOST_TEST(status.stored == 20'000U);
  BOOST_TEST(status.refused == 0U);
  BOOST_TEST(status.buffer_bytes == 0U);
  BOOST_TEST(status.buffer_bytes_peak <= 200'000U);
}

BOOST_AUTO_TEST_CASE(a_burst_lies_in_huge_pages_and_a_few_lines_do_not) {
  auto const before = stele::test::huge_page_bytes();
  stele::test::TempDir directory;
  {
    BufferedLogger logger({.socket_path = directory / "nobody", .close_timeout = 0ms});
    std::string const message(1000, 'm');
    for (int i = 0; i < 100; ++i) (void)logger.log({.message = message});
    if (before) BOOST_TEST(*stele::test::huge_page_bytes() == *before);
    for (int i = 0; i < 20'000; ++i) (void)logger.log({.message = message});
    if (before) BOOST_TEST(*stele::test::huge_page_bytes() >= *before + (std::size_t{16} << 20));
    BOOST_TEST(logger.status().refused == 0U);
  }
  BOOST_TEST((stele::test::huge_page_bytes() == before));
}

BOOST_AUTO_TEST_CASE(entries_from_parts_and_moments_are_what_they_say) {
  StartedDaemon daemon;
  auto client = Client::connect({.socket_path = daemon.socket()}).value();
  BOOST_TEST(
      client.write_log(stele::Level::warn, "direct", Metadata{}.add("n", 1)).value() == 1U);
  BufferedLogger logger({.socket_path = daemon.socket()});
  auto const before = std::chrono::system_clock::now() - 1us;
  BOOST_TEST(logger.log(stele::Level::error, "buffered\xff", Metadata{}.add("n", 2)).has_value());
  BOOST_TEST(logger.log(stele::Level::info, "plain").has_value());
  auto const refused = logger.log(static_cast<stele::Level>(99), "m");
  BOOST_TEST((!refused && refused.error().code == stele::Error::invalid_entry));
  Metadata const context = Metadata{}.add("request", "r1");
  BOOST_TEST(logger.log_line({.time = std::chrono::system_clock::now(),
                              .message = "line",
                              .context = &context})
                 .has_value());
  BOOST_TEST(logger.flush(stele::test::patience).has_value());
  auto const entries = client.read_logs(before, std::chrono::system_clock::now()).value();
  BOOST_REQUIRE(entries.size() == 3U);
  BOOST_TEST(entries[0].message == "buffered\xef\xbf\xbd");
  BOOST_TEST(entries[0].metadata == R"({"n":2})");
  BOOST_TEST((entries[0].level == stele::Level::error));
  BOOST_TEST(entries[1].metadata == "{}");
  BOOST_TEST(entries[2].metadata == R"({"thread":0,"context":{"request":"r1"}})");
}

BOOST_AUTO_TEST_SUITE_END()
