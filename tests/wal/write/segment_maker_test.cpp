#include "wal/write/segment_maker.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <utility>
#include <variant>
#include <vector>

#include "support/sanitized.hpp"
#include "support/segment_view.hpp"
#include "support/simulated_disk.hpp"
#include "wal/format/segment_name.hpp"
#include "wal/recover/log_files.hpp"

using namespace stele::wal;
using stele::test::Crash;
using stele::test::SimulatedDisk;
using State = SegmentMaker::State;

BOOST_AUTO_TEST_SUITE(segment_maker_test)

namespace {

struct Fixture {
  explicit Fixture(stele::test::SimulatedDiskOptions const& options = {}) : disk(options) {}

  SegmentMaker::Plan plan(std::uint64_t segment_no = 1) const {
    return {.header = {.segment_bytes = 64 << 10,
                       .commit_align = 512,
                       .segment_no = segment_no,
                       .salt = 99},
            .manifest = {.last_segment_no = segment_no}};
  }
  /// What goes on a full disk is left out of what stands there, as a log does it.
  void start(SegmentMaker::Plan plan) {
    plan.shortened = on_disk;
    plan.shortened.first_segment_no =
        std::max(on_disk.first_segment_no, plan.manifest.first_segment_no);
    maker.start(std::move(plan));
  }
  State finish() {
    while (maker.state() == State::working) directory->wait();
    return maker.state();
  }
  State make(SegmentMaker::Plan const& wanted) {
    start(wanted);
    auto const state = finish();
    if (state == State::ready) on_disk = wanted.manifest;
    return state;
  }

  SimulatedDisk disk;
  std::unique_ptr<Directory> directory = disk.mount();
  SegmentMaker maker{*directory};
  Manifest on_disk{};
};

Manifest manifest_on(SimulatedDisk& disk) {
  auto const& bytes = disk.bytes(std::string(manifest_name));
  return std::get<Manifest>(
      decode_manifest(std::span<std::byte const, manifest_bytes>(bytes.data(), manifest_bytes)));
}

bool all_zero(std::span<std::byte const> bytes) {
  return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
}

constexpr auto eio = boost::system::errc::io_error;

}  // namespace

BOOST_AUTO_TEST_CASE(a_segment_is_two_headers_and_zeros_and_the_manifest_names_it) {
  Fixture fix;
  BOOST_TEST((fix.make(fix.plan()) == State::ready));
  std::vector<std::string> const expected{"MANIFEST", "MANIFEST.tmp", segment_name(1)};
  BOOST_TEST((fix.disk.names() == expected));
  auto const& bytes = fix.disk.bytes(segment_name(1));
  BOOST_TEST_REQUIRE(bytes.size() == 64u << 10);
  auto const header = encode_segment_header(fix.plan().header);
  auto const all = std::span<std::byte const>(bytes);
  BOOST_TEST(std::ranges::equal(all.first(header.size()), header));
  BOOST_TEST(std::ranges::equal(all.subspan(header_block_bytes, header.size()), header));
  BOOST_TEST(all_zero(all.subspan(header.size(), header_block_bytes - header.size())));
  BOOST_TEST(all_zero(all.subspan(header_block_bytes + header.size())));
  BOOST_TEST((manifest_on(fix.disk) == fix.plan().manifest));
}

BOOST_AUTO_TEST_CASE(what_is_ready_survives_a_power_cut) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SimulatedDisk disk({.seed = seed});
    {
      auto const directory = disk.mount();
      SegmentMaker maker(*directory);
      maker.start(Fixture().plan());
      while (maker.state() == State::working) directory->wait();
      BOOST_TEST((maker.state() == State::ready));
      disk.crash(Crash::power_cut);
    }
    BOOST_TEST_REQUIRE(disk.has(segment_name(1)));
    BOOST_TEST((stele::test::header_of(disk, segment_name(1)) == Fixture().plan().header));
    BOOST_TEST(all_zero(std::span(disk.bytes(segment_name(1))).subspan(first_commit_offset)));
    BOOST_TEST(manifest_on(disk).last_segment_no == 1u);
  }
}

BOOST_AUTO_TEST_CASE(expired_segments_go_and_damaged_ones_are_kept_under_another_name) {
  Fixture fix;
  for (std::uint64_t no = 1; no <= 3; ++no) {
    BOOST_TEST((fix.make(fix.plan(no)) == State::ready));
    (void)fix.maker.take();
  }
  auto plan = fix.plan(4);
  plan.expired = {{.segment_no = 1}, {.segment_no = 2, .damaged = true}};
  BOOST_TEST((fix.make(plan) == State::ready));
  std::vector<std::string> const expected{"MANIFEST", "MANIFEST.tmp", segment_name(2) + ".damaged",
                                          segment_name(3), segment_name(4)};
  BOOST_TEST((fix.disk.names() == expected));
}

BOOST_AUTO_TEST_CASE(a_full_disk_leaves_nothing_behind_and_can_be_tried_again) {
  Fixture fix;
  fix.disk.set_capacity(1000);
  BOOST_TEST((fix.make(fix.plan()) == State::failed));
  BOOST_TEST((fix.maker.failure().code == Errc::no_space));
  BOOST_TEST(fix.disk.names().empty());
  fix.disk.set_capacity(UINT64_MAX);
  BOOST_TEST((fix.make(fix.plan()) == State::ready));
}

// Room for the segment but not for the MANIFEST: the segment must not stay and hold the space that
// the next attempt needs.
BOOST_AUTO_TEST_CASE(a_disk_that_fills_up_before_the_manifest_leaves_nothing_behind) {
  Fixture fix;
  fix.disk.set_capacity(64 << 10);
  BOOST_TEST((fix.make(fix.plan()) == State::failed));
  BOOST_TEST((fix.maker.failure().code == Errc::no_space));
  BOOST_TEST(fix.disk.names().empty());
  fix.disk.set_capacity((64 << 10) + manifest_bytes);
  BOOST_TEST((fix.make(fix.plan()) == State::ready));
}

BOOST_AUTO_TEST_CASE(an_error_at_any_step_is_a_failure_and_never_a_manifest_without_its_segment) {
  for (std::uint64_t step = 0;; ++step) {
    Fixture fix;
    BOOST_TEST((fix.make(fix.plan(1)) == State::ready));
    (void)fix.maker.take();
    fix.disk.fail_after(step, make_error_code(eio));
    auto plan = fix.plan(2);
    plan.manifest.first_segment_no = 1;
    auto const state = fix.make(plan);
    if (!fix.disk.has_failed()) break;
    if (state == State::ready) {
      // Only the space of the next MANIFEST could not be had; it is asked for again.
      BOOST_TEST((manifest_on(fix.disk) == plan.manifest), "step " << step);
      continue;
    }
    BOOST_TEST((state == State::failed), "step " << step);
    BOOST_TEST((fix.maker.failure().code == eio));
    BOOST_TEST(fix.disk.has(segment_name(manifest_on(fix.disk).last_segment_no)), "step " << step);
    BOOST_TEST(fix.disk.has(segment_name(1)));
  }
}

/// Three segments on a disk that is full since then; a fourth, for which the first two go.
struct FullDisk : Fixture {
  explicit FullDisk(stele::test::SimulatedDiskOptions const& options = {}) : Fixture(options) {
    for (std::uint64_t no = 1; no <= 3; ++no) {
      BOOST_TEST((make(plan(no)) == State::ready));
      (void)maker.take();
    }
    auto& bytes = disk.bytes(segment_name(1));
    std::fill(bytes.begin() + first_commit_offset, bytes.end(), std::byte{'x'});
    fourth.expired = {{.segment_no = 1}, {.segment_no = 2}};
    fourth.manifest.first_segment_no = 3;
    disk.take_free_space();
  }

  SegmentMaker::Plan fourth = plan(4);
};

BOOST_AUTO_TEST_CASE(
    on_a_full_disk_what_has_expired_goes_first_and_gives_its_space_to_nobody_else) {
  FullDisk fix;
  fix.start(fix.fourth);
  while (fix.maker.state() == State::working) {
    fix.directory->wait();
    fix.disk.take_free_space();  // Another program is waiting for it.
  }
  BOOST_TEST((fix.maker.state() == State::ready), fix.maker.failure().message);
  BOOST_TEST(fix.maker.expiry_is_done());
  std::vector<std::string> const expected{"MANIFEST", "MANIFEST.tmp", segment_name(3),
                                          segment_name(4)};
  BOOST_TEST((fix.disk.names() == expected));
  BOOST_TEST((manifest_on(fix.disk) == fix.fourth.manifest));
  BOOST_TEST((stele::test::header_of(fix.disk, segment_name(4)) == fix.fourth.header));
  BOOST_TEST(all_zero(std::span(fix.disk.bytes(segment_name(4))).subspan(first_commit_offset)));
}

BOOST_AUTO_TEST_CASE(the_largest_of_what_may_go_becomes_the_new_segment) {
  FullDisk fix;
  fix.directory->release_zeros(segment_name(2), first_commit_offset);
  auto& unused = fix.disk.bytes(segment_name(1));
  std::fill(unused.begin(), unused.end(), std::byte{'u'});
  BOOST_REQUIRE(fix.directory->rename(segment_name(1), segment_name(9) + ".tmp"));
  fix.disk.take_free_space();
  fix.fourth.expired = {{.segment_no = 2}};
  fix.fourth.unused = {segment_name(8), segment_name(9) + ".tmp"};  // One of them is not there.
  BOOST_TEST((fix.make(fix.fourth) == State::ready), fix.maker.failure().message);
  std::vector<std::string> const expected{"MANIFEST", "MANIFEST.tmp", segment_name(3),
                                          segment_name(4)};
  BOOST_TEST((fix.disk.names() == expected));
}

BOOST_AUTO_TEST_CASE(expired_segments_that_are_too_small_are_kept_for_the_next_attempt) {
  FullDisk fix;
  fix.fourth.header.segment_bytes = 256 << 10;
  BOOST_TEST((fix.make(fix.fourth) == State::failed));
  BOOST_TEST((fix.maker.failure().code == Errc::no_space));
  BOOST_TEST(fix.maker.expiry_is_done());
  BOOST_TEST(manifest_on(fix.disk).first_segment_no == 3U);
  BOOST_TEST(manifest_on(fix.disk).last_segment_no == 3U);
  BOOST_TEST(fix.disk.has(segment_name(4) + ".tmp"));
  fix.disk.set_capacity(fix.disk.used_bytes() + (192 << 10));
  auto again = fix.plan(4);
  again.header.segment_bytes = 256 << 10;
  again.manifest.first_segment_no = 3;
  fix.on_disk = manifest_on(fix.disk);
  BOOST_TEST((fix.make(again) == State::ready), fix.maker.failure().message);
  BOOST_TEST(all_zero(std::span(fix.disk.bytes(segment_name(4))).subspan(first_commit_offset)));
}

BOOST_AUTO_TEST_CASE(a_damaged_segment_gives_its_space_to_none) {
  FullDisk fix;
  fix.fourth.expired = {{.segment_no = 1, .damaged = true}};
  fix.fourth.manifest.first_segment_no = 2;
  BOOST_TEST((fix.make(fix.fourth) == State::failed));
  BOOST_TEST(fix.disk.has(segment_name(1) + ".damaged"));
}

// MANIFEST on disk names only segments that are there with all their bytes, whenever a crash comes.
BOOST_AUTO_TEST_CASE(a_crash_at_any_step_on_a_full_disk_leaves_what_manifest_names) {
  for (auto const kind : {Crash::kill, Crash::power_cut}) {
    for (std::uint64_t step = 0; step < 24; ++step) {
      FullDisk fix;
      auto const third = fix.disk.bytes(segment_name(3));
      fix.disk.stop_after(step);
      fix.start(fix.fourth);
      while (fix.maker.state() == State::working && !fix.disk.stopped()) fix.directory->wait();
      fix.maker.abandon();
      fix.disk.crash(kind);
      while (fix.maker.in_flight()) fix.directory->wait();
      auto const manifest = manifest_on(fix.disk);
      for (auto no = manifest.first_segment_no; no <= manifest.last_segment_no; ++no) {
        BOOST_TEST_REQUIRE(fix.disk.has(segment_name(no)), "step " << step << ", segment " << no);
        BOOST_TEST(stele::test::header_of(fix.disk, segment_name(no)).segment_no == no);
      }
      BOOST_TEST((fix.disk.bytes(segment_name(3)) == third));
      // A file that lost its bytes has lost its name: else a start would take it for a damaged one.
      if (fix.disk.has(segment_name(1))) {
        BOOST_TEST(stele::test::header_of(fix.disk, segment_name(1)).segment_no == 1U);
      }
    }
  }
}

/// On a full disk one life is killed and the next loses power, each behind this many operations.
void check_a_kill_and_a_power_cut(std::uint64_t killed, std::uint64_t cut, std::uint64_t seed) {
  // What says how the log stands lies in one sector: only garbage shows that it was written.
  FullDisk fix({.seed = seed, .garbage_sectors = 20});
  fix.disk.stop_after(killed);
  fix.start(fix.fourth);
  while (fix.maker.state() == State::working && !fix.disk.stopped()) fix.directory->wait();
  fix.maker.abandon();
  fix.disk.crash(Crash::kill);
  while (fix.maker.in_flight()) fix.directory->wait();

  auto const directory = fix.disk.mount();
  SegmentMaker maker(*directory);
  auto plan = fix.plan(5);
  plan.shortened = manifest_on(fix.disk);
  plan.manifest.first_segment_no = plan.shortened.first_segment_no;
  plan.unused = {unfinished(segment_name(4)), segment_name(1)};
  fix.disk.take_free_space();
  fix.disk.stop_after(cut);
  maker.start(std::move(plan));
  while (maker.state() == State::working && !fix.disk.stopped()) directory->wait();
  maker.abandon();
  fix.disk.crash(Crash::power_cut);
  while (maker.in_flight()) directory->wait();
  auto const mounted = fix.disk.mount();
  auto const found = read_manifest(*mounted);
  auto const where = std::to_string(killed) + " and " + std::to_string(cut) + " operations, seed " +
                     std::to_string(seed);
  BOOST_TEST_REQUIRE(found.has_value(), where);
  BOOST_TEST(std::holds_alternative<Manifest>(*found), where);
}

// A kill leaves the new MANIFEST under its name and the old one as the space of the next, but on
// disk the names may still be the other way round.
BOOST_AUTO_TEST_CASE(after_a_kill_the_next_life_writes_over_no_manifest_that_a_power_cut_may_find) {
  constexpr std::uint64_t seeds = stele::test::is_sanitized_test ? 5 : 40;
  for (std::uint64_t killed = 0; killed < 26; ++killed) {
    for (std::uint64_t cut = 0; cut < 6; ++cut) {
      for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        check_a_kill_and_a_power_cut(killed, cut, seed);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(an_abandoned_maker_begins_no_further_step) {
  Fixture fix;
  fix.maker.start(fix.plan());
  fix.maker.abandon();
  fix.directory->wait();
  BOOST_TEST(!fix.maker.in_flight());
  BOOST_TEST((fix.maker.state() == State::working));
  BOOST_TEST(!fix.disk.has(std::string(manifest_name)));
}

BOOST_AUTO_TEST_SUITE_END()
