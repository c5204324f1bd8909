// Many clients at once: what they cost is bounded, and nothing acknowledged is lost. The figures
// are printed; STELE_LOAD_SCALE makes the crowds larger.
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "support/environment.hpp"
#include "support/kill_oracle.hpp"
#include "support/load.hpp"
#include "support/process_figures.hpp"
#include "support/steled.hpp"
#include "support/wire_peer.hpp"

using stele::test::allow_descriptors;
using stele::test::figures_of;
using stele::test::KillOracle;
using stele::test::Load;
using stele::test::ProcessFigures;
using stele::test::Steled;
using stele::test::WirePeer;

namespace {

constexpr std::size_t descriptors_besides = 200;

std::size_t scaled(std::size_t count) {
  return count * stele::test::number_from_environment("STELE_LOAD_SCALE", 1);
}

std::vector<std::string> flags_for(std::size_t connections) {
  allow_descriptors(connections + descriptors_besides);
  return {"--max-connections", std::to_string(connections + 24), "--retain-bytes", "0"};
}

ProcessFigures figures(Steled& daemon) { return figures_of(daemon.process().pid()); }

std::uint64_t stat(WirePeer& peer, std::string_view group, std::string_view name) {
  return peer.ask(R"({"op":"stats"})").at(group).at(name).to_number<std::uint64_t>();
}

/// A sanitizer keeps what is freed, and more: there the figure is printed only.
void judge_memory(std::size_t bytes, std::size_t bytes_max) {
  if (!STELE_SANITIZED) BOOST_TEST(bytes <= bytes_max);
}

std::size_t growth(std::size_t from, std::size_t to) { return to > from ? to - from : 0; }

double in_mebibytes(std::size_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

/// Waits until what the clients closed is closed at the daemon, too.
void wait_for_descriptors(Steled& daemon, std::size_t count) {
  auto const deadline = std::chrono::steady_clock::now() + stele::test::patience;
  while (figures(daemon).descriptors > count && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  BOOST_TEST(figures(daemon).descriptors <= count);
}

/// One short visit; true if a write was acknowledged.
bool visit(std::string const& socket, std::size_t number) {
  WirePeer peer(socket);
  auto const write = R"({"op":"write_log","entry":{"message":"storm"}})";
  switch (number % 5) {
    case 0:
      return false;
    case 1:
      peer.send_bytes(std::string("\0\0\1\0{\"op\":", 10));
      return false;
    case 2:
      peer.send(R"({"op":"read_logs"})");
      return false;
    case 3:
      peer.ask(R"({"op":"ping"})");
      return false;
    default:
      return peer.ask(write).at("ok").as_bool();
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(load_test)

BOOST_AUTO_TEST_CASE(a_thousand_idle_connections_cost_little_and_give_it_back) {
  auto const count = scaled(1000);
  Steled daemon("posix", flags_for(count));
  daemon.start();
  WirePeer(daemon.socket()).ask(R"({"op":"ping"})");
  auto const before = figures(daemon);
  std::vector<std::unique_ptr<WirePeer>> crowd;
  for (std::size_t i = 0; i < count; ++i) {
    crowd.push_back(std::make_unique<WirePeer>(daemon.socket()));
    BOOST_REQUIRE(crowd.back()->ask(R"({"op":"ping"})").at("ok").as_bool());
  }
  auto const each = growth(before.resident_bytes, figures(daemon).resident_bytes) / count;
  std::cout << "load_test: " << count << " idle connections: " << each << " bytes each\n";
  judge_memory(each, 32'768);
  BOOST_TEST(stat(*crowd.front(), "connections", "open") >= count);
  crowd.clear();
  wait_for_descriptors(daemon, before.descriptors);
}

BOOST_AUTO_TEST_CASE(of_512_busy_connections_nothing_acknowledged_is_lost) {
  auto const count = scaled(512);
  Steled daemon(stele::test::backends().back(), flags_for(count));
  daemon.start();
  auto const before = figures(daemon);
  std::mt19937_64 random(stele::test::number_from_environment("STELE_SEED", 1));
  KillOracle oracle;
  std::size_t own_bytes = 0;
  std::size_t peak_bytes = 0;
  {
    Load load({.socket = daemon.socket(), .name = "busy", .writers = count}, random);
    BOOST_REQUIRE(load.wait_for_replies(20 * count, daemon.process()));
    WirePeer peer(daemon.socket());
    BOOST_TEST(stat(peer, "connections", "open") > count);
    own_bytes = stat(peer, "store", "bytes") + stat(peer, "store", "index_bytes");
    peak_bytes = figures(daemon).peak_bytes;
    daemon.kill_hard();
    load.finish();
    load.tell(oracle);
  }
  auto const above = growth(before.resident_bytes + own_bytes, peak_bytes);
  std::cout << "load_test: " << count << " busy connections: " << oracle.acknowledged()
            << " entries acknowledged, a peak of " << in_mebibytes(above)
            << " MiB above the entries' own " << in_mebibytes(own_bytes) << " MiB\n";
  judge_memory(above, std::size_t{64} << 20);
  daemon.start();
  WirePeer reader(daemon.socket());
  for (auto const& sentence : oracle.judge(read_entries(reader))) BOOST_ERROR(sentence);
}

BOOST_AUTO_TEST_CASE(after_a_storm_of_connections_nothing_is_left_of_it_but_its_entries) {
  constexpr std::size_t threads_count = 8;
  auto const visits = scaled(2000) / threads_count;
  Steled daemon("posix", flags_for(1000));
  daemon.start();
  WirePeer other(daemon.socket());
  auto const accepted = stat(other, "connections", "accepted");
  auto const before = figures(daemon);
  std::atomic<std::uint64_t> acknowledged = 0;
  std::atomic<std::size_t> broken = 0;
  std::vector<std::thread> threads;
  for (std::size_t thread = 0; thread < threads_count; ++thread) {
    threads.emplace_back([&] {
      for (std::size_t i = 0; i < visits; ++i) try {
          acknowledged += visit(daemon.socket(), i) ? 1 : 0;
        } catch (std::exception const&) {
          ++broken;
        }
    });
  }
  for (auto& thread : threads) thread.join();
  wait_for_descriptors(daemon, before.descriptors);
  auto const after = figures(daemon);
  auto const more = growth(before.resident_bytes, after.peak_bytes);
  std::cout << "load_test: a storm of " << visits * threads_count << " connections: a peak of "
            << in_mebibytes(more) << " MiB more, " << after.descriptors << " descriptors after "
            << before.descriptors << "\n";
  judge_memory(more, std::size_t{8} << 20);
  BOOST_TEST(broken == 0U);
  BOOST_TEST(stat(other, "connections", "accepted") - accepted == visits * threads_count);
  BOOST_TEST(stat(other, "store", "entries") == acknowledged);
  BOOST_TEST(acknowledged == visits / 5 * threads_count);
}

BOOST_AUTO_TEST_SUITE_END()
