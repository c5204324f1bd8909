// libstele through its C interface: what examples/c.c does not show.
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <string>
#include <vector>

#include "stele/stele.h"
#include "support/steled.hpp"

using stele::test::Steled;

namespace {

struct Seen {
  std::vector<std::string> messages{};
  std::size_t wanted = SIZE_MAX;
};

int look(void* context, stele_stored_entry const* entry) {
  auto& seen = *static_cast<Seen*>(context);
  seen.messages.emplace_back(entry->message, entry->message_bytes);
  return seen.messages.size() < seen.wanted ? 1 : 0;
}

struct CFixture {
  Steled daemon{};
  stele_client* client = nullptr;
  CFixture() {
    daemon.start();
    BOOST_REQUIRE(stele_client_open(daemon.socket().c_str(), "c", &client) == STELE_OK);
    write(STELE_WARN, "disk full", R"({"disk":"sda"})");
    write(STELE_INFO, "disk fine", R"({"disk":"sdb"})");
    write(STELE_ERROR, "fan lost", nullptr);
  }
  ~CFixture() { stele_client_close(client); }

  void write(int level, char const* message, char const* metadata) {
    stele_entry entry{};
    entry.level = level;
    entry.message = message;
    entry.message_bytes = std::strlen(message);
    entry.metadata = metadata;
    BOOST_REQUIRE(stele_write_log(client, &entry, 10'000, nullptr) == STELE_OK);
  }
  std::vector<std::string> found(stele_query const* query) {
    Seen seen;
    BOOST_TEST(stele_query_logs(client, query, 10'000, look, &seen) == STELE_OK);
    std::uint64_t count = 0;
    BOOST_TEST(stele_count_logs(client, query, 10'000, &count) == STELE_OK);
    bool const is_cut = query != nullptr && query->limit > 0;
    BOOST_TEST((is_cut || count == seen.messages.size()));
    return seen.messages;
  }
};

using Messages = std::vector<std::string>;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(c_interface_test, CFixture)

BOOST_AUTO_TEST_CASE(a_query_narrows_a_read_and_a_count) {
  BOOST_TEST((found(nullptr) == Messages{"disk full", "disk fine", "fan lost"}));
  stele_query query = STELE_ALL;
  BOOST_TEST(found(&query).size() == 3U);
  query.min_level = STELE_WARN;
  BOOST_TEST((found(&query) == Messages{"disk full", "fan lost"}));
  query.newest_first = 1;
  query.limit = 1;
  BOOST_TEST((found(&query) == Messages{"fan lost"}));
  query = STELE_ALL;
  query.contains = "disk";
  query.after_seq = 1;
  BOOST_TEST((found(&query) == Messages{"disk fine"}));
  query = STELE_ALL;
  query.where = R"({"disk":"sda"})";
  std::uint32_t const uid = ::getuid();
  query.uid = &uid;
  BOOST_TEST((found(&query) == Messages{"disk full"}));
  std::int32_t const nobody = ::getpid() + 1;
  query.pid = &nobody;
  BOOST_TEST(found(&query).empty());
}

BOOST_AUTO_TEST_CASE(a_follow_ends_by_its_visitor_by_its_timeout_and_with_the_daemon) {
  Seen two{.wanted = 2};
  stele_query query = STELE_ALL;
  query.limit = 2;
  BOOST_TEST(stele_follow_logs(client, &query, 10'000, look, nullptr, &two) == STELE_OK);
  BOOST_TEST((two.messages == Messages{"disk fine", "fan lost"}));

  Seen all;
  BOOST_TEST(stele_follow_logs(client, nullptr, 30, look, nullptr, &all) == STELE_TIMED_OUT);
  BOOST_TEST(all.messages.size() == 3U);
  write(STELE_INFO, "still usable", nullptr);
  BOOST_TEST(all.messages.size() == 3U);

  pid_t const pid = daemon.process().pid();
  auto const stop = [](void* context, stele_stored_entry const*) {
    return ::kill(*static_cast<pid_t*>(context), SIGTERM) == 0 ? 1 : 0;
  };
  query.limit = 1;
  auto target = pid;
  BOOST_TEST(stele_follow_logs(client, &query, 10'000, stop, nullptr, &target) ==
             STELE_SHUTTING_DOWN);
}

BOOST_AUTO_TEST_CASE(a_follower_goes_on_behind_what_it_showed_last_and_is_woken) {
  stele_client_options options = STELE_CLIENT_OPTIONS;
  auto const socket = daemon.socket();
  options.socket_path = socket.c_str();
  stele_follower* follower = nullptr;
  BOOST_REQUIRE(stele_follower_open(&options, nullptr, &follower) == STELE_OK);
  Seen first{.wanted = 1};
  BOOST_TEST(stele_follower_run(follower, 60'000, look, nullptr, &first) == STELE_OK);
  BOOST_TEST((first.messages == Messages{"disk full"}));
  Seen rest{.wanted = 2};
  pollfd watched{.fd = stele_follower_descriptor(follower), .events = POLLIN, .revents = 0};
  while (rest.messages.size() < 2) {
    BOOST_REQUIRE(stele_follower_process(follower, look, nullptr, &rest) == STELE_OK);
    if (rest.messages.size() < 2) BOOST_REQUIRE(::poll(&watched, 1, 60'000) == 1);
  }
  BOOST_TEST((rest.messages == Messages{"disk fine", "fan lost"}));
  stele_follower_wake(follower);
  BOOST_TEST(stele_follower_run(follower, -1, look, nullptr, &rest) == STELE_CANCELLED);
  BOOST_TEST(stele_follower_run(follower, 0, look, nullptr, &rest) == STELE_TIMED_OUT);
  BOOST_TEST(stele_follower_run(follower, 0, nullptr, nullptr, &rest) == STELE_INVALID_ARGUMENT);
  stele_follower_close(follower);
  stele_follower_close(nullptr);
  BOOST_TEST(stele_follower_open(nullptr, nullptr, &follower) == STELE_INVALID_ARGUMENT);
}

BOOST_AUTO_TEST_CASE(in_a_loop_of_others_submitted_writes_are_told_where_they_are) {
  struct Told {
    std::vector<std::uint64_t> seqs{};
    std::vector<int> failures{};
  } told;
  auto const tell = [](void* context, int code, std::uint64_t first_seq) {
    auto& to = *static_cast<Told*>(context);
    if (code == STELE_OK) return to.seqs.push_back(first_seq);
    if (*stele_error_message() != '\0') to.failures.push_back(code);
  };
  stele_entry entry{};
  entry.level = STELE_INFO;
  entry.message = "m";
  entry.message_bytes = 1;
  auto const submit = [&] { return stele_client_submit(client, &entry, 1, 0, tell, &told); };
  for (int i = 0; i < 10; ++i) BOOST_TEST(submit() == STELE_OK);
  BOOST_TEST(stele_client_writes_under_way(client) == 10U);
  BOOST_TEST(stele_ping(client, 10'000) == STELE_BAD_REQUEST);
  while (stele_client_writes_under_way(client) > 0) {
    short const events = stele_client_has_to_send(client) != 0 ? POLLIN | POLLOUT : POLLIN;
    pollfd ready{.fd = stele_client_descriptor(client), .events = events, .revents = 0};
    BOOST_REQUIRE(::poll(&ready, 1, 60'000) == 1);
    BOOST_REQUIRE(stele_client_process(client) == STELE_OK);
  }
  BOOST_TEST((told.seqs == std::vector<std::uint64_t>{4, 5, 6, 7, 8, 9, 10, 11, 12, 13}));
  daemon.kill_hard();
  BOOST_TEST(submit() == STELE_OK);
  BOOST_TEST(stele_client_process(client) == STELE_CONNECTION_LOST);
  BOOST_TEST(told.failures.size() == 1U);
  BOOST_TEST(submit() == STELE_CONNECTION_LOST);
  BOOST_TEST(stele_client_submit(client, &entry, 1, 0, nullptr, &told) == STELE_INVALID_ARGUMENT);
  BOOST_TEST(stele_client_process(nullptr) == STELE_INVALID_ARGUMENT);
  BOOST_TEST(stele_client_descriptor(nullptr) == -1);
}

BOOST_AUTO_TEST_CASE(what_makes_no_sense_is_an_invalid_argument) {
  Seen seen;
  std::uint64_t count = 0;
  stele_query query = STELE_ALL;
  query.min_level = 6;
  BOOST_TEST(stele_query_logs(client, &query, 0, look, &seen) == STELE_INVALID_ARGUMENT);
  BOOST_TEST(stele_count_logs(client, &query, 0, &count) == STELE_INVALID_ARGUMENT);
  BOOST_TEST(stele_count_logs(client, nullptr, 0, nullptr) == STELE_INVALID_ARGUMENT);
  BOOST_TEST(stele_query_logs(nullptr, nullptr, 0, look, &seen) == STELE_INVALID_ARGUMENT);
  query = STELE_ALL;
  query.newest_first = 1;
  BOOST_TEST(stele_follow_logs(client, &query, 0, look, nullptr, &seen) == STELE_INVALID_ARGUMENT);
  query = STELE_ALL;
  query.where = "[]";
  BOOST_TEST(stele_query_logs(client, &query, 10'000, look, &seen) == STELE_BAD_REQUEST);
  BOOST_TEST(std::string{stele_error_message()}.find("where") != std::string::npos);
  BOOST_TEST(stele_ping(client, 10'000) == STELE_OK);
}

BOOST_AUTO_TEST_SUITE_END()
