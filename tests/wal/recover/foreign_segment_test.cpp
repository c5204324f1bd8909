// Two copies of one log went on for themselves, and segments of the one lie in the places of the
// other's: store id, numbers, seqs and even chains fit. They are neither served nor hidden.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "support/known_log.hpp"
#include "wal/format/segment_name.hpp"
#include "wal/offline/backup.hpp"
#include "wal/offline/salvage.hpp"

using namespace stele::wal;
using stele::test::Crash;
using stele::test::KnownLog;
using stele::test::LogFixture;
using stele::test::segments_of;
using stele::test::SimulatedDisk;

BOOST_AUTO_TEST_SUITE(foreign_segment_test)

namespace {

/// A life that writes this many payloads, about eleven in a segment. `closed`: it ends in a stop.
void live(KnownLog& log, int payloads, bool closed) {
  if (!closed) {
    return log.live([&](LogFixture& life) {
      log.write_large(life, payloads);
      life.idle();
    });
  }
  LogFixture life(log.disk);
  BOOST_TEST_REQUIRE(life.open(), life.failure.message);
  log.write_large(life, payloads);
  life.stop();
}

struct Branches {
  KnownLog ours{};
  SimulatedDisk theirs{{}};
};

/// Both begin with the same two segments. `lives`: of ours behind them.
Branches fork(int lives, bool ours_closed, bool theirs_closed) {
  Branches made;
  live(made.ours, 15, true);
  made.theirs = made.ours.disk.clone();
  made.theirs.random(2);  // From here on its salts are others.
  for (int i = 0; i < lives; ++i) live(made.ours, 60 / lives, ours_closed);
  LogFixture life(made.theirs);
  BOOST_TEST_REQUIRE(life.open(), life.failure.message);
  for (int i = 0; i < 60; ++i) life.write("theirs" + std::string(4994, 'y'));
  life.idle();
  theirs_closed ? life.stop() : life.crash(Crash::kill);
  return made;
}

struct Sink final : RecoverySink {
  void on_payload(Seq, std::string_view payload) override {
    if (payload.starts_with("theirs")) ++foreign;
  }
  int foreign = 0;
};

void check_copies(SimulatedDisk const& damaged, KnownLog const& ours) {
  auto const none_in = [](SimulatedDisk const& disk) {
    Sink sink;
    auto copy = disk.clone();
    BOOST_TEST_REQUIRE(deliver_log(*copy.mount(), sink).has_value());
    BOOST_TEST(sink.foreign == 0);
  };
  none_in(damaged);
  auto source = damaged.clone();
  auto const from = source.mount();
  SimulatedDisk salvaged({.seed = 5});
  auto const options = SalvageOptions{.in_use = [] { return false; },
                                      .entropy = [&] { return salvaged.random(UINT64_MAX); }};
  BOOST_TEST_REQUIRE(salvage_log(*from, *salvaged.mount(), options).has_value());
  none_in(salvaged);
  SimulatedDisk copied({.seed = 5});
  auto const done = backup_log(*from, *copied.mount(), [] { return false; });
  BOOST_TEST_REQUIRE(done.has_value(), done.error().message);
  BOOST_TEST(done->check.has(Finding::Kind::damage));
  ours.check_start(copied);
}

/// Each stretch of segments is taken from them that lies where both have parted.
void check_each_stretch(Branches const& branches) {
  // No structured binding: clang 14 does not capture one.
  auto const& ours = branches.ours;
  auto const& theirs = branches.theirs;
  auto const names = segments_of(ours.disk);
  auto const is_foreign = [&](std::string const& name) {
    return theirs.has(name) && theirs.bytes(name) != ours.disk.bytes(name);
  };
  auto const first =
      static_cast<std::size_t>(std::ranges::find_if(names, is_foreign) - names.begin());
  int stretches = 0;
  for (auto from = first; from < names.size(); ++from) {
    for (auto to = from; to < names.size() && is_foreign(names[to]); ++to) {
      BOOST_TEST_CONTEXT(names[from] << " to " << names[to]) {
        auto disk = ours.disk.clone();
        bool any = false;
        for (auto at = from; at <= to; ++at) {
          disk.put(names[at], theirs.bytes(names[at]));
          any = any || !commits_of(theirs, names[at]).empty() ||
                !commits_of(ours.disk, names[at]).empty();
        }
        if (!any) continue;  // A spare in the place of another one.
        ++stretches;
        check_copies(disk, ours);
        auto const start = ours.check_start(disk);
        BOOST_TEST(start.complains());
        // What lies in our own segments is served.
        auto const before = commits_of(ours.disk, names[from]).front().header.first_seq;
        for (auto const& [seq, payload] : ours.payloads) {
          if (seq < before) BOOST_TEST(start.payloads.contains(seq), seq);
        }
      }
    }
  }
  BOOST_TEST(stretches >= 10);
}

}  // namespace

BOOST_AUTO_TEST_CASE(no_stretch_of_another_branch_is_served_or_hidden_in_a_closed_log) {
  for (int const lives : {1, 2}) {
    for (bool const theirs_closed : {true, false}) {
      check_each_stretch(fork(lives, true, theirs_closed));
    }
  }
}

BOOST_AUTO_TEST_CASE(no_stretch_of_another_branch_is_served_or_hidden_in_a_log_that_was_killed) {
  for (int const lives : {1, 2}) {
    for (bool const theirs_closed : {true, false}) {
      check_each_stretch(fork(lives, false, theirs_closed));
    }
  }
}

// It may be put back: nothing has taken its name, and what it holds was given out.
BOOST_AUTO_TEST_CASE(a_foreign_segment_is_put_aside_and_the_true_one_can_be_put_back) {
  auto const [ours, theirs] = fork(1, true, true);
  auto disk = ours.disk.clone();
  auto const name = segments_of(disk).at(3);
  disk.put(name, theirs.bytes(name));
  LogFixture life(disk);
  BOOST_TEST_REQUIRE(life.open(), life.failure.message);
  BOOST_TEST((life.sink.payloads != ours.payloads));
  life.stop();
  BOOST_TEST(!disk.has(name));
  BOOST_TEST((disk.bytes(name + std::string(stray_suffix)) == theirs.bytes(name)));
  disk.put(name, ours.disk.bytes(name));
  BOOST_TEST_REQUIRE(life.open(), life.failure.message);
  BOOST_TEST((life.sink.payloads == ours.payloads));
}

// MANIFEST of 1.1 does not know the last segment's salt: what neighbours say is left.
BOOST_AUTO_TEST_CASE(without_a_salt_in_manifest_a_segment_that_no_neighbour_knows_is_not_served) {
  auto const [ours, theirs] = fork(1, true, true);
  auto disk = ours.disk.clone();
  disk.remove(std::string(manifest_name));
  auto const name = segments_of(disk).at(4);
  disk.put(name, theirs.bytes(name));
  auto const start = ours.check_start(disk);
  BOOST_TEST(start.complains());
}

BOOST_AUTO_TEST_SUITE_END()
