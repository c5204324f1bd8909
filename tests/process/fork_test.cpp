// A child after fork() has copies of its parent's clients and loggers, and never touches what they
// stand for.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "stele/async_client.hpp"
#include "stele/buffered_logger.hpp"
#include "stele/client.hpp"
#include "process/no_sanitizer.hpp"
#include "support/child_process.hpp"
#include "support/environment.hpp"
#include "support/steled.hpp"

namespace asio = boost::asio;
using namespace std::chrono_literals;
using stele::AsyncClient;
using stele::BufferedLogger;
using stele::Client;
using stele::ClientError;
using stele::test::in_a_child;
using stele::test::may_start_threads_in_a_child;
using stele::test::Steled;

namespace {

template <class T>
bool is_the_parents(stele::Result<T> const& result) {
  return !result && result.error().code == ClientError::made_before_fork;
}

struct Parent {
  Steled daemon{};
  asio::io_context io{};
  std::optional<BufferedLogger> logger{};
  std::optional<Client> client{};
  std::optional<AsyncClient> async{};

  Parent() {
    daemon.start();
    logger.emplace(stele::BufferedLoggerOptions{.socket_path = daemon.socket()});
    client.emplace(Client::connect({.socket_path = daemon.socket()}).value());
    async.emplace(io.get_executor());
    BOOST_REQUIRE(connect(*async).has_value());
  }

  stele::Result<stele::ServerHello> connect(AsyncClient& with) {
    return run(with.async_connect({.socket_path = daemon.socket()}, asio::use_future));
  }
  template <class T>
  T run(std::future<T> future) {
    io.restart();
    io.run_for(stele::test::patience);
    return future.get();
  }

  /// 0, or which of the calls did what it must not.
  int use_in_child() {
    if (!is_the_parents(logger->log({.message = "child"}))) return 1;
    if (!is_the_parents(logger->flush()) || !is_the_parents(logger->close())) return 2;
    if (logger->status().accepted != 0) return 3;
    if (!is_the_parents(client->write_log({.message = "child"}))) return 4;
    if (!is_the_parents(client->read_logs(0, UINT64_MAX))) return 5;
    if (!is_the_parents(run(async->async_ping(asio::use_future)))) return 6;
    logger.reset();
    client.reset();
    async.reset();
    return 0;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(fork_test, Parent)

BOOST_AUTO_TEST_CASE(children_fail_and_end_and_the_parent_goes_on_as_if_there_were_none) {
  auto const forks = stele::test::number_from_environment("STELE_FORKS", 50);
  std::atomic<bool> ends{false};
  std::atomic<std::uint64_t> logged{0};
  std::thread other([&] {
    while (!ends) logged += logger->log({.message = "parent"}) ? 1 : 0;
  });
  for (std::uint64_t i = 0; i < forks; ++i) {
    BOOST_REQUIRE(in_a_child([&] { return use_in_child(); }) == 0);
    BOOST_TEST(client->ping().has_value());
    BOOST_TEST(run(async->async_ping(asio::use_future)).has_value());
  }
  ends = true;
  other.join();
  BOOST_TEST(logger->flush(stele::test::patience).has_value());
  BOOST_TEST(client->count_logs({}).value().count == logged.load());
  BOOST_TEST(client->count_logs({.filter = {.contains = "child"}}).value().count == 0U);
  BOOST_TEST(logger->status().connections == 1U);
}

BOOST_AUTO_TEST_CASE(a_child_may_make_its_own,
                     *boost::unit_test::precondition(may_start_threads_in_a_child)) {
  BOOST_TEST(logger->log({.message = "parent"}).has_value());
  auto const write = [&] {
    auto own = Client::connect({.socket_path = daemon.socket()});
    if (!own || !own->write_log({.message = "child"})) return 1;
    BufferedLogger own_logger({.socket_path = daemon.socket()});
    if (!own_logger.log({.message = "child's logger"})) return 2;
    return own_logger.flush(stele::test::patience) ? 0 : 3;
  };
  BOOST_TEST(in_a_child(write) == 0);
  BOOST_TEST(logger->flush(stele::test::patience).has_value());
  BOOST_TEST(client->count_logs({}).value().count == 3U);
}

BOOST_AUTO_TEST_CASE(a_child_that_was_made_in_a_visitor_leaves_the_read_to_the_parent) {
  for (int i = 0; i < 3; ++i) BOOST_TEST(client->write_log({.message = "m"}).has_value());
  pid_t child = -1;
  auto const forks_once = [&](stele::FollowPart&) {
    if (child < 0) child = ::fork();
    return child == 0;  // The child wants more.
  };
  auto const followed = client->follow_logs({}, forks_once, 20s);
  if (child == 0) ::_exit(is_the_parents(followed) ? 0 : 1);
  int status = 0;
  BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
  BOOST_TEST((WIFEXITED(status) && WEXITSTATUS(status) == 0));
  BOOST_TEST(followed.has_value());
  BOOST_TEST(client->count_logs({}).value().count == 3U);
}

BOOST_AUTO_TEST_CASE(a_parent_that_ends_behind_its_fork_as_daemon_3_does_takes_nothing_with_it,
                     *boost::unit_test::precondition(may_start_threads_in_a_child)) {
  BOOST_TEST(logger->log({.message = "before"}).has_value());
  auto const as_daemon = [&] {
    pid_t const grandchild = ::fork();
    if (grandchild != 0) ::_exit(0);
    BufferedLogger own({.socket_path = daemon.socket()});
    (void)own.log({.message = "as a daemon"});
    return own.flush(stele::test::patience) ? 0 : 1;
  };
  BOOST_TEST(in_a_child(as_daemon) == 0);
  auto const until = std::chrono::steady_clock::now() + stele::test::patience;
  std::uint64_t count = 0;
  while (count < 2 && std::chrono::steady_clock::now() < until) {
    count = client->count_logs({}).value().count;
  }
  BOOST_TEST(count == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
