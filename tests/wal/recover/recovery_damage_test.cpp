// Damage by name: what each kind of it is called, what it costs, and what it must not cost. What
// every start must keep, however damaged the log, is in support/known_log.hpp.
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "support/known_log.hpp"
#include "wal/format/segment_name.hpp"

using namespace stele::wal;
using stele::test::commits_of;
using stele::test::Crash;
using stele::test::KnownLog;
using stele::test::LogFixture;
using stele::test::place_of;
using stele::test::SimulatedDisk;
using stele::test::Start;

BOOST_AUTO_TEST_SUITE(recovery_damage_test)

namespace {

/// Segments 1 to 3 of one life with eleven payloads in each of the first two, and the spare 4.
/// Every payload is proven.
KnownLog three_segments() {
  KnownLog log;
  log.live([&](LogFixture& life) {
    log.write_large(life, 25);
    life.idle();
  });
  return log;
}

/// Like that, but nothing proves the last payload.
KnownLog unproven_end() {
  KnownLog log;
  log.live([&](LogFixture& life) { log.write_large(life, 3); });
  return log;
}

/// Puts zeros over part of the commit that holds this seq.
void zero(SimulatedDisk& disk, Seq seq, std::size_t from, std::size_t to) {
  auto const place = place_of(disk, seq);
  auto const begin =
      disk.bytes(place.segment).begin() + static_cast<std::ptrdiff_t>(place.commit.offset);
  std::fill(begin + static_cast<std::ptrdiff_t>(from), begin + static_cast<std::ptrdiff_t>(to),
            std::byte{0});
}

void flip(SimulatedDisk& disk, Seq seq, std::size_t at) {
  auto const place = place_of(disk, seq);
  disk.bytes(place.segment)[place.commit.offset + at] ^= std::byte{1};
}

struct Range {
  Seq first = 0;
  Seq last = 0;
  GapReason reason{};
  bool operator==(Range const&) const = default;
};
std::vector<Range> ranges(Start const& start) {
  std::vector<Range> found;
  for (auto const& gap : start.gaps) found.push_back({gap.first_seq, gap.last_seq, gap.reason});
  return found;
}

std::vector<Range> damaged(Seq first, Seq last) { return {{first, last, GapReason::damaged}}; }

}  // namespace

BOOST_AUTO_TEST_CASE(a_log_that_is_whole_has_no_findings) {
  auto log = three_segments();
  auto const start = log.check_start(log.disk);
  BOOST_TEST(!start.complains(), start.text());
  BOOST_TEST((start.payloads == log.payloads));
}

BOOST_AUTO_TEST_CASE(a_flipped_payload_in_the_middle_is_damage_and_costs_its_commit) {
  auto log = three_segments();
  flip(log.disk, 7, 3000);
  auto const start = log.check_start(log.disk);
  BOOST_TEST((ranges(start) == damaged(7, 7)));
  BOOST_TEST(start.payloads.size() == 24u);
  BOOST_TEST_REQUIRE(start.findings.size() == 1u);
  auto const offset = place_of(log.disk, 6).commit.end;
  BOOST_TEST(start.text() == "wal-0000000000000001.seg at offset " + std::to_string(offset) +
                                 ": commits 8 to 8 are damaged: the log goes on in "
                                 "wal-0000000000000001.seg at offset " +
                                 std::to_string(offset + 5120) + "; missing: seqs 7 to 7\n");
}

BOOST_AUTO_TEST_CASE(a_flipped_length_in_a_header_costs_its_commit_only) {
  // Smaller than it was by 256, and larger by 64 KiB and by 16 MiB.
  for (std::size_t const byte : {45u, 46u, 47u}) {
    auto log = three_segments();
    flip(log.disk, 7, byte);
    BOOST_TEST((ranges(log.check_start(log.disk)) == damaged(7, 7)), "byte " << byte);
  }
}

BOOST_AUTO_TEST_CASE(an_acknowledged_sector_that_became_zeros_is_damage) {
  for (Seq const seq : {Seq{1}, Seq{7}, Seq{11}, Seq{12}, Seq{25}}) {
    for (std::size_t sector = 0; sector < 10; ++sector) {
      auto log = three_segments();
      zero(log.disk, seq, sector * 512, sector * 512 + 512);
      auto const start = log.check_start(log.disk);
      BOOST_TEST((ranges(start) == damaged(seq, seq)), "seq " << seq << " sector " << sector);
    }
  }
}

BOOST_AUTO_TEST_CASE(all_of_the_last_proven_commit_zeroed_is_damage) {
  auto log = three_segments();
  zero(log.disk, 25, 0, 5120);
  BOOST_TEST((ranges(log.check_start(log.disk)) == damaged(25, 25)));
}

BOOST_AUTO_TEST_CASE(damage_in_several_places_is_named_place_by_place) {
  auto log = three_segments();
  auto const whole = log.disk.clone();
  for (Seq const seq : {3u, 4u, 11u, 12u, 20u}) {
    auto const place = place_of(whole, seq);
    log.disk.bytes(place.segment)[place.commit.offset + 200] ^= std::byte{1};
  }
  auto const start = log.check_start(log.disk);
  std::vector<Range> const expected{
      {3, 4, GapReason::damaged}, {11, 12, GapReason::damaged}, {20, 20, GapReason::damaged}};
  BOOST_TEST((ranges(start) == expected));
}

BOOST_AUTO_TEST_CASE(a_missing_segment_is_damage_wherever_it_was) {
  for (std::uint64_t segment_no = 1; segment_no <= 3; ++segment_no) {
    auto log = three_segments();
    log.disk.remove(segment_name(segment_no));
    auto const start = log.check_start(log.disk);
    BOOST_TEST_REQUIRE(start.gaps.size() == 1u, "segment " << segment_no);
    BOOST_TEST((start.gaps[0].reason == GapReason::damaged));
    BOOST_TEST(start.text().find("the file is missing") != std::string::npos);
    BOOST_TEST(start.payloads.size() == (segment_no == 3 ? 22u : 14u));
  }
}

BOOST_AUTO_TEST_CASE(a_missing_middle_segment_costs_exactly_its_payloads) {
  auto log = three_segments();
  log.disk.remove(segment_name(2));
  BOOST_TEST((ranges(log.check_start(log.disk)) == damaged(12, 22)));
}

BOOST_AUTO_TEST_CASE(
    damage_at_the_start_of_a_segment_costs_no_more_when_what_is_before_it_expires) {
  auto log = three_segments();
  flip(log.disk, 12, 3000);  // The first of its segment.
  auto options = LogFixture::small_options();
  options.retain_bytes = 4 * options.segment_bytes;
  {
    LogFixture life(log.disk, options);
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    for (int i = 0; i < 100 && life.listener.expired < 11; ++i) life.fill(1);
    BOOST_TEST_REQUIRE(life.listener.expired == 12u);
    life.stop();
  }
  LogFixture life(log.disk, options);
  BOOST_TEST_REQUIRE(life.open(), life.failure.message);
  for (Seq seq = 13; seq <= 25; ++seq) BOOST_TEST(life.sink.payloads[seq] == log.payloads[seq]);
  BOOST_TEST(life.report().findings.empty());
  BOOST_TEST(life.report().gaps.size() == 1u);
}

BOOST_AUTO_TEST_CASE(two_missing_segments_at_the_end_give_out_no_seq_again) {
  auto log = three_segments();
  log.disk.remove(segment_name(2));
  log.disk.remove(segment_name(3));
  auto const start = log.check_start(log.disk);
  BOOST_TEST(start.payloads.size() == 11u);
  BOOST_TEST_REQUIRE(start.gaps.size() == 1u);
  BOOST_TEST(start.gaps[0].first_seq == 12u);
}

BOOST_AUTO_TEST_CASE(a_lost_tail_of_small_payloads_gives_out_no_seq_again) {
  KnownLog log;
  log.live([&](LogFixture& life) {
    std::vector<std::string> const group(300, "");
    for (int i = 0; i < 60; ++i) {
      auto const first = life.append_group(group);
      for (Seq k = 0; k < group.size(); ++k) log.payloads[first + k] = "";
      life.settle();
    }
    life.idle();
  });
  for (std::uint64_t lost_from : {1u, 2u, 3u}) {
    auto damaged_disk = log.disk.clone();
    for (std::uint64_t no = lost_from; damaged_disk.has(segment_name(no)); ++no) {
      damaged_disk.remove(segment_name(no));
    }
    log.check_start(damaged_disk);
  }
}

BOOST_AUTO_TEST_CASE(all_segments_missing_is_damage_and_the_service_starts) {
  auto log = three_segments();
  for (auto const& name : stele::test::segments_of(log.disk)) log.disk.remove(name);
  auto const start = log.check_start(log.disk);
  BOOST_TEST(start.payloads.empty());
  BOOST_TEST(start.complains());
}

BOOST_AUTO_TEST_CASE(a_missing_spare_is_damage_for_nobody_knows_that_it_was_one) {
  auto log = three_segments();
  log.disk.remove(segment_name(4));
  auto const start = log.check_start(log.disk);
  BOOST_TEST((start.payloads == log.payloads));
  BOOST_TEST(start.complains());
}

BOOST_AUTO_TEST_CASE(a_truncated_segment_costs_what_was_cut_off) {
  for (std::uint64_t segment_no = 1; segment_no <= 3; ++segment_no) {
    for (std::size_t const kept : {0u, 100u, 5000u, 8192u, 8192u + 700u, 8192u + 5120u + 512u}) {
      auto log = three_segments();
      log.disk.bytes(segment_name(segment_no)).resize(kept);
      auto const start = log.check_start(log.disk);
      BOOST_TEST_REQUIRE(start.gaps.size() == 1u, segment_no << ' ' << kept);
      BOOST_TEST((start.gaps[0].reason == GapReason::damaged));
      if (segment_no == 2) BOOST_TEST(start.gaps[0].last_seq == 22u);
    }
  }
}

BOOST_AUTO_TEST_CASE(segments_that_changed_places_are_damage_and_none_is_served_for_the_other) {
  auto log = three_segments();
  std::swap(log.disk.bytes(segment_name(1)), log.disk.bytes(segment_name(2)));
  auto const start = log.check_start(log.disk);
  BOOST_TEST((ranges(start) == damaged(1, 22)));
  BOOST_TEST(start.text().find("it is another segment, renamed") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_segment_under_another_name_is_damage_and_is_left_alone) {
  auto log = three_segments();
  log.disk.rename(segment_name(2), segment_name(0x99));
  auto const start = log.check_start(log.disk);
  BOOST_TEST((ranges(start) == damaged(12, 22)));
  BOOST_TEST(log.disk.has(segment_name(0x99) + ".stray"));
}

BOOST_AUTO_TEST_CASE(a_segment_of_another_log_is_not_served) {
  auto log = three_segments();
  KnownLog other;
  other.disk = SimulatedDisk({.seed = 77});
  other.live([&](LogFixture& life) { other.write_large(life, 25); });
  log.disk.put(segment_name(2), other.disk.bytes(segment_name(2)));
  auto const start = log.check_start(log.disk);
  BOOST_TEST((ranges(start) == damaged(12, 22)));
  BOOST_TEST(start.text().find("it belongs to another log") != std::string::npos);
}

// Two copies of one log went on for themselves, and a segment of one came into the other: numbers
// and seqs fit, and the start that came next names another salt.
BOOST_AUTO_TEST_CASE(a_segment_of_another_branch_is_not_served_where_a_start_names_the_true_one) {
  KnownLog log;
  log.live([&](LogFixture& life) { log.write(life, "both"); });
  KnownLog branch;
  branch.disk = log.disk.clone();
  branch.disk.random(2);  // From here on its salts are others.
  for (auto* one : {&log, &branch}) {
    one->live([&](LogFixture& life) { one->write(life, one == &log ? "ours" : "theirs"); });
    one->live([&](LogFixture& life) { one->write(life, "last"); });
  }
  log.disk.put(segment_name(2), branch.disk.bytes(segment_name(2)));
  auto const start = log.check_start(log.disk);
  BOOST_TEST((ranges(start) == damaged(2, 2)));
  BOOST_TEST(!start.payloads.contains(2));
}

BOOST_AUTO_TEST_CASE(a_segment_without_a_readable_header_is_damage) {
  for (std::uint64_t segment_no = 1; segment_no <= 3; ++segment_no) {
    auto log = three_segments();
    log.disk.bytes(segment_name(segment_no))[10] ^= std::byte{1};
    BOOST_TEST(!log.check_start(log.disk).complains());
    log = three_segments();
    log.disk.bytes(segment_name(segment_no))[10] ^= std::byte{1};
    log.disk.bytes(segment_name(segment_no))[header_block_bytes + 70] ^= std::byte{1};
    auto const start = log.check_start(log.disk);
    BOOST_TEST_REQUIRE(start.gaps.size() == 1u);
    BOOST_TEST((start.gaps[0].reason == GapReason::damaged));
    BOOST_TEST(start.text().find("neither copy of its header is valid") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(an_unreadable_sector_in_the_middle_costs_its_commit) {
  auto log = three_segments();
  auto const place = place_of(log.disk, 15);
  log.disk.make_unreadable(place.segment, place.commit.offset + 1024, 512);
  BOOST_TEST((ranges(log.check_start(log.disk)) == damaged(15, 15)));
}

BOOST_AUTO_TEST_CASE(an_unreadable_end_is_damage_even_if_nothing_proves_it) {
  auto log = unproven_end();
  auto const place = place_of(log.disk, 3);
  log.disk.make_unreadable(place.segment, place.commit.offset, 512);
  auto const start = log.check_start(log.disk);
  BOOST_TEST_REQUIRE(start.gaps.size() == 1u);
  BOOST_TEST((start.gaps[0].reason == GapReason::damaged));
  BOOST_TEST(start.gaps[0].first_seq == 3u);
}

BOOST_AUTO_TEST_CASE(damage_that_can_be_read_again_does_not_bring_seqs_back_twice) {
  auto log = three_segments();
  auto const place = place_of(log.disk, 25);
  log.disk.make_unreadable(place.segment, place.commit.offset, 512);
  log.live([&](LogFixture& life) {
    BOOST_TEST(!life.sink.payloads.contains(25));
    BOOST_TEST(log.write(life, "later") > 25u);
  });
  log.disk.make_readable(place.segment);
  LogFixture life(log.disk);
  BOOST_TEST_REQUIRE(life.open());
  for (auto const& [seq, payload] : life.sink.payloads) {
    BOOST_TEST((payload == log.payloads.at(seq)), seq);
  }
}

BOOST_AUTO_TEST_CASE(an_unfinished_write_at_the_end_is_a_torn_tail_and_not_damage) {
  for (std::size_t from = 512; from < 5120; from += 512) {
    auto log = unproven_end();
    zero(log.disk, 3, from, 5120);
    auto const start = log.check_start(log.disk);
    BOOST_TEST((ranges(start) == std::vector<Range>{{3, 3, GapReason::torn}}));
    BOOST_TEST(start.findings.size() == 1u);
  }
}

BOOST_AUTO_TEST_CASE(a_torn_tail_does_not_stop_a_log_that_refuses_damage) {
  auto log = unproven_end();
  zero(log.disk, 3, 1024, 5120);
  auto options = LogFixture::small_options();
  options.on_damage = OnDamage::refuse;
  LogFixture life(log.disk, options);
  BOOST_TEST(life.open(), life.failure.message);
  life.stop();
  BOOST_TEST(life.open(), life.failure.message);
}

BOOST_AUTO_TEST_CASE(a_torn_tail_without_its_header_skips_the_seqs_that_it_can_have_held) {
  auto log = unproven_end();
  zero(log.disk, 3, 0, 512);
  auto const start = log.check_start(log.disk);
  BOOST_TEST_REQUIRE(start.gaps.size() == 1u);
  BOOST_TEST((start.gaps[0].reason == GapReason::torn));
  BOOST_TEST(start.gaps[0].first_seq == 3u);
  BOOST_TEST(start.gaps[0].last_seq >= 3u + 5120u / (record_header_bytes + 1));
}

// Empty payloads are the most that bytes can have held.
BOOST_AUTO_TEST_CASE(a_torn_tail_of_empty_payloads_gives_out_no_seq_again) {
  KnownLog log;
  log.live([&](LogFixture& life) {
    auto const first = life.append_group(std::vector<std::string>(400));
    for (Seq i = 0; i < 400; ++i) log.payloads[first + i] = "";
    life.settle();
  });
  zero(log.disk, 1, 0, 512);
  log.check_start(log.disk);
}

// Without a MARK nobody can tell a commit that never came from one that was wiped out whole.
BOOST_AUTO_TEST_CASE(an_unproven_last_commit_that_became_zeros_is_a_clean_end) {
  auto log = unproven_end();
  zero(log.disk, 3, 0, 5120);
  LogFixture life(log.disk);
  BOOST_TEST_REQUIRE(life.open());
  BOOST_TEST(life.report().findings.empty());
  BOOST_TEST(life.log->next_seq() == 3u);
}

// The torn commit behind the flipped one was begun, so the flipped one had been on disk.
BOOST_AUTO_TEST_CASE(a_flipped_commit_with_a_torn_one_behind_it_is_damage) {
  for (std::size_t const flipped_at : {30u, 3000u}) {
    auto log = unproven_end();
    zero(log.disk, 3, 512, 5120);
    flip(log.disk, 2, flipped_at);
    log.payloads.erase(3);
    auto const start = log.check_start(log.disk);
    BOOST_TEST_REQUIRE(start.gaps.size() == 1u);
    BOOST_TEST((start.gaps[0].reason == GapReason::damaged), "flip at " << flipped_at);
    BOOST_TEST(start.gaps[0].first_seq == 2u);
  }
}

BOOST_AUTO_TEST_CASE(a_flipped_body_with_any_trace_behind_its_commit_is_damage) {
  auto log = unproven_end();
  zero(log.disk, 3, 0, 512);
  flip(log.disk, 2, 3000);
  log.payloads.erase(3);
  auto const start = log.check_start(log.disk);
  BOOST_TEST_REQUIRE(start.gaps.size() == 1u);
  BOOST_TEST((start.gaps[0].reason == GapReason::damaged));
}

BOOST_AUTO_TEST_SUITE_END()
