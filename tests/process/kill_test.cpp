// kill -9 under load, again and again on one directory; the oracle judges what is left each time.
// STELE_KILL_ROUNDS and STELE_SEED choose how often and which; the seed is printed.
#include <atomic>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "support/kill_oracle.hpp"
#include "support/steled.hpp"
#include "support/wire_peer.hpp"

using namespace stele::test;

namespace {

constexpr std::size_t writer_count = 4;
/// A directory serves this many rounds: the log is read back whole after each of them.
constexpr std::size_t rounds_per_directory = 20;

std::uint64_t number_from_environment(char const* name, std::uint64_t otherwise) {
  char const* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// Sends random writes, up to eight under way at a time, until the connection breaks.
Conversation write_until_killed(std::string const& socket, std::string const& name,
                                std::uint64_t seed, std::atomic<std::size_t>& acked_in_all) try {
  std::mt19937_64 random(seed);
  Conversation conversation;
  WirePeer peer(socket);
  std::size_t answered = 0;
  for (;;) {
    auto const under_way = 1 + random() % 8;
    while (conversation.size() - answered < under_way) {
      auto write = random_write(random, name, conversation.size());
      conversation.push_back(std::move(write.intent));
      if (!peer.send(write.text)) return conversation;
    }
    auto const reply = peer.receive();
    if (!reply) return conversation;
    auto& intent = conversation[answered++];
    auto const number_after = [&](std::string_view member) {
      auto const at = reply->find(member);
      return at == reply->npos ? 0 : std::stoull(reply->substr(at + member.size()));
    };
    intent.first_seq = number_after("\"first_seq\":") + number_after("\"seq\":");
    intent.last_seq = number_after("\"last_seq\":") + number_after("\"seq\":");
    // Any other answer breaks invariant (a): the oracle is told of an impossible seq.
    if (intent.first_seq == 0) intent.first_seq = intent.last_seq = UINT64_MAX;
    acked_in_all.fetch_add(1);
  }
} catch (std::exception const&) {
  return {};  // It never connected: the daemon was killed before that.
}

/// Reads the newest entries over and over, and remembers them.
Sightings read_until_killed(std::string const& socket) {
  Sightings seen;
  try {
    WirePeer peer(socket);
    for (;;) {
      for (auto& entry : read_entries(peer, R"("order":"desc","limit":30)")) {
        seen.emplace(entry.seq, std::move(entry.body));
      }
    }
  } catch (std::exception const&) {
    return seen;
  }
}

/// One run of the daemon: load, and a SIGKILL at a random moment of it.
void run_and_kill(Steled& daemon, std::size_t round, std::mt19937_64& random, KillOracle& oracle) {
  std::atomic<std::size_t> acked_in_all = 0;
  std::vector<Conversation> conversations(writer_count);
  Sightings seen;
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < writer_count; ++i) {
    threads.emplace_back([&, i, seed = random()] {
      auto const name = "r" + std::to_string(round) + "w" + std::to_string(i);
      conversations[i] = write_until_killed(daemon.socket(), name, seed, acked_in_all);
    });
  }
  threads.emplace_back([&] { seen = read_until_killed(daemon.socket()); });

  auto const acks_before_kill = random() % 300;
  auto const extra = std::chrono::microseconds(random() % 2000);
  auto const deadline = std::chrono::steady_clock::now() + patience;
  while (acked_in_all < acks_before_kill && std::chrono::steady_clock::now() < deadline) {
    daemon.process().wait_for(std::chrono::microseconds(100));
  }
  daemon.process().wait_for(extra);
  daemon.kill_hard();
  for (auto& thread : threads) thread.join();
  for (auto& conversation : conversations) oracle.add(std::move(conversation));
  oracle.add(seen);
}

/// One start in five is itself killed at a random moment, perhaps in the middle of recovery.
void kill_some_starts(Steled& daemon, std::mt19937_64& random) {
  while (random() % 5 == 0) {
    daemon.launch();
    daemon.process().wait_for(std::chrono::microseconds(random() % 20'000));
    daemon.kill_hard();
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(kill_test)

BOOST_DATA_TEST_CASE(everything_acknowledged_survives_kill_9_once_and_in_order, backends(),
                     backend) {
  auto const rounds = number_from_environment("STELE_KILL_ROUNDS", STELE_KILL_ROUNDS_DEFAULT);
  auto const seed = number_from_environment("STELE_SEED", std::random_device()());
  BOOST_TEST_MESSAGE("STELE_SEED=" << seed);
  std::mt19937_64 random(seed);
  std::unique_ptr<Steled> daemon;
  std::unique_ptr<KillOracle> oracle;
  std::size_t acknowledged = 0;
  std::size_t intended = 0;
  for (std::size_t round = 0; round < rounds; ++round) {
    if (round % rounds_per_directory == 0) {
      daemon = std::make_unique<Steled>(backend);
      oracle = std::make_unique<KillOracle>();
      daemon->start();
    }
    run_and_kill(*daemon, round, random, *oracle);
    kill_some_starts(*daemon, random);
    daemon->start();
    WirePeer reader(daemon->socket());
    auto const broken = oracle->judge(read_entries(reader));
    for (auto const& sentence : broken) BOOST_ERROR(sentence);
    BOOST_REQUIRE_MESSAGE(broken.empty(), backend << ", round " << round << ", STELE_SEED=" << seed
                                                  << "\n"
                                                  << daemon->log());
    if ((round + 1) % rounds_per_directory == 0 || round + 1 == rounds) {
      acknowledged += oracle->acknowledged();
      intended += oracle->intended();
    }
  }
  std::cout << backend << ": " << rounds << " kills, " << acknowledged
            << " entries acknowledged of " << intended
            << " sent, none lost, doubled or out of order (STELE_SEED=" << seed << ")\n";
  BOOST_TEST(acknowledged > 0U);
}

BOOST_AUTO_TEST_CASE(the_oracle_sees_each_kind_of_wrong_log) {
  KillOracle oracle;
  oracle.add(Conversation{{{"a"}, 1, 1}, {{"b", "c"}, 2, 3}, {{"d"}, 0, 0}});
  oracle.add(Sightings{{1, "a"}});
  auto const verdict = [&](std::vector<std::string> const& bodies, std::uint64_t first = 1) {
    std::vector<WireEntry> stored;
    for (auto const& body : bodies) stored.push_back({first++, 0, body, ""});
    std::string rules;
    for (auto const& sentence : oracle.judge(stored)) rules += sentence.substr(1, 1);
    return rules;
  };
  BOOST_TEST(verdict({"a", "b", "c"}) == "");
  BOOST_TEST(verdict({"a", "b", "c", "d"}) == "");
  BOOST_TEST(verdict({"a", "b"}).find('a') != std::string::npos);
  BOOST_TEST(verdict({"a", "b"}).find('f') != std::string::npos);
  BOOST_TEST(verdict({"a", "b", "c", "x"}) == "b");
  BOOST_TEST(verdict({"a", "b", "c", "a"}).find('c') != std::string::npos);
  BOOST_TEST(verdict({"d", "a", "b", "c"}).find('d') != std::string::npos);
  BOOST_TEST(verdict({"a", "b", "c"}, 2).find('e') != std::string::npos);
  BOOST_TEST(verdict({"b", "b", "c"}).find('g') != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
