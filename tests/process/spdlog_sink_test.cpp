// What a program logs with spdlog, in the log.
#include "stele/spdlog_sink.hpp"

#include <spdlog/async.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/dist_sink.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "process/logged_through_kills.hpp"
#include "stele/client.hpp"

using namespace std::chrono_literals;
using stele::SpdlogSink;
using stele::SpdlogSinkOptions;
using stele::test::LoggedThroughKills;
using stele::test::Steled;

BOOST_AUTO_TEST_SUITE(spdlog_sink_test)

namespace {

std::vector<stele::StoredEntry> read_all(Steled const& daemon) {
  auto client = stele::Client::connect({.socket_path = daemon.socket()}).value();
  return client.read_logs(0, UINT64_MAX).value();
}

SpdlogSinkOptions to(Steled const& daemon) { return {.buffer = {.socket_path = daemon.socket()}}; }

struct StartedDaemon : Steled {
  StartedDaemon() { start(); }
};

}  // namespace

BOOST_AUTO_TEST_CASE(level_logger_thread_and_source_arrive_as_metadata) {
  StartedDaemon daemon;
  spdlog::logger log("app", std::make_shared<SpdlogSink>(to(daemon)));
  log.set_level(spdlog::level::trace);
  log.log(spdlog::source_loc{"main.cpp", 12, "run"}, spdlog::level::critical, "no {}", "disk");
  log.trace("bytes \xff");
  log.set_level(spdlog::level::info);
  log.debug("not wanted");
  log.flush();
  auto const entries = read_all(daemon);
  BOOST_REQUIRE(entries.size() == 2U);
  BOOST_TEST(entries[0].message == "no disk");
  BOOST_TEST((entries[0].level == stele::Level::fatal));
  auto const thread = std::to_string(spdlog::details::os::thread_id());
  BOOST_TEST(entries[0].metadata ==
             R"({"logger":"app","thread":)" + thread +
                 R"(,"source":{"file":"main.cpp","line":12,"function":"run"}})");
  BOOST_TEST(entries[1].message == "bytes \xef\xbf\xbd");
  BOOST_TEST((entries[1].level == stele::Level::trace));
  BOOST_TEST(entries[1].metadata == R"({"logger":"app","thread":)" + thread + "}");
}

BOOST_AUTO_TEST_CASE(each_level_of_spdlog_has_its_level) {
  StartedDaemon daemon;
  spdlog::logger log("", std::make_shared<SpdlogSink>(to(daemon)));
  log.set_level(spdlog::level::trace);
  for (auto const level : {spdlog::level::trace, spdlog::level::debug, spdlog::level::info,
                           spdlog::level::warn, spdlog::level::err, spdlog::level::critical}) {
    log.log(level, "m");
  }
  log.flush();
  std::string levels;
  for (auto const& entry : read_all(daemon)) levels += std::string(to_string(entry.level)) + " ";
  BOOST_TEST(levels == "trace debug info warn error fatal ");
}

BOOST_AUTO_TEST_CASE(flush_on_a_level_returns_when_it_is_on_disk) {
  StartedDaemon daemon;
  auto sink = std::make_shared<SpdlogSink>(to(daemon));
  spdlog::logger log("app", sink);
  log.flush_on(spdlog::level::err);
  log.info("a");
  log.error("b");
  BOOST_TEST(sink->logger().status().stored == 2U);
}

BOOST_AUTO_TEST_CASE(an_async_logger_works_and_its_entries_have_the_threads_that_logged_them) {
  StartedDaemon daemon;
  spdlog::init_thread_pool(1000, 1);
  auto log = spdlog::create_async<SpdlogSink>("async", to(daemon));
  for (int i = 0; i < 100; ++i) log->info("line {}", i);
  spdlog::drop("async");
  log.reset();
  spdlog::shutdown();  // Ends the pool, and with it the sink, which stores what is left.
  auto const entries = read_all(daemon);
  BOOST_REQUIRE(entries.size() == 100U);
  BOOST_TEST(entries[99].message == "line 99");
  auto const thread = std::to_string(spdlog::details::os::thread_id());
  BOOST_TEST(entries[99].metadata == R"({"logger":"async","thread":)" + thread + "}");
}

BOOST_AUTO_TEST_CASE(a_daemon_that_is_down_costs_entries_that_are_counted_and_not_the_program) {
  Steled daemon;
  auto options = to(daemon);
  options.buffer.buffer_bytes = 2000;
  int errors = 0;
  options.on_failure = [&](stele::Failure const&) { ++errors; };
  auto sink = std::make_shared<SpdlogSink>(options);
  spdlog::logger log("app", sink);
  for (int i = 0; i < 100; ++i) log.info("line {}", i);
  log.flush();
  auto const refused = sink->logger().status().refused;
  BOOST_TEST(refused > 0U);
  BOOST_TEST(errors == static_cast<int>(refused) + 1);
  daemon.start();
  BOOST_TEST(sink->logger().close(stele::test::patience).has_value());
  BOOST_TEST(read_all(daemon).size() == 100 - refused);
}

BOOST_AUTO_TEST_CASE(a_full_buffer_and_a_failed_flush_keep_no_line_from_the_other_sinks) {
  Steled daemon;
  auto options = to(daemon);
  options.buffer.buffer_bytes = 1000;
  options.on_failure = [](stele::Failure const&) {};
  std::ostringstream text;
  auto both = std::make_shared<spdlog::sinks::dist_sink_mt>();
  both->add_sink(std::make_shared<SpdlogSink>(options));
  both->add_sink(std::make_shared<spdlog::sinks::ostream_sink_mt>(text));
  spdlog::logger log("app", both);
  log.flush_on(spdlog::level::info);
  for (int i = 0; i < 100; ++i) log.info("line");
  auto const lines = std::move(text).str();
  BOOST_TEST(std::count(lines.begin(), lines.end(), '\n') == 100);
}

BOOST_AUTO_TEST_CASE(a_line_before_1970_has_time_0_and_its_own_in_the_metadata) {
  StartedDaemon daemon;
  spdlog::logger log("app", std::make_shared<SpdlogSink>(to(daemon)));
  log.log(spdlog::log_clock::time_point{} - 1h, {}, spdlog::level::info, "old");
  log.flush();
  auto const entries = read_all(daemon);
  BOOST_REQUIRE(entries.size() == 1U);
  BOOST_TEST(entries[0].timestamp == 0U);
  BOOST_TEST(entries[0].metadata.find(R"("time_us":-3600000000})") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(loggers_made_by_create_share_one_connection) {
  StartedDaemon daemon;
  std::uint64_t connections = 0;
  for (int i = 0; i < 50; ++i) {
    auto const name = "create-" + std::to_string(i);
    spdlog::create<SpdlogSink>(name, to(daemon))->info("hello");
  }
  for (int i = 0; i < 50; ++i) {
    auto const log = spdlog::get("create-" + std::to_string(i));
    log->flush();
    auto& sink = dynamic_cast<SpdlogSink&>(*log->sinks().front());
    connections = std::max(connections, sink.logger().status().connections);
    spdlog::drop(log->name());
  }
  BOOST_TEST(connections == 1U);
  BOOST_TEST(read_all(daemon).size() == 50U);
}

BOOST_AUTO_TEST_CASE(lines_of_8_threads_are_stored_once_and_in_order_while_the_daemon_is_killed) {
  LoggedThroughKills run;
  auto sink = std::make_shared<SpdlogSink>(
      SpdlogSinkOptions{.buffer = {.socket_path = run.daemon.socket(),
                                   .buffer_bytes = 1 << 20,
                                   .batch_bytes = 64 << 10,
                                   .when_full = stele::WhenFull::block}});
  spdlog::logger log("app", sink);
  run.log_with(sink->logger(), [&](std::uint64_t thread, std::uint64_t number) {
    log.info("{}", run.message(thread, number));
  });
  run.judge("spdlog_sink_test", sink->logger().status());
}

BOOST_AUTO_TEST_SUITE_END()
