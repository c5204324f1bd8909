// kill -9 under load, again and again on one directory; the oracle judges what is left each time.
// STELE_KILL_ROUNDS and STELE_SEED choose how often and which; the seed is printed.
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "support/environment.hpp"
#include "support/kill_oracle.hpp"
#include "support/load.hpp"
#include "support/steled.hpp"
#include "support/subject.hpp"
#include "support/wire_peer.hpp"

using namespace stele::test;

namespace {

/// A directory serves this many rounds: the log is read back whole after each of them.
constexpr std::size_t rounds_per_directory = 20;

/// One run of the daemon: load, and a SIGKILL at a random moment of it.
void run_and_kill(Steled& daemon, std::size_t round, std::mt19937_64& random, KillOracle& oracle) {
  Load load({.socket = daemon.socket(), .name = "r" + std::to_string(round)}, random);
  auto const replies_before_kill = random() % 300;
  auto const extra = std::chrono::microseconds(random() % 2000);
  load.wait_for_replies(replies_before_kill, daemon.process());
  daemon.process().wait_for(extra);
  daemon.kill_hard();
  load.finish();
  load.tell(oracle);
}

/// Settings that change what is on disk; each start has others.
std::vector<std::string> any_settings(std::mt19937_64& random) {
  auto const pick = [&random](std::vector<std::string> const& values) {
    return values[random() % values.size()];
  };
  auto const segment = pick({"1M", "1M", "4M"});
  std::vector<std::string> flags{"--segment-bytes", segment};
  auto const add = [&flags](std::string const& name, std::string const& value) {
    flags.insert(flags.end(), {name, value});
  };
  add("--retain-bytes", pick({"0", "1G", segment == "1M" ? "4M" : "16M"}));
  add("--retain-age", pick({"0", "0", "1s", "2s", "7d"}));
  add("--on-damage", pick({"serve", "refuse"}));
  add("--commit-align", pick({"0", "4K"}));
  if (random() % 2 == 0) flags.push_back("--pack");
  if (random() % 3 == 0) {
    add("--consumers", "archive");
    add("--hold-bytes", pick({"8M", "1G"}));
  }
  return flags;
}

/// What a log holds whose oldest entries may go while one looks.
struct WhatIsLeft {
  std::vector<WireEntry> entries{};
  std::uint64_t removed_seq = 0;
};

WhatIsLeft read_what_is_left(WirePeer& peer) {
  for (;;) {
    WhatIsLeft kept;
    peer.send(R"({"op":"read_logs"})");
    bool overtaken = false;
    for (bool more = true; more && !overtaken;) {
      auto const text = peer.receive().value();
      overtaken = text.find("\"cursor_expired\"") != std::string::npos;
      more = text.find("\"more\":true", text.size() - 40) != std::string::npos;
      if (overtaken) break;
      auto const entries = entries_of(text);
      kept.entries.insert(kept.entries.end(), entries.begin(), entries.end());
    }
    if (overtaken) continue;
    auto const stats = peer.ask(R"({"op":"stats"})");
    kept.removed_seq = stats.at("store").at("removed_seq").to_number<std::uint64_t>();
    std::erase_if(kept.entries, [&](auto const& entry) { return entry.seq <= kept.removed_seq; });
    return kept;
  }
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
  auto const rounds = number_from_environment("STELE_KILL_ROUNDS", is_sanitized() ? 6 : 20);
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

BOOST_DATA_TEST_CASE(it_survives_whatever_the_settings_are_and_become, backends(), backend) {
  auto const rounds = number_from_environment("STELE_KILL_ROUNDS", is_sanitized() ? 6 : 15);
  auto const seed = number_from_environment("STELE_SEED", std::random_device()());
  BOOST_TEST_MESSAGE("STELE_SEED=" << seed);
  std::mt19937_64 random(seed);
  std::unique_ptr<Steled> daemon;
  std::unique_ptr<KillOracle> oracle;
  std::size_t emptied = 0;
  for (std::size_t round = 0; round < rounds; ++round) {
    if (round % rounds_per_directory == 0) {
      daemon = std::make_unique<Steled>(backend);
      oracle = std::make_unique<KillOracle>();
      daemon->use_flags(any_settings(random));
      daemon->start();
    }
    run_and_kill(*daemon, round, random, *oracle);
    daemon->use_flags(any_settings(random));
    kill_some_starts(*daemon, random);
    daemon->start();
    WirePeer reader(daemon->socket());
    auto const kept = read_what_is_left(reader);
    if (kept.entries.empty() && kept.removed_seq > 0) ++emptied;
    auto const broken = oracle->judge(kept.entries, kept.removed_seq);
    for (auto const& sentence : broken) BOOST_ERROR(sentence);
    BOOST_REQUIRE_MESSAGE(broken.empty(), backend << ", round " << round << ", STELE_SEED=" << seed
                                                  << "\n"
                                                  << daemon->log());
    // Sometimes all of it has the time to expire, and the next start finds nothing.
    if (random() % 6 == 0) daemon->process().wait_for(std::chrono::milliseconds(2500));
    if (random() % 4 != 0) continue;
    BOOST_REQUIRE(daemon->stop() == 0);
    daemon->use_flags(any_settings(random));
    daemon->start();
  }
  std::cout << backend << ": " << rounds << " kills, other settings each time; " << emptied
            << " times nothing was left (STELE_SEED=" << seed << ")\n";
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

BOOST_AUTO_TEST_CASE(the_oracle_excuses_what_retention_removed_and_nothing_else) {
  KillOracle oracle;
  oracle.add(Conversation{{{"a"}, 1, 1}, {{"b", "c"}, 2, 3}, {{"d"}, 4, 4}, {{"e"}, 0, 0}});
  oracle.add(Conversation{{{"x"}, 0, 0, true}});
  oracle.add(Sightings{{1, "a"}, {4, "d"}});
  auto const verdict = [&](std::vector<WireEntry> const& stored, std::uint64_t removed_seq) {
    std::string rules;
    for (auto const& sentence : oracle.judge(stored, removed_seq)) rules += sentence.substr(1, 1);
    return rules;
  };
  BOOST_TEST(verdict({{4, 0, "d", ""}}, 3) == "");
  BOOST_TEST(verdict({{4, 0, "d", ""}, {5, 0, "e", ""}}, 3) == "");
  BOOST_TEST(verdict({}, 4) == "");
  BOOST_TEST(verdict({}, 3) == "ag");
  BOOST_TEST(verdict({{4, 0, "d", ""}}, 1) == "eaad");
  BOOST_TEST(verdict({{4, 0, "d", ""}, {5, 0, "x", ""}}, 3) == "h");
}

BOOST_AUTO_TEST_SUITE_END()
