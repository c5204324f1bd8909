// The snippets of README.md and of the headers, as they stand there, do what the text around them
// says.
#include <stdlib.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>
#include <iostream>

#include "snippets.hpp"
#include "support/steled.hpp"

namespace asio = boost::asio;
using stele::test::Steled;

namespace {

struct DefaultDaemon {
  Steled daemon{};
  DefaultDaemon() {
    daemon.start();
    ::setenv("STELE_SOCKET", daemon.socket().c_str(), 1);
  }
  ~DefaultDaemon() { ::unsetenv("STELE_SOCKET"); }
  std::uint64_t count() const {
    auto client = stele::Client::connect({.socket_path = daemon.socket()}).value();
    return client.count_logs({}).value().count;
  }
};

bool report(stele::Failure const& failure) {
  std::cerr << failure.message << '\n';
  return false;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(snippets_test, DefaultDaemon)

BOOST_AUTO_TEST_CASE(the_first_call_and_the_logger_store_what_they_show) {
  BOOST_TEST(stele::test::connect_snippet(report));
  BOOST_TEST(count() == 1U);
  BOOST_TEST(stele::test::logger_snippet());
  BOOST_TEST(count() == 2U);
}

BOOST_AUTO_TEST_CASE(the_coroutines_store_what_they_show) {
  asio::io_context loop;
  auto readme = asio::co_spawn(loop, stele::test::readme_async_snippet(loop), asio::use_future);
  loop.run_for(stele::test::patience);
  BOOST_TEST(readme.get());
  auto header = asio::co_spawn(loop, stele::test::header_async_snippet(loop.get_executor()),
                               asio::use_future);
  loop.restart();
  loop.run_for(stele::test::patience);
  BOOST_TEST(header.get());
  BOOST_TEST(count() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
