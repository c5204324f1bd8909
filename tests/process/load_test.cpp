// Many clients at once, and bad ones: what they cost is bounded, others do not notice, and nothing
// acknowledged is lost. The figures are printed; STELE_LOAD_SCALE makes the crowds larger.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/environment.hpp"
#include "support/kill_oracle.hpp"
#include "support/load.hpp"
#include "support/process_figures.hpp"
#include "support/steled.hpp"
#include "support/subject.hpp"
#include "support/wire_peer.hpp"

using stele::test::allow_descriptors;
using stele::test::figures_of;
using stele::test::is_sanitized;
using stele::test::KillOracle;
using stele::test::Load;
using stele::test::ProcessFigures;
using stele::test::Steled;
using stele::test::WirePeer;

BOOST_AUTO_TEST_SUITE(load_test)

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
  if (!is_sanitized()) BOOST_TEST(bytes <= bytes_max);
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

constexpr std::string_view write_one = R"({"op":"write_log","entry":{"message":"m"}})";

/// Writes without a pause, 300 requests of 10 kB at a time, until it is told to stop.
class Flood {
 public:
  explicit Flood(std::string const& socket)
      : thread_([this, socket] {
          WirePeer peer(socket);
          auto const write =
              R"({"op":"write_log","entry":{"message":")" + std::string(10'000, 'f') + "\"}}";
          std::string requests;
          for (int i = 0; i < at_a_time; ++i) requests += stele::test::frame(write);
          while (!stop_) {
            peer.send_bytes(requests);
            for (int i = 0; i < at_a_time; ++i)
              acknowledged_ += peer.receive_json().at("ok").as_bool() ? 1 : 0;
          }
        }) {}
  ~Flood() {
    stop_ = true;
    thread_.join();
  }
  std::size_t acknowledged() const noexcept { return acknowledged_; }

 private:
  static constexpr int at_a_time = 300;
  std::atomic<bool> stop_ = false;
  std::atomic<std::size_t> acknowledged_ = 0;
  std::thread thread_;
};

/// How many commits end from the moment a write is taken until it is readable.
std::uint64_t commits_of_one_write(WirePeer& peer) {
  auto const stats = stele::test::frame(R"({"op":"stats"})");
  // A read is answered behind the write that was sent before it, and the stats behind the read.
  peer.send_bytes(stats + stele::test::frame(write_one) +
                  stele::test::frame(R"({"op":"read_logs","limit":0})") + stats);
  auto const commits = [&] {
    return peer.receive_json().at("wal").at("commits").to_number<std::uint64_t>();
  };
  auto const before = commits();
  BOOST_TEST(peer.receive_json().at("ok").as_bool());
  peer.receive_json();
  return commits() - before;
}

/// A process that follows the log, reads the first frame and stops. When it is let go on it reads
/// until it has seen an entry with `last_words`, and ends with 0 if each seq came once and in
/// order, but for those that it was told it had lost.
pid_t start_stopped_reader(std::string const& socket, std::string_view last_words) {
  pid_t const child = ::fork();
  BOOST_REQUIRE(child >= 0);
  if (child != 0) return child;
  int code = 1;
  try {
    WirePeer peer(socket);
    peer.send(R"({"op":"read_logs","follow":true})");
    auto text = peer.receive();
    ::raise(SIGSTOP);
    std::uint64_t last = 0;
    for (; text; text = peer.receive()) {
      bool in_order = true;
      for (auto const& entry : stele::test::entries_of(*text)) {
        in_order = in_order && entry.seq == last + 1;
        last = entry.seq;
      }
      if (!in_order) break;
      if (text->find(last_words) != std::string::npos) {
        code = 0;
        break;
      }
    }
  } catch (std::exception const& error) {
    std::cerr << "the stopped reader: " << error.what() << '\n';
  }
  ::_exit(code);
}

}  // namespace

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

BOOST_AUTO_TEST_CASE(requests_that_trickle_in_cost_what_has_arrived_and_are_closed) {
  auto const count = scaled(200);
  auto flags = flags_for(count);
  flags.insert(flags.end(), {"--request-timeout", "2s"});
  Steled daemon("posix", flags);
  daemon.start();
  WirePeer other(daemon.socket());
  other.ask(write_one);
  auto const before = figures(daemon);
  std::vector<std::unique_ptr<WirePeer>> crowd;
  // 15 MiB are announced by each, and a byte of it comes at a time.
  for (std::size_t i = 0; i < count; ++i) {
    crowd.push_back(std::make_unique<WirePeer>(daemon.socket()));
    crowd.back()->send_bytes(std::string_view("\0\xf0\0\0{", 5));
  }
  int written = 0;
  while (stat(other, "connections", "timed_out") < count) {
    for (auto const& peer : crowd) peer->send_bytes("\"");
    BOOST_REQUIRE(other.ask(write_one).at("ok").as_bool());
    ++written;
  }
  auto const more = growth(before.resident_bytes, figures(daemon).peak_bytes);
  std::cout << "load_test: " << count << " unfinished requests of 15 MiB: a peak of "
            << in_mebibytes(more) << " MiB more, " << written << " writes of another meanwhile\n";
  judge_memory(more, std::size_t{16} << 20);
  BOOST_TEST(written > 1);
  wait_for_descriptors(daemon, before.descriptors);
}

BOOST_AUTO_TEST_CASE(a_quiet_clients_write_gets_into_the_next_commit_under_a_flood) {
  Steled daemon(stele::test::backends().back(), {"--retain-bytes", "0"});
  daemon.start();
  WirePeer quiet(daemon.socket());
  std::vector<std::unique_ptr<Flood>> floods;
  for (int i = 0; i < 8; ++i) floods.push_back(std::make_unique<Flood>(daemon.socket()));
  auto const flooded = [&] {
    return std::ranges::all_of(floods, [](auto const& flood) { return flood->acknowledged() > 0; });
  };
  while (!flooded()) BOOST_REQUIRE(quiet.ask(write_one).at("ok").as_bool());
  std::vector<std::uint64_t> commits;
  for (int i = 0; i < 100; ++i) commits.push_back(commits_of_one_write(quiet));
  std::ranges::sort(commits);
  std::cout << "load_test: a write beside 8 floods: " << commits[50] << " commits, at most "
            << commits.back() << '\n';
  // The one on its way, its own, and one that ends while the answers are made.
  BOOST_TEST(commits.back() <= 3U);
}

BOOST_AUTO_TEST_CASE(a_reader_that_is_stopped_costs_little_and_goes_on_where_it_was) {
  Steled daemon("posix", {"--retain-bytes", "0"});
  daemon.start();
  WirePeer writer(daemon.socket());
  writer.ask(write_one);
  pid_t const reader = start_stopped_reader(daemon.socket(), "the last");
  int status = 0;
  BOOST_REQUIRE(::waitpid(reader, &status, WUNTRACED) == reader);
  BOOST_REQUIRE(WIFSTOPPED(status));
  auto const before = figures(daemon);
  auto const entries_before = stat(writer, "store", "bytes");
  std::string write =
      R"({"op":"write_log","entry":{"message":")" + std::string(10'000, 'x') + "\"}}";
  for (int i = 0; i < 3000; ++i) BOOST_REQUIRE(writer.ask(write).at("ok").as_bool());
  auto const own = stat(writer, "store", "bytes") - entries_before;
  auto const more = growth(before.resident_bytes + own, figures(daemon).peak_bytes);
  std::cout << "load_test: a stopped reader: a peak of " << in_mebibytes(more)
            << " MiB above the entries' own " << in_mebibytes(own) << " MiB\n";
  judge_memory(more, std::size_t{8} << 20);
  writer.ask(R"({"op":"write_log","entry":{"message":"the last"}})");
  ::kill(reader, SIGCONT);
  BOOST_REQUIRE(::waitpid(reader, &status, 0) == reader);
  BOOST_TEST((WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

BOOST_AUTO_TEST_SUITE_END()
