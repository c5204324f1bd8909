// A segment becomes a pack, and the log reads the same: before, afterwards, and whenever that is
// interrupted.
#include "wal/write/segment_packer.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <functional>
#include <string>
#include <vector>

#include "support/packed_log.hpp"
#include "support/segment_view.hpp"
#include "wal/format/segment_name.hpp"

using namespace stele::wal;
using namespace stele::test;

namespace {

std::uint64_t operations_to_pack(SimulatedDisk const& before, SegmentPacker::Target const& target) {
  auto disk = before.clone();
  auto const begun = disk.operations();
  BOOST_TEST((pack(disk, target) == SegmentPacker::State::done));
  return disk.operations() - begun;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(segment_packer_test)

BOOST_AUTO_TEST_CASE(a_log_reads_the_same_whichever_of_its_segments_are_packed) {
  auto const original = write_several_lives();
  auto const expected = read(original);
  auto const targets = targets_of(original);
  BOOST_TEST(targets.size() >= 6u);
  auto disk = original.clone();
  for (auto const& target : targets) {
    std::string failure;
    BOOST_TEST((pack(disk, target, &failure) == SegmentPacker::State::done), failure);
    BOOST_TEST(has_pack(disk, target.segment_no));
    BOOST_TEST(!has_segment(disk, target.segment_no));
    BOOST_TEST((read(disk) == expected));
  }
  // And goes on.
  LogFixture life(disk);
  BOOST_TEST_REQUIRE(life.open(), life.failure.message);
  BOOST_TEST(life.write("next") == expected.next_seq);
}

BOOST_AUTO_TEST_CASE(a_crash_at_any_step_leaves_the_segment_or_the_pack_or_both) {
  auto const original = write_several_lives();
  auto const expected = read(original);
  std::size_t with_pack = 0;
  std::size_t with_segment = 0;
  std::size_t with_both = 0;
  auto const crash = [&](SegmentPacker::Target const& target, std::uint64_t stop, Crash kind,
                         std::uint64_t draw) {
    auto disk = original.clone();
    for (; draw > 0; --draw) disk.random(2);
    {
      auto const directory = disk.mount();
      InlinePackWorker worker;
      PackedDirectory with_packs(*directory);
      SegmentPacker packer(with_packs, worker, small_blocks());
      disk.stop_after(stop);
      run(packer, *directory, target);
      disk.crash(kind);
    }
    bool const segment = has_segment(disk, target.segment_no);
    bool const packed = has_pack(disk, target.segment_no);
    BOOST_TEST((segment || packed));
    with_segment += segment && !packed;
    with_pack += packed && !segment;
    with_both += packed && segment;
    BOOST_TEST((read(disk) == expected), "segment " << target.segment_no << ", step " << stop);
    // A start leaves one of them, and nothing that is unfinished.
    LogFixture life(disk);
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    BOOST_TEST(has_segment(disk, target.segment_no) != has_pack(disk, target.segment_no));
    BOOST_TEST(!disk.has(unfinished(pack_name(target.segment_no))));
  };
  for (auto const& target : targets_of(original)) {
    auto const operations = operations_to_pack(original, target);
    for (std::uint64_t stop = 0; stop <= operations; ++stop) {
      crash(target, stop, Crash::kill, 0);
      // What a power cut leaves is chance.
      for (std::uint64_t draw = 0; draw < 8; ++draw) crash(target, stop, Crash::power_cut, draw);
    }
  }
  BOOST_TEST(with_segment > 0u);
  BOOST_TEST(with_pack > 0u);
  BOOST_TEST(with_both > 0u);
}

BOOST_AUTO_TEST_CASE(an_error_at_any_step_leaves_the_log_as_it_was) {
  auto const original = write_several_lives();
  auto const expected = read(original);
  auto const target = targets_of(original).front();
  auto const operations = operations_to_pack(original, target);
  for (std::uint64_t at = 0; at < operations; ++at) {
    auto disk = original.clone();
    disk.fail_after(at, disk_error(EIO));
    auto const state = pack(disk, target);
    BOOST_TEST((state == SegmentPacker::State::failed));
    BOOST_TEST((has_segment(disk, target.segment_no) || has_pack(disk, target.segment_no)));
    BOOST_TEST((read(disk) == expected));
  }
}

BOOST_AUTO_TEST_CASE(a_full_disk_postpones_it_and_it_needs_no_more_than_the_pack) {
  auto const original = write_several_lives();
  auto const target = targets_of(original).front();
  auto disk = original.clone();
  disk.set_capacity(disk.used_bytes() + 4096);
  auto directory = disk.mount();
  InlinePackWorker worker;
  PackedDirectory with_packs(*directory);
  SegmentPacker packer(with_packs, worker, small_blocks());
  BOOST_TEST((run(packer, *directory, target) == SegmentPacker::State::failed));
  BOOST_TEST((packer.failure().code == Errc::no_space));
  BOOST_TEST(!disk.has(unfinished(pack_name(target.segment_no))));
  // With room for the pack it goes on, and frees what the segment took.
  disk.set_capacity(UINT64_MAX);
  BOOST_TEST((run(packer, *directory, target) == SegmentPacker::State::done));
  BOOST_TEST(packer.pack_bytes() == disk.bytes(pack_name(target.segment_no)).size());
  auto const needed = packer.pack_bytes();
  auto again = original.clone();
  auto const used = again.used_bytes();
  again.set_capacity(used + needed);
  BOOST_TEST((pack(again, target) == SegmentPacker::State::done));
  BOOST_TEST(again.used_bytes() < used);
}

BOOST_AUTO_TEST_CASE(a_damaged_segment_stays_as_it_is) {
  auto const original = write_several_lives();
  for (auto const& target : targets_of(original)) {
    auto const name = segment_name(target.segment_no);
    auto const commits = commits_of(original, name);
    std::vector<std::uint64_t> places{0, 4096, commits.front().offset + 20,
                                      commits.back().offset + 30};
    for (auto const& commit : commits) places.push_back(commit.used_end - 1);
    for (auto const at : places) {
      auto disk = original.clone();
      disk.bytes(name)[at] ^= std::byte{4};
      auto const before = disk.bytes(name);
      std::string failure;
      BOOST_TEST((pack(disk, target, &failure) == SegmentPacker::State::failed));
      BOOST_TEST(failure.starts_with(name + ": not packed: "), failure);
      BOOST_TEST((disk.bytes(name) == before));
      BOOST_TEST(!has_pack(disk, target.segment_no));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_segment_that_the_log_knows_otherwise_is_not_packed) {
  auto disk = write_several_lives();
  auto const target = targets_of(disk).at(1);
  auto const fails = [&](std::function<void(SegmentPacker::Target&)> const& change) {
    auto other = target;
    change(other);
    return pack(disk, other) == SegmentPacker::State::failed;
  };
  BOOST_TEST(fails([](auto& other) { ++other.first_commit_no; }));
  BOOST_TEST(fails([](auto& other) { ++other.first_chain; }));
  BOOST_TEST(fails([](auto& other) { other.end_offset += 512; }));
  BOOST_TEST(fails([](auto& other) { other.segment_no = 99; }));
  BOOST_TEST(!fails([](auto&) {}));
}

BOOST_AUTO_TEST_CASE(what_is_read_back_otherwise_takes_no_segment_away) {
  auto const original = write_several_lives();
  auto const target = targets_of(original).front();
  // Whatever the disk makes of what was written, before it is compared.
  for (std::size_t at = 0; at < 20'000; at += 977) {
    auto disk = original.clone();
    auto const directory = disk.mount();
    InlinePackWorker worker;
    PackedDirectory with_packs(*directory);
    SegmentPacker packer(with_packs, worker, small_blocks());
    auto const unfinished_name = unfinished(pack_name(target.segment_no));
    packer.start(target);
    bool is_changed = false;
    std::uint64_t syncs = 0;
    while (packer.state() == SegmentPacker::State::working) {
      packer.poll();
      if (!packer.in_flight()) continue;
      bool const is_written = disk.has(unfinished_name) && packer.pack_bytes() > 0;
      if (is_written && !std::exchange(is_changed, true)) {
        auto& bytes = disk.bytes(unfinished_name);
        if (at < bytes.size()) bytes[at] ^= std::byte{1};
      }
      directory->wait();
      ++syncs;
    }
    BOOST_TEST(is_changed);
    bool const is_done = packer.state() == SegmentPacker::State::done;
    BOOST_TEST(is_done == (at >= packer.pack_bytes()));
    BOOST_TEST(has_segment(disk, target.segment_no) != is_done);
  }
}

BOOST_AUTO_TEST_CASE(a_pack_that_is_wrong_beside_its_segment_is_put_aside) {
  auto const original = write_several_lives();
  auto const expected = read(original);
  auto const target = targets_of(original).front();
  auto disk = original.clone();
  auto const segment = disk.bytes(segment_name(target.segment_no));
  BOOST_TEST((pack(disk, target) == SegmentPacker::State::done));
  disk.put(segment_name(target.segment_no), segment);
  disk.bytes(pack_name(target.segment_no))[300] ^= std::byte{1};
  BOOST_TEST((read(disk) == expected));
  LogFixture life(disk);
  BOOST_TEST_REQUIRE(life.open(), life.failure.message);
  BOOST_TEST(has_segment(disk, target.segment_no));
  BOOST_TEST(disk.has(pack_name(target.segment_no) + ".stray"));
}

BOOST_AUTO_TEST_CASE(one_that_is_abandoned_leaves_nothing) {
  auto const original = write_several_lives();
  auto const target = targets_of(original).front();
  for (int steps = 0; steps < 3; ++steps) {
    auto disk = original.clone();
    auto const directory = disk.mount();
    InlinePackWorker worker;
    PackedDirectory with_packs(*directory);
    SegmentPacker packer(with_packs, worker, small_blocks());
    packer.start(target);
    for (int i = 0; i < steps; ++i) {
      packer.poll();
      if (packer.in_flight()) directory->wait();
    }
    packer.abandon();
    while (packer.state() == SegmentPacker::State::working) {
      packer.poll();
      if (packer.in_flight()) directory->wait();
    }
    BOOST_TEST((packer.state() == SegmentPacker::State::failed));
    BOOST_TEST(has_segment(disk, target.segment_no));
    BOOST_TEST(!disk.has(unfinished(pack_name(target.segment_no))));
  }
}

BOOST_AUTO_TEST_SUITE_END()
