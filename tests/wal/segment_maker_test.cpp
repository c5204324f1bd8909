#include "wal/segment_maker.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <vector>

#include "support/segment_view.hpp"
#include "support/simulated_disk.hpp"
#include "wal/segment_name.hpp"

using namespace stele::wal;
using stele::test::Crash;
using stele::test::SimulatedDisk;
using State = SegmentMaker::State;

BOOST_AUTO_TEST_SUITE(segment_maker_test)

namespace {

struct Fixture {
  SegmentMaker::Plan plan(std::uint64_t segment_no = 1) const {
    return {.header = {.segment_bytes = 64 << 10,
                       .commit_align = 512,
                       .segment_no = segment_no,
                       .salt = 99},
            .manifest = {.last_segment_no = segment_no}};
  }
  State finish() {
    while (maker.state() == State::working) directory->wait();
    return maker.state();
  }
  State make(SegmentMaker::Plan const& wanted) {
    maker.start(wanted);
    return finish();
  }

  SimulatedDisk disk{{}};
  std::unique_ptr<Directory> directory = disk.mount();
  SegmentMaker maker{*directory};
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
  std::vector<std::string> const expected{"MANIFEST", segment_name(1)};
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
  std::vector<std::string> const expected{"MANIFEST", segment_name(2) + ".damaged", segment_name(3),
                                          segment_name(4)};
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
    BOOST_TEST((state == State::failed), "step " << step);
    BOOST_TEST((fix.maker.failure().code == eio));
    BOOST_TEST(fix.disk.has(segment_name(manifest_on(fix.disk).last_segment_no)), "step " << step);
    BOOST_TEST(fix.disk.has(segment_name(1)));
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
