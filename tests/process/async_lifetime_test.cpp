// An AsyncClient and its handlers end with whatever ends first: the connect, the visitor, the
// client or the execution context.
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "stele/async_client.hpp"
#include "support/scripted_daemon.hpp"

namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::use_awaitable;
using stele::AsyncClient;
using stele::Error;
using stele::test::ScriptedDaemon;

namespace {

std::size_t open_descriptors() {
  auto const listed = std::filesystem::directory_iterator("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(listed), end(listed)));
}

/// Owns its client, and waits for an answer that does not come.
asio::awaitable<void> wait_for_ever(std::string socket, std::shared_ptr<int> held) {
  auto const executor = co_await asio::this_coro::executor;
  AsyncClient client{executor};
  stele::ClientOptions options;
  options.socket_path = std::move(socket);
  auto const hello = co_await client.async_connect(options, use_awaitable);
  if (hello) (void)co_await client.async_ping(use_awaitable);
  ++*held;
}

/// Runs what is ready, for as long as the time lasts or something is to come.
void run_for_a_while(asio::io_context& loop) {
  loop.restart();
  loop.run_for(10s);
}

struct Loop {
  asio::io_context io{};
  ScriptedDaemon daemon{};
  std::optional<AsyncClient> client{std::in_place, io.get_executor()};

  stele::ClientOptions options() const { return {.socket_path = daemon.socket()}; }
  bool connect() {
    auto hello = client->async_connect(options(), asio::use_future);
    run_for_a_while(io);
    return hello.get().has_value();
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(async_lifetime_test)

BOOST_AUTO_TEST_CASE(contexts_that_end_under_waiting_coroutines_leak_nothing) {
  ScriptedDaemon daemon;
  daemon.set_cut({.bytes = 0, .rest = ScriptedDaemon::Rest::later});
  auto const held = std::make_shared<int>(0);
  std::size_t descriptors = 0;
  for (int i = 0; i < 1000; ++i) {
    {
      asio::io_context io;
      asio::co_spawn(io, wait_for_ever(daemon.socket(), held), asio::use_future);
      while (io.run_one_for(1ms) > 0) {
      }
    }
    if (i == 0) descriptors = open_descriptors();
  }
  BOOST_TEST(held.use_count() == 1);
  BOOST_TEST(*held == 0);
  BOOST_TEST(open_descriptors() <= descriptors + 1);
}

BOOST_FIXTURE_TEST_CASE(a_connect_that_is_not_in_time_leaves_the_client_closed_and_the_loop_ends,
                        Loop) {
  daemon.hold_greeting();
  auto limits = options();
  limits.connect_timeout = 20ms;
  auto hello = client->async_connect(limits, asio::use_future);
  run_for_a_while(io);
  BOOST_TEST((hello.get().error().code == stele::ClientError::timed_out));
  auto ping = client->async_ping(asio::use_future);
  run_for_a_while(io);
  BOOST_TEST(io.stopped());
  BOOST_TEST((ping.get().error().code == stele::ClientError::connection_lost));
}

BOOST_FIXTURE_TEST_CASE(a_client_that_was_moved_from_is_not_connected, Loop) {
  BOOST_REQUIRE(connect());
  AsyncClient other = std::move(*client);
  auto from = client->async_ping(asio::use_future);
  auto to = other.async_ping(asio::use_future);
  run_for_a_while(io);
  BOOST_TEST((from.get().error().code == stele::ClientError::connection_lost));
  BOOST_TEST(to.get().has_value());
}

BOOST_FIXTURE_TEST_CASE(a_deadline_that_has_passed_and_a_number_of_0_send_nothing, Loop) {
  BOOST_REQUIRE(connect());
  auto late = client->until(0ms).async_write_log({.message = "late"}, asio::use_future);
  auto zero = client->async_write_once({{.message = "zero"}}, 0, asio::use_future);
  auto none = client->async_follow_logs({}, {}, asio::use_future);
  run_for_a_while(io);
  BOOST_TEST((late.get().error().code == stele::ClientError::timed_out));
  BOOST_TEST((zero.get().error().code == Error::bad_request));
  BOOST_TEST((none.get().error().code == Error::bad_request));
  BOOST_TEST(daemon.seq_of("late") == 0U);
}

BOOST_FIXTURE_TEST_CASE(a_visitor_that_throws_ends_its_follow_and_nothing_else, Loop) {
  BOOST_REQUIRE(connect());
  auto const throwing = [](stele::FollowPart&) -> bool { throw 1; };
  auto follow = client->async_follow_logs({}, throwing, asio::use_future);
  auto write = client->async_write_log({.message = "beside it"}, asio::use_future);
  io.restart();
  BOOST_CHECK_THROW(io.run_for(10s), int);
  io.run_for(10s);
  BOOST_TEST((follow.get().error().code == stele::ClientError::cancelled));
  auto const written = write.get();
  BOOST_REQUIRE(written.has_value());
  BOOST_TEST(*written == daemon.seq_of("beside it"));
}

BOOST_FIXTURE_TEST_CASE(a_visitor_may_use_and_destroy_the_client, Loop) {
  BOOST_REQUIRE(connect());
  std::optional<std::future<stele::Result<std::uint64_t>>> write;
  auto const visitor = [&](stele::FollowPart&) {
    if (!client) return true;
    write = client->async_write_log({.message = "from within"}, asio::use_future);
    client.reset();
    return true;
  };
  auto follow = client->async_follow_logs({}, visitor, asio::use_future);
  run_for_a_while(io);
  BOOST_TEST(io.stopped());
  BOOST_REQUIRE(write.has_value());
  auto const written = write->get();
  BOOST_TEST((!written || *written == daemon.seq_of("from within")));
  (void)follow.get();
}

BOOST_AUTO_TEST_SUITE_END()
