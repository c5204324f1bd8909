// Loggers whose daemon is away, hangs or refuses: the program goes on, and what is lost is named.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "stele/buffered_logger.hpp"
#include "stele/client.hpp"
#include "support/scripted_daemon.hpp"
#include "support/steled.hpp"

using namespace std::chrono_literals;
using stele::BufferedLogger;
using stele::BufferedLoggerOptions;
using stele::ClientError;
using stele::Error;
using stele::test::ScriptedDaemon;
using stele::test::Steled;

namespace {

std::ptrdiff_t threads() {
  auto const tasks = std::filesystem::directory_iterator("/proc/self/task");
  return std::distance(begin(tasks), end(tasks));
}

/// Standard error of this process, as long as it lives.
class CapturedErrors {
 public:
  CapturedErrors() : before_(::dup(STDERR_FILENO)) {
    int const file = ::open(path().c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    ::dup2(file, STDERR_FILENO);
    ::close(file);
  }
  CapturedErrors(CapturedErrors const&) = delete;
  CapturedErrors& operator=(CapturedErrors const&) = delete;
  ~CapturedErrors() { end(); }

  std::string end() {
    if (before_ < 0) return {};
    ::dup2(before_, STDERR_FILENO);
    ::close(before_);
    before_ = -1;
    return stele::test::read_file(path());
  }

 private:
  std::string path() const { return directory_ / "stderr"; }

  stele::test::TempDir directory_{};
  int before_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(logger_trouble_test)

BOOST_AUTO_TEST_CASE(what_the_daemon_forbids_is_refused_in_batches_and_told_in_few_lines) {
  ScriptedDaemon daemon;
  daemon.refuse_writes("forbidden");
  CapturedErrors errors;
  {
    BufferedLogger logger({.socket_path = daemon.socket(), .batch_bytes = 64 << 10});
    for (int i = 0; i < 20'000; ++i) (void)logger.log({.message = "m"});
    auto const flushed = logger.flush(stele::test::patience);
    BOOST_TEST((!flushed && flushed.error().code == Error::forbidden));
    BOOST_TEST(logger.status().refused == 20'000U);
  }
  auto const lines = errors.end();
  BOOST_TEST(daemon.requests() < 500U);
  BOOST_TEST(lines.find("log entries are not stored: m\n") != std::string::npos);
  BOOST_TEST(std::count(lines.begin(), lines.end(), '\n') < 100);
}

BOOST_AUTO_TEST_CASE(what_an_observer_of_losses_throws_ends_there) {
  ScriptedDaemon daemon;
  daemon.refuse_writes("invalid_entry");
  std::uint64_t lost = 0;
  BufferedLogger logger({.socket_path = daemon.socket(),
                         .close_timeout = 0ms,
                         .on_loss = [&](std::uint64_t count, auto const&) {
                           lost += count;
                           throw 1;
                         }});
  for (int i = 0; i < 3; ++i) BOOST_TEST(logger.log({.message = "m"}).has_value());
  BOOST_TEST(!logger.flush(stele::test::patience).has_value());
  daemon.refuse_writes("");
  BOOST_TEST(logger.log({.message = "m"}).has_value());
  BOOST_TEST(logger.flush(stele::test::patience).has_value());
  BOOST_TEST(logger.close(stele::test::patience).has_value());
  BOOST_TEST(lost == 3U);
}

// Each of these calls has no limit, or one of an hour: that it returns at all is the proof.
BOOST_AUTO_TEST_CASE(nobody_waits_for_a_daemon_that_is_away) {
  stele::test::TempDir directory;
  std::vector<std::unique_ptr<BufferedLogger>> loggers;
  for (int i = 0; i < 3; ++i) {
    loggers.push_back(std::make_unique<BufferedLogger>(
        BufferedLoggerOptions{.socket_path = directory / std::to_string(i),
                              .buffer_bytes = 1000,
                              .full_timeout = 1h,
                              .close_timeout = 1h,
                              .on_loss = [](auto...) {}}));
  }
  for (auto const& logger : loggers) {
    std::uint64_t refused = 0;
    for (int i = 0; i < 100; ++i) refused += logger->log({.message = "m"}) ? 0 : 1;
    BOOST_TEST(refused > 0U);
    auto const flushed = logger->try_flush();
    BOOST_TEST((!flushed && flushed.error().code == ClientError::timed_out));
    BOOST_TEST(logger->status().refused == refused);
  }
}

BOOST_AUTO_TEST_CASE(a_daemon_that_hangs_is_waited_for_once_in_vain) {
  ScriptedDaemon daemon;
  daemon.hold_greeting();
  BufferedLogger logger({.socket_path = daemon.socket(),
                         .buffer_bytes = 1000,
                         .full_timeout = 1h,
                         .close_timeout = 0ms,
                         .on_loss = [](auto...) {}});
  BOOST_TEST(logger.log({.message = "m"}).has_value());
  BOOST_TEST(!logger.try_flush(20ms).has_value());
  BOOST_TEST(!logger.try_flush().has_value());
  stele::Result<void> logged;
  for (int i = 0; i < 100 && logged; ++i) logged = logger.log({.message = "m"});
  BOOST_TEST((!logged && logged.error().code == Error::overloaded));
}

BOOST_AUTO_TEST_CASE(a_burst_that_is_larger_than_the_buffer_is_taken_whole) {
  Steled daemon;
  daemon.start();
  BufferedLogger logger(
      {.socket_path = daemon.socket(), .buffer_bytes = 100'000, .full_timeout = 1h});
  std::uint64_t refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    refused += logger.log_line({.message = "a line of some words", .logger = "app"}) ? 0 : 1;
  }
  BOOST_TEST(refused == 0U);
  BOOST_TEST(logger.flush(stele::test::patience).has_value());
  BOOST_TEST(logger.status().stored == 20'000U);
  BOOST_TEST(logger.status().buffer_bytes_peak <= 100'000U);
  BOOST_TEST(logger.status().buffer_bytes == 0U);
}

BOOST_AUTO_TEST_CASE(a_burst_over_a_restart_of_the_daemon_is_taken_whole) {
  Steled daemon;
  daemon.start();
  BufferedLogger logger({.socket_path = daemon.socket(),
                         .buffer_bytes = 100'000,
                         .batch_bytes = 10'000,
                         .full_timeout = 1h});
  BOOST_TEST(logger.log({.message = "first"}).has_value());
  BOOST_TEST(logger.flush(stele::test::patience).has_value());
  std::uint64_t refused = 0;
  std::thread burst([&] {
    for (int i = 0; i < 20'000; ++i) refused += logger.log_line({.message = "a line"}) ? 0 : 1;
  });
  for (int i = 0; i < 3; ++i) {
    daemon.kill_hard();
    daemon.start();
  }
  burst.join();
  BOOST_TEST(refused == 0U);
  BOOST_TEST(logger.flush(stele::test::patience).has_value());
  BOOST_TEST(logger.status().stored == 20'001U);
}

BOOST_AUTO_TEST_CASE(loggers_of_a_process_share_a_connection_and_count_for_themselves) {
  Steled daemon;
  daemon.start();
  auto const before = threads();
  std::vector<std::unique_ptr<BufferedLogger>> loggers;
  for (int i = 0; i < 100; ++i) {
    loggers.push_back(std::make_unique<BufferedLogger>(
        BufferedLoggerOptions{.socket_path = daemon.socket(), .name = "shared"}));
    for (int n = 0; n <= i; ++n) BOOST_TEST(loggers.back()->log({.message = "m"}).has_value());
  }
  BOOST_TEST(threads() == before + 1);
  for (std::size_t i = 0; i < loggers.size(); ++i) {
    BOOST_TEST(loggers[i]->flush(stele::test::patience).has_value());
    BOOST_TEST(loggers[i]->status().stored == i + 1);
    BOOST_TEST(loggers[i]->status().connections == 1U);
    BOOST_TEST(loggers[i]->close(stele::test::patience).has_value());
    BOOST_TEST((loggers[i]->log({.message = "m"}).error().code == ClientError::connection_lost));
  }
  loggers.clear();
  // A thread that was joined is listed for a moment longer.
  auto const until = std::chrono::steady_clock::now() + stele::test::patience;
  while (threads() > before && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  BOOST_TEST(threads() == before);
  auto client = stele::Client::connect({.socket_path = daemon.socket()}).value();
  BOOST_TEST(client.count_logs({}).value().count == 5050U);
}

BOOST_AUTO_TEST_CASE(a_logger_that_others_outlive_leaves_its_entries_to_them) {
  Steled daemon;
  BufferedLoggerOptions const options{
      .socket_path = daemon.socket(), .close_timeout = 0ms, .on_loss = [](auto...) {}};
  BufferedLogger stays(options);
  {
    BufferedLogger leaves(options);
    BOOST_TEST(leaves.log({.message = "left behind"}).has_value());
    BOOST_TEST(!leaves.close(1ms).has_value());
    BOOST_TEST(leaves.status().waiting == 1U);
  }
  BOOST_TEST(stays.log({.message = "mine"}).has_value());
  daemon.start();
  BOOST_TEST(stays.flush(stele::test::patience).has_value());
  auto client = stele::Client::connect({.socket_path = daemon.socket()}).value();
  BOOST_TEST(client.count_logs({}).value().count == 2U);
}

BOOST_AUTO_TEST_CASE(what_the_daemon_or_a_socket_would_refuse_is_refused_by_the_constructor) {
  BufferedLoggerOptions const wrong[] = {{.name = "\xff"},
                                         {.name = std::string(257, 'x')},
                                         {.socket_path = std::string("/tmp/a\0b", 8)}};
  for (auto const& options : wrong) {
    BOOST_CHECK_EXCEPTION(BufferedLogger{options}, boost::system::system_error,
                          [](auto const& error) { return error.code() == Error::bad_request; });
  }
}

BOOST_AUTO_TEST_CASE(options_and_lines_at_their_ends_are_taken_or_refused_and_never_wait) {
  Steled daemon;
  daemon.start();
  for (std::size_t const batch_bytes : {std::size_t{0}, std::size_t{1}, SIZE_MAX}) {
    BufferedLogger logger({.socket_path = daemon.socket(),
                           .batch_bytes = batch_bytes,
                           .full_timeout = std::chrono::milliseconds::min(),
                           .close_timeout = std::chrono::milliseconds::min()});
    for (int i = 0; i < 3; ++i) BOOST_TEST(logger.log({.message = "m"}).has_value());
    auto const refused = logger.log_line({.level = static_cast<stele::Level>(99)});
    BOOST_TEST((!refused && refused.error().code == Error::invalid_entry));
    BOOST_TEST(logger.flush(stele::test::patience).has_value());
    BOOST_TEST(logger.status().stored == 3U);
  }
  BufferedLogger none({.socket_path = daemon.socket(), .buffer_bytes = 0});
  auto const refused = none.log({.message = "m"});
  BOOST_TEST((!refused && refused.error().code == Error::entry_too_large));
}

BOOST_AUTO_TEST_SUITE_END()
