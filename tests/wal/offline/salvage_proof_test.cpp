// What salvage takes out of damage is proven to be of the log: a segment without headers may be any
// log's, every log has a commit of each number, and a payload's checksum does not know whose it is.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <random>
#include <string>
#include <vector>

#include "support/known_log.hpp"
#include "wal/format/segment_name.hpp"
#include "wal/offline/salvage.hpp"

using namespace stele::wal;
using stele::test::commits_of;
using stele::test::is_named;
using stele::test::KnownLog;
using stele::test::LogFixture;
using stele::test::place_of;
using stele::test::SimulatedDisk;

BOOST_AUTO_TEST_SUITE(salvage_proof_test)

namespace {

/// Groups of eight payloads of 300 bytes, each a commit; payloads of two logs differ in their words
/// only, so that all else lies at the same places.
KnownLog log_of_groups(std::string const& word, std::uint64_t seed, int groups = 60) {
  KnownLog log;
  log.disk = SimulatedDisk({.seed = seed});
  log.live([&](LogFixture& life) {
    for (int i = 0; i < groups; ++i) {
      std::vector<std::string> group;
      for (int k = 0; k < 8; ++k) {
        auto text = word + " " + std::to_string(i) + "." + std::to_string(k);
        group.push_back(text + std::string(300 - text.size(), 'x'));
      }
      auto const first = life.append_group(group);
      for (Seq k = 0; k < group.size(); ++k) log.payloads[first + k] = group[k];
      life.settle();
    }
    life.idle();
  });
  return log;
}

void drop_headers(SimulatedDisk& disk, std::uint64_t segment_no) {
  std::fill_n(disk.bytes(segment_name(segment_no)).begin(), first_commit_offset, std::byte{0});
}

/// Salvages, and checks that each payload is one of `log`, at its place, and that what is not there
/// is named.
std::map<Seq, std::string> salvaged(SimulatedDisk const& source, KnownLog const& log) {
  auto copy = source.clone();
  SimulatedDisk target{{.seed = 9}};
  SalvageOptions const options{
      .in_use = [] { return false; },
      .entropy = [engine = std::mt19937_64(7)]() mutable { return engine(); }};
  auto const report = salvage_log(*copy.mount(), *target.mount(), options);
  BOOST_TEST_REQUIRE(report.has_value(), report.error().message);
  LogFixture life(target);
  BOOST_TEST_REQUIRE(life.open(), life.failure.message);
  BOOST_TEST(life.report().findings.empty());
  for (auto const& [seq, payload] : life.sink.payloads) {
    BOOST_TEST_REQUIRE(log.payloads.contains(seq));
    BOOST_TEST((log.payloads.at(seq) == payload), "seq " << seq << ": " << payload.substr(0, 16));
    BOOST_TEST(!is_named(life.report().gaps, seq));
  }
  for (auto const& [seq, payload] : log.payloads) {
    BOOST_TEST((life.sink.payloads.contains(seq) || is_named(life.report().gaps, seq)), seq);
  }
  return life.sink.payloads;
}

std::uint64_t used_segments(SimulatedDisk const& disk) {
  return stele::test::segments_of(disk).size() - 1;  // The last is the spare.
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_segment_of_another_log_without_headers_gives_nothing) {
  auto const mine = log_of_groups("mine", 1);
  auto const foreign = log_of_groups("them", 77);
  auto const used = used_segments(mine.disk);
  BOOST_TEST_REQUIRE(used >= 3u);
  for (std::uint64_t no = 1; no <= used; ++no) {
    for (bool const knows_next : {true, false}) {
      BOOST_TEST_CONTEXT("segment " << no
                                    << (knows_next ? "" : ", and the next has lost its own")) {
        auto source = mine.disk.clone();
        source.put(segment_name(no), foreign.disk.bytes(segment_name(no)));
        drop_headers(source, no);
        if (!knows_next) drop_headers(source, no + 1);
        auto const found = salvaged(source, mine);
        BOOST_TEST(found.size() < mine.payloads.size());
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(all_segments_of_another_log_without_headers_give_nothing) {
  auto const mine = log_of_groups("mine", 1);
  auto const foreign = log_of_groups("them", 77);
  auto source = mine.disk.clone();
  for (std::uint64_t no = 1; no <= used_segments(mine.disk); ++no) {
    source.put(segment_name(no), foreign.disk.bytes(segment_name(no)));
    drop_headers(source, no);
  }
  BOOST_TEST(salvaged(source, mine).empty());
}

// What the neighbours say is enough, each for itself: the next header, or the commit before.
BOOST_AUTO_TEST_CASE(our_own_segments_without_headers_are_copied_whole) {
  auto const mine = log_of_groups("mine", 1);
  auto const used = used_segments(mine.disk);
  for (std::uint64_t no = 1; no <= used; ++no) {
    for (std::uint64_t count = 1; no + count - 1 <= used + 1; ++count) {
      BOOST_TEST_CONTEXT("segments " << no << " to " << no + count - 1) {
        auto source = mine.disk.clone();
        for (std::uint64_t k = 0; k < count; ++k) drop_headers(source, no + k);
        auto const found = salvaged(source, mine);
        // The first commit of each log has the same chain: only the next header tells.
        if (no > 1 || count == 1) BOOST_TEST((found == mine.payloads));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(segments_that_changed_places_give_nothing_in_place_of_each_other) {
  auto const mine = log_of_groups("mine", 1);
  for (bool const with_headers : {true, false}) {
    auto source = mine.disk.clone();
    std::swap(source.bytes(segment_name(2)), source.bytes(segment_name(3)));
    if (!with_headers) {
      drop_headers(source, 2);
      drop_headers(source, 3);
    }
    salvaged(source, mine);
  }
}

BOOST_AUTO_TEST_CASE(a_segment_of_an_earlier_life_in_place_of_ours_gives_nothing) {
  auto mine = log_of_groups("mine", 1, 30);
  auto branch = log_of_groups("mine", 1, 30);
  branch.disk.random(2);
  for (auto* one : {&mine, &branch}) {
    one->live([&](LogFixture& life) {
      for (int i = 0; i < 60; ++i) {
        one->write(life, (one == &mine ? "ours" : "past") + std::string(2000, 'x'));
      }
      life.idle();
    });
  }
  for (std::uint64_t no = 2; no <= used_segments(mine.disk); ++no) {
    auto source = mine.disk.clone();
    source.put(segment_name(no), branch.disk.bytes(segment_name(no)));
    drop_headers(source, no);
    BOOST_TEST_CONTEXT("segment " << no) { salvaged(source, mine); }
  }
}

BOOST_AUTO_TEST_CASE(commits_of_another_log_inside_our_segment_give_nothing) {
  auto const mine = log_of_groups("mine", 1);
  auto const foreign = log_of_groups("them", 77);
  auto const place = place_of(mine.disk, 17).commit;
  auto const begin = static_cast<std::ptrdiff_t>(place.offset);
  auto const end = static_cast<std::ptrdiff_t>(place.end);
  auto source = mine.disk.clone();
  auto const& bytes = foreign.disk.bytes(segment_name(1));
  std::copy(bytes.begin() + begin, bytes.begin() + end,
            source.bytes(segment_name(1)).begin() + begin);
  auto const found = salvaged(source, mine);
  BOOST_TEST(found.size() == mine.payloads.size() - 8);
}

// A misdirected write: sectors of another log lie in a commit of ours whose header is whole. Their
// records have their own right checksums, and lie where ours would.
BOOST_AUTO_TEST_CASE(sectors_of_another_log_inside_our_commit_give_nothing) {
  auto const mine = log_of_groups("mine", 1);
  auto const foreign = log_of_groups("them", 77);
  auto const place = place_of(mine.disk, 17).commit;
  for (std::uint64_t from = 1; from < 5; ++from) {
    for (std::uint64_t to = from + 1; to <= 5; ++to) {
      auto source = mine.disk.clone();
      auto const begin = static_cast<std::ptrdiff_t>(place.offset + from * 512);
      auto const& bytes = foreign.disk.bytes(segment_name(1));
      std::copy_n(bytes.begin() + begin, (to - from) * 512,
                  source.bytes(segment_name(1)).begin() + begin);
      BOOST_TEST_CONTEXT("sectors " << from << " to " << to) {
        auto const found = salvaged(source, mine);
        BOOST_TEST(found.contains(17), "the first lies in the sector of the header");
      }
    }
  }
}

// While rot in some payloads costs these alone.
BOOST_AUTO_TEST_CASE(rot_in_several_payloads_of_a_commit_costs_only_them) {
  auto const mine = log_of_groups("mine", 1);
  auto source = mine.disk.clone();
  auto const place = place_of(mine.disk, 17).commit;
  auto const payload = [&](std::uint64_t k) {
    return place.offset + commit_header_bytes + group_header_bytes +
           k * (record_header_bytes + 300) + record_header_bytes;
  };
  for (std::uint64_t const k : {1u, 4u, 7u}) {
    source.bytes(segment_name(1))[payload(k) + 100 + k] ^= std::byte{5};
  }
  auto expected = mine.payloads;
  for (Seq const k : {1u, 4u, 7u}) expected.erase(17 + k);
  BOOST_TEST((salvaged(source, mine) == expected));
}

BOOST_AUTO_TEST_SUITE_END()
