// Hours of load in one life: nothing grows that retention does not let grow. STELE_SOAK_SECONDS:
// how long (two by default).
#include <algorithm>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "support/environment.hpp"
#include "support/load.hpp"
#include "support/process_figures.hpp"
#include "support/steled.hpp"
#include "support/subject.hpp"
#include "support/wire_peer.hpp"

using stele::test::figures_of;
using stele::test::is_sanitized;
using stele::test::Load;
using stele::test::Steled;
using stele::test::WireEntry;
using stele::test::WirePeer;

namespace {

constexpr std::uint64_t segment_bytes = std::uint64_t{1} << 20;
constexpr std::uint64_t retain_bytes = std::uint64_t{8} << 20;

/// The least and the most of something that is looked at again and again.
struct Span {
  std::size_t least = SIZE_MAX;
  std::size_t most = 0;
  void add(std::size_t value) {
    least = std::min(least, value);
    most = std::max(most, value);
  }
};

std::size_t files_in(std::string const& path) {
  std::filesystem::directory_iterator const files(path);
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

std::uint64_t removed_seq(WirePeer& peer) {
  auto const stats = peer.ask(R"({"op":"stats"})");
  return stats.at("store").at("removed_seq").to_number<std::uint64_t>();
}

/// All entries of a daemon that nobody writes to. What it removes while they are read is read
/// again.
std::vector<WireEntry> entries_by_seq(Steled const& daemon) {
  WirePeer peer(daemon.socket());
  for (;;) {
    auto const removed = removed_seq(peer);
    auto entries = read_entries(peer);
    if (removed_seq(peer) != removed) continue;
    std::ranges::sort(entries, {}, &WireEntry::seq);
    return entries;
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(soak_test)

BOOST_DATA_TEST_CASE(a_long_life_needs_no_more_than_its_first_minutes, stele::test::backends(),
                     backend) {
  std::chrono::seconds const length(stele::test::number_from_environment("STELE_SOAK_SECONDS", 2));
  Steled daemon(backend, {"--segment-bytes", std::to_string(segment_bytes), "--retain-bytes",
                          std::to_string(retain_bytes)});
  daemon.start();
  std::mt19937_64 random(stele::test::number_from_environment("STELE_SEED", 1));
  Load load({.socket = daemon.socket(), .name = "soak", .writers = 16}, random);
  WirePeer peer(daemon.socket());
  while (removed_seq(peer) == 0) BOOST_REQUIRE(load.wait_for_replies(100, daemon.process()));

  Span resident;
  Span descriptors;
  Span files;
  auto const end = std::chrono::steady_clock::now() + length;
  while (std::chrono::steady_clock::now() < end) {
    BOOST_REQUIRE(load.wait_for_replies(1, daemon.process()));
    auto const figures = figures_of(daemon.process().pid());
    resident.add(figures.resident_bytes);
    descriptors.add(figures.descriptors);
    files.add(files_in(daemon.data_dir()));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  load.finish();
  std::cout << "soak_test: " << backend << ", " << length.count() << " s: " << load.acknowledged()
            << " entries acknowledged, " << (resident.least >> 20) << " to "
            << (resident.most >> 20) << " MiB resident, " << descriptors.least << " to "
            << descriptors.most << " descriptors, " << files.least << " to " << files.most
            << " files\n";
  if (!is_sanitized()) BOOST_TEST(resident.most <= retain_bytes + (std::size_t{48} << 20));
  BOOST_TEST(descriptors.most <= descriptors.least + 8);
  BOOST_TEST(files.most <= retain_bytes / segment_bytes + 6);
  BOOST_TEST(load.refused() == 0U);

  // What is left has no gap, and a restart finds it, but for what it removes itself.
  auto const left = entries_by_seq(daemon);
  daemon.kill_hard();
  daemon.start();
  auto const again = entries_by_seq(daemon);
  BOOST_REQUIRE(!again.empty());
  BOOST_TEST(left.back().seq - left.front().seq + 1 == left.size());
  BOOST_REQUIRE(again.size() <= left.size());
  auto const same = [](WireEntry const& a, WireEntry const& b) {
    return a.seq == b.seq && a.timestamp == b.timestamp && a.body == b.body;
  };
  BOOST_TEST(std::equal(again.rbegin(), again.rend(), left.rbegin(), same));
}

BOOST_AUTO_TEST_SUITE_END()
