// Users without rights, with as many connections as they may have, each of which holds as much of
// the daemon's memory as it can: that is bounded, a witness is served, and it all comes back.
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "process/memory_group.hpp"
#include "support/process_figures.hpp"
#include "support/steled.hpp"
#include "support/subject.hpp"
#include "support/wire_peer.hpp"

using stele::test::figures_of;
using stele::test::is_sanitized;
using stele::test::MemoryGroup;
using stele::test::Steled;
using stele::test::WirePeer;
using Crowd = std::vector<std::unique_ptr<WirePeer>>;

namespace {

constexpr std::size_t mebibyte = std::size_t{1} << 20;
constexpr std::size_t crowd_size = 64;
constexpr uid_t first_user = 2000;

bool may_be_others() { return ::getuid() == 0; }

/// What one connection is to send; a part of it may have been taken.
struct Sending {
  WirePeer* peer;
  std::string const* bytes;
  std::size_t taken = 0;
};

/// Sends until the daemon takes no more of anything for a while; returns what it took.
std::size_t send_what_is_taken(std::vector<Sending>& all) {
  std::size_t sum = 0;
  auto last = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - last < std::chrono::milliseconds(500)) {
    bool took_some = false;
    for (auto& sending : all) {
      auto const rest = std::string_view(*sending.bytes).substr(sending.taken);
      if (rest.empty()) continue;
      auto const sent =
          ::send(sending.peer->fd(), rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent <= 0) continue;
      sending.taken += static_cast<std::size_t>(sent);
      sum += static_cast<std::size_t>(sent);
      took_some = true;
    }
    if (took_some) last = std::chrono::steady_clock::now();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return sum;
}

/// A daemon that others may connect to, and one of them that writes all the time.
struct QuotaFixture {
  void start(std::vector<std::string> flags) {
    for (auto const* const flag : {"--socket-mode", "0666", "--segment-bytes", "1M"}) {
      flags.emplace_back(flag);
    }
    daemon.emplace("posix", flags);
    ::chmod(daemon->home().c_str(), 0755);
    if (group && group->is_there()) daemon->start_through(group->launcher());
    daemon->start();
    witness = std::make_unique<WirePeer>(daemon->socket());
    before_bytes = resident_bytes();
  }
  Crowd connect(uid_t uid, std::size_t count = crowd_size) {
    if (may_be_others()) BOOST_REQUIRE(::seteuid(uid) == 0);
    Crowd crowd;
    for (std::size_t i = 0; i < count; ++i) {
      crowd.push_back(std::make_unique<WirePeer>(daemon->socket()));
    }
    if (may_be_others()) BOOST_REQUIRE(::seteuid(0) == 0);
    return crowd;
  }
  std::uint64_t stat(std::string_view group_name, std::string_view name) {
    auto const stats = witness->ask(R"({"op":"stats"})");
    return stats.at(group_name).at(name).to_number<std::uint64_t>();
  }
  std::size_t resident_bytes() { return figures_of(daemon->process().pid()).resident_bytes; }
  std::size_t peak_bytes() { return figures_of(daemon->process().pid()).peak_bytes; }

  void witness_writes(std::size_t message_bytes = 1) {
    auto const write =
        R"({"op":"write_log","entry":{"message":")" + std::string(message_bytes, 'w') + "\"}}";
    BOOST_REQUIRE(witness->ask(write).at("ok").as_bool());
  }
  /// Two entries that readers want, and much that they do not, in each of this many chunks.
  void fill(int chunks) {
    std::string wanted = R"({"op":"write_many_logs","entries":[{"message":")";
    wanted += std::string(5000, 'k') + R"(","metadata":{"k":1}})";
    for (int i = 0; i < 15; ++i) wanted += R"(,{"message":")" + std::string(60'000, 'y') + "\"}";
    wanted += "]}";
    for (int i = 0; i < 2 * chunks; ++i) {
      BOOST_REQUIRE(witness->ask(wanted).at("ok").as_bool());
    }
  }
  void judge_memory(std::string_view what, std::size_t bytes, std::size_t bytes_max) {
    std::cout << "quota_test: " << what << ": " << bytes / mebibyte << " MiB, at most "
              << bytes_max / mebibyte << '\n';
    // A sanitizer keeps what is freed, and more.
    if (!is_sanitized()) BOOST_TEST(bytes <= bytes_max);
  }
  /// Waits until the daemon has given back what it does not need.
  void judge_return(std::size_t bytes_max) {
    auto const deadline = std::chrono::steady_clock::now() + stele::test::patience;
    while (resident_bytes() > bytes_max && !is_sanitized() &&
           std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      witness_writes();
    }
    judge_memory("after the clients have left", resident_bytes(), bytes_max);
  }

  std::optional<MemoryGroup> group{};
  std::optional<Steled> daemon{};
  std::unique_ptr<WirePeer> witness{};
  std::size_t before_bytes = 0;
};

/// A frame of 16 MiB without its last byte.
std::string const& unfinished_frame() {
  static std::string const bytes = [] {
    auto frame = stele::test::frame(std::string(16 * mebibyte, ' '));
    frame.pop_back();
    return frame;
  }();
  return bytes;
}

std::string const& reads_of_few_entries() {
  static std::string const bytes = stele::test::frame(R"({"op":"read_logs","where":{"k":1}})") +
                                   stele::test::frame(R"({"op":"read_logs"})");
  return bytes;
}

std::string const& reports_of_drops() {
  static std::string const bytes = [] {
    std::string all;
    for (int i = 0; i < 20'000; ++i) {
      all += stele::test::frame(R"({"op":"report_dropped","count":1})");
    }
    return all;
  }();
  return bytes;
}

/// Requests that wait behind one whose reply nobody takes.
std::string const& reads_with_filters() {
  static std::string const bytes = [] {
    auto all = reads_of_few_entries();
    auto const read =
        stele::test::frame(R"({"op":"read_logs","where":{"a":")" + std::string(4000, 'w') +
                           R"("},"contains":")" + std::string(4000, 'c') + "\"}");
    for (int i = 0; i < 1000; ++i) all += read;
    return all;
  }();
  return bytes;
}

std::vector<Sending> sendings(Crowd const& crowd, std::string const& bytes) {
  std::vector<Sending> all;
  for (auto const& peer : crowd) all.push_back({peer.get(), &bytes});
  return all;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(quota_test, QuotaFixture)

BOOST_AUTO_TEST_CASE(unfinished_requests_of_64_connections_cost_what_their_user_may_have) {
  start({"--retain-bytes", "16M", "--request-timeout", "5s"});
  auto crowd = connect(first_user);
  auto all = sendings(crowd, unfinished_frame());
  auto const taken = send_what_is_taken(all);
  auto const user_max = stat("limits", "user_unread_bytes_max");
  BOOST_TEST(stat("memory", "unread_bytes") <= user_max);
  BOOST_TEST(stat("memory", "waiting") > 0U);
  std::cout << "quota_test: " << taken / mebibyte << " MiB were sent\n";
  judge_memory("64 unfinished requests of 16 MiB", peak_bytes() - before_bytes,
               user_max + crowd_size * 64 * 1024 + 16 * mebibyte);
  witness_writes();
  // Those that hold the memory are closed in time; then others of them get it, and so on.
  while (stat("connections", "timed_out") < 4) witness_writes();
  crowd.clear();
  judge_return(before_bytes + 24 * mebibyte);
}

BOOST_AUTO_TEST_CASE(readers_that_take_nothing_cost_what_their_replies_are_and_are_closed) {
  start({"--retain-bytes", "32M", "--reader-timeout", "4s"});
  auto crowd = connect(first_user);
  for (std::size_t i = 0; i < crowd.size(); i += 4) {
    fill(6);
    auto all = sendings(crowd, reads_of_few_entries());
    for (std::size_t j = i; j < i + 4; ++j) {
      ::send(all[j].peer->fd(), all[j].bytes->data(), all[j].bytes->size(), MSG_NOSIGNAL);
    }
  }
  fill(24);
  auto const unsent_max = stat("limits", "user_unsent_bytes_max");
  auto const store_max = stat("limits", "store_bytes_max");
  BOOST_TEST(stat("memory", "pinned_bytes") <= stat("memory", "unsent_bytes"));
  judge_memory("64 readers that take nothing", peak_bytes() - before_bytes,
               store_max + unsent_max + 24 * mebibyte);
  while (stat("connections", "readers_timed_out") == 0) witness_writes();
  crowd.clear();
  while (stat("connections", "open") > 1) witness_writes();
  BOOST_TEST(stat("memory", "pinned_bytes") == 0U);
  BOOST_TEST(stat("memory", "unsent_bytes") == 0U);
  judge_return(before_bytes + store_max + 24 * mebibyte);
}

BOOST_AUTO_TEST_CASE(floods_of_every_kind_at_once_stay_within_the_bound_that_stats_tell) {
  start({"--retain-bytes", "16M", "--max-connections", "300", "--reader-timeout", "5s",
         "--request-timeout", "5s"});
  auto const bound = stat("limits", "memory_bytes_max");
  daemon->stop();
  group.emplace(bound + bound / 2);
  std::cout << "quota_test: " << (group->is_there() ? "in a memory cgroup of " : "no cgroup of ")
            << (bound + bound / 2) / mebibyte << " MiB\n";
  start({"--retain-bytes", "16M", "--max-connections", "300", "--reader-timeout", "5s",
         "--request-timeout", "5s"});
  std::vector<Crowd> crowds;
  std::vector<Sending> all;
  for (uid_t user = 0; user < 3; ++user) {
    crowds.push_back(connect(first_user + user));
    auto const& crowd = crowds.back();
    for (std::size_t i = 0; i < crowd.size(); ++i) {
      std::string const* const kinds[] = {&unfinished_frame(), &reads_of_few_entries(),
                                          &reports_of_drops(), &reads_with_filters()};
      all.push_back({crowd[i].get(), kinds[i % 4]});
    }
  }
  fill(12);
  for (int round = 0; round < 3; ++round) {
    send_what_is_taken(all);
    fill(12);
    witness_writes();
  }
  judge_memory("floods of every kind by three users", peak_bytes(), bound);
  all.clear();
  crowds.clear();
  judge_return(before_bytes + stat("limits", "store_bytes_max") + 24 * mebibyte);
  BOOST_TEST(daemon->stop() == 0);
}

BOOST_AUTO_TEST_SUITE_END()
