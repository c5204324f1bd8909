// Writes in event loops that are not the library's: they are submitted, and handlers learn how they
// ended.
#include <poll.h>

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "stele/client.hpp"
#include "support/child_process.hpp"
#include "support/steled.hpp"

using stele::Client;
using stele::ClientError;
using stele::Error;
using stele::LogEntry;
using stele::Result;
using stele::SeqRange;
using stele::test::Steled;

namespace {

struct DaemonToSubmitTo : Steled {
  DaemonToSubmitTo() { start(); }
  Client client() const { return Client::connect({.socket_path = socket()}).value(); }
};

/// A turn of somebody's loop.
Result<void> turn(Client& client) {
  short const events = client.has_to_send() ? POLLIN | POLLOUT : POLLIN;
  pollfd waited{.fd = client.descriptor(), .events = events, .revents = 0};
  BOOST_REQUIRE(::poll(&waited, 1, 60'000) == 1);
  return client.process();
}

std::vector<LogEntry> entries(std::size_t count, std::string const& message = "m") {
  return std::vector<LogEntry>(count, LogEntry{.message = message});
}

bool is_refused_here(Result<void> const& result) {
  return !result && result.error().code == Error::bad_request;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(submitted_writes_test)

BOOST_AUTO_TEST_CASE(submitted_writes_are_answered_in_order_while_a_loop_turns) {
  DaemonToSubmitTo daemon;
  auto client = daemon.client();
  constexpr std::uint64_t writes = 200;
  std::vector<SeqRange> written;
  for (std::uint64_t i = 0; i < writes; ++i) {
    auto const made = client.submit(entries(3, std::string(20'000, 'x')),
                                    [&](auto const& range) { written.push_back(range.value()); });
    BOOST_REQUIRE(made.has_value());
  }
  BOOST_TEST(written.empty());
  BOOST_TEST(client.writes_under_way() == writes);
  BOOST_TEST(is_refused_here(client.ping()));
  while (client.writes_under_way() > 0) BOOST_REQUIRE(turn(client).has_value());
  BOOST_TEST(!client.has_to_send());
  BOOST_REQUIRE(written.size() == writes);
  for (std::uint64_t i = 0; i < writes; ++i) {
    BOOST_TEST((written[i] == SeqRange{.first_seq = 3 * i + 1, .last_seq = 3 * i + 3}));
  }
  BOOST_TEST(client.ping().has_value());
  BOOST_TEST(client.read_logs(0, UINT64_MAX).value().size() == 3 * writes);
}

BOOST_AUTO_TEST_CASE(each_submitted_write_has_one_answer_when_the_daemon_is_killed) {
  DaemonToSubmitTo daemon;
  auto client = daemon.client();
  std::uint64_t stored = 0;
  std::uint64_t unknown = 0;
  std::uint64_t not_stored = 0;
  auto const handler = [&](Result<SeqRange> const& written) {
    if (written) {
      ++stored;
    } else {
      ++(may_be_stored(written.error()) ? unknown : not_stored);
    }
    if (stored == 1) daemon.kill_hard();
  };
  // More than the sockets hold: some of it is never sent.
  for (int i = 0; i < 50; ++i) {
    BOOST_REQUIRE(client.submit(entries(1, std::string(200'000, 'x')), handler).has_value());
  }
  std::optional<stele::Failure> end;
  while (!end) {
    if (auto const turned = turn(client); !turned) end = turned.error();
  }
  BOOST_TEST((end->code == ClientError::connection_lost));
  BOOST_TEST(stored + unknown + not_stored == 50U);
  BOOST_TEST(stored > 0U);
  BOOST_TEST(client.writes_under_way() == 0U);
  BOOST_TEST(!client.process().has_value());
  auto const late = client.submit(entries(1), handler);
  BOOST_TEST((!late && late.error().code == ClientError::connection_lost));
  daemon.start();
  auto const there = daemon.client().count_logs({}).value().count;
  BOOST_TEST(there >= stored);
  BOOST_TEST(there <= stored + unknown);
}

BOOST_AUTO_TEST_CASE(a_handler_may_submit_more_throw_and_destroy_the_client) {
  DaemonToSubmitTo daemon;
  std::optional client{daemon.client()};
  int calls = 0;
  auto const count = [&](auto const&) { ++calls; };
  auto made = client->submit(entries(1), [&](auto const&) {
    ++calls;
    BOOST_TEST(client->submit(entries(1), count).has_value());
    throw std::runtime_error{"of the handler"};
  });
  BOOST_REQUIRE(made.has_value());
  BOOST_CHECK_THROW(while (client->writes_under_way() > 0) (void)turn(*client), std::runtime_error);
  while (client->writes_under_way() > 0) BOOST_REQUIRE(turn(*client).has_value());
  BOOST_TEST(calls == 2);
  made = client->submit(entries(1), [&](auto const&) { client.reset(); });
  BOOST_REQUIRE(made.has_value());
  made = client->submit(entries(1), count);
  while (client) BOOST_TEST(turn(*client).has_value());
  BOOST_TEST(calls == 2);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_submitted_is_told_at_once_and_never_to_the_handler) {
  DaemonToSubmitTo daemon;
  auto client = daemon.client();
  auto const never = [](auto const&) { BOOST_ERROR("was called"); };
  BOOST_TEST(is_refused_here(client.submit({}, never)));
  BOOST_TEST(is_refused_here(client.submit(entries(1), nullptr)));
  auto const invalid = client.submit(entries(1, "\xff"), never);
  BOOST_TEST((!invalid && invalid.error().code == Error::invalid_entry));
  BOOST_TEST(client.writes_under_way() == 0U);
  BOOST_TEST(client.process().has_value());
  BOOST_TEST(client.submit(entries(1), never).has_value());
  int const ended = stele::test::in_a_child([&] {
    auto const in_child = [](Result<void> const& result) {
      return !result && result.error().code == ClientError::made_before_fork;
    };
    return in_child(client.process()) && in_child(client.submit(entries(1), never)) ? 0 : 1;
  });
  BOOST_TEST(ended == 0);
  auto const moved = std::move(client);
  BOOST_TEST(client.descriptor() == -1);  // NOLINT(bugprone-use-after-move)
  BOOST_TEST(!client.has_to_send());
  BOOST_TEST(client.writes_under_way() == 0U);
  BOOST_TEST(!client.process().has_value());
  BOOST_TEST(!client.submit(entries(1), never).has_value());
}

BOOST_AUTO_TEST_CASE(numbered_writes_that_are_submitted_again_are_in_the_log_once) {
  DaemonToSubmitTo daemon;
  auto const writer = stele::random_writer();
  std::vector<SeqRange> written;
  for (int connection = 0; connection < 2; ++connection) {
    auto client =
        Client::connect({.socket_path = daemon.socket(), .writer = writer}).value();
    for (std::uint64_t number = 1; number <= 5; ++number) {
      auto const made = client.submit(
          entries(2), [&](auto const& range) { written.push_back(range.value()); }, number);
      BOOST_REQUIRE(made.has_value());
    }
    while (client.writes_under_way() > 0) BOOST_REQUIRE(turn(client).has_value());
  }
  BOOST_REQUIRE(written.size() == 10U);
  for (std::size_t i = 0; i < 5; ++i) BOOST_TEST((written[i] == written[i + 5]));
  BOOST_TEST(daemon.client().count_logs({}).value().count == 10U);
}

BOOST_AUTO_TEST_SUITE_END()
