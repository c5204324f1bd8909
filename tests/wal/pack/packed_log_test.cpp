// Every reader finds in a log with packs what it found before they were made; and in one whose
// packs are damaged nothing that is wrong.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "support/packed_log.hpp"
#include "support/sanitized.hpp"
#include "support/segment_view.hpp"
#include "wal/offline/backup.hpp"
#include "wal/offline/log_check.hpp"
#include "wal/offline/salvage.hpp"

using namespace stele::wal;
using namespace stele::test;

namespace {

SimulatedDisk packed(SimulatedDisk const& original) {
  auto disk = original.clone();
  for (auto const& target : targets_of(original)) {
    BOOST_TEST((pack(disk, target) == SegmentPacker::State::done));
  }
  return disk;
}

LogCheck check(SimulatedDisk const& disk) {
  auto copy = disk.clone();
  auto const directory = copy.mount();
  PackedDirectory with_packs(*directory);
  auto checked = check_log(with_packs, [] { return false; });
  BOOST_TEST_REQUIRE(checked.has_value(), checked.error().message);
  return std::move(*checked);
}

std::vector<std::string> findings_of(LogCheck const& check) {
  std::vector<std::string> texts;
  for (auto const& finding : check.findings) texts.push_back(finding.text);
  return texts;
}

Files salvage(SimulatedDisk const& disk) {
  auto copy = disk.clone();
  SimulatedDisk target({.seed = 7});
  {
    auto const from = copy.mount();
    PackedDirectory with_packs(*from);
    auto const to = target.mount();
    std::uint64_t next = 1;
    SalvageOptions const options{.in_use = [] { return false; }, .entropy = [&] { return ++next; }};
    auto const salvaged = salvage_log(with_packs, *to, options);
    BOOST_TEST_REQUIRE(salvaged.has_value(), salvaged.error().message);
  }
  return segment_files(target);
}

SimulatedDisk backup(SimulatedDisk const& disk, SimulatedDisk target = SimulatedDisk({.seed = 8})) {
  auto copy = disk.clone();
  {
    auto const from = copy.mount();
    PackedDirectory with_packs(*from);
    auto const to = target.mount();
    auto const done = backup_log(with_packs, *to, [] { return false; });
    BOOST_TEST_REQUIRE(done.has_value(), done.error().message);
  }
  return target;
}

void zero_sector(SimulatedDisk& disk, std::string const& name, std::uint64_t sector) {
  auto& bytes = disk.bytes(name);
  std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(sector * shard_bytes), shard_bytes,
              std::byte{0});
}

/// Between two sectors that are damaged; the sanitizers make it slow.
constexpr std::uint64_t damage_step = stele::test::is_sanitized_test ? 5 : 1;

}  // namespace

BOOST_AUTO_TEST_SUITE(packed_log_test)

BOOST_AUTO_TEST_CASE(a_check_a_salvage_and_a_backup_find_what_they_found_before) {
  auto const original = write_several_lives();
  auto const disk = packed(original);
  auto const before = check(original);
  auto const after = check(disk);
  BOOST_TEST(findings_of(after) == findings_of(before), boost::test_tools::per_element());
  BOOST_TEST(text_of(after.report.gaps) == text_of(before.report.gaps));
  BOOST_TEST((after.end == before.end));
  BOOST_TEST(after.segments.size() == before.segments.size());
  BOOST_TEST((salvage(disk) == salvage(original)));
  BOOST_TEST((segment_files(backup(disk)) == segment_files(backup(original))));
}

// An earlier copy has segments where the log has packs now.
BOOST_AUTO_TEST_CASE(a_copy_goes_on_over_the_change_from_segment_to_pack) {
  auto original = write_several_lives();
  auto const earlier = backup(original);
  auto const expected = read(original);
  auto disk = packed(original);
  {
    LogFixture life(disk);
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    life.write("behind the packs");
    life.stop();
  }
  auto const copy = read(backup(disk, earlier.clone()));
  auto payloads = expected.payloads;
  payloads[expected.next_seq] = "behind the packs";
  BOOST_TEST((copy.payloads == payloads));
}

BOOST_AUTO_TEST_CASE(a_damaged_sector_of_a_pack_costs_nothing_and_is_told) {
  auto const original = write_several_lives();
  auto const expected = read(original);
  auto const whole = packed(original);
  std::size_t told_by_starts = 0;
  for (auto const& target : targets_of(original)) {
    auto const name = pack_name(target.segment_no);
    for (std::uint64_t sector = 0; sector < whole.bytes(name).size() / shard_bytes;
         sector += damage_step) {
      for (bool const is_refused : {false, true}) {
        auto disk = whole.clone();
        if (is_refused) {
          disk.make_unreadable(name, sector * shard_bytes, shard_bytes);
        } else {
          zero_sector(disk, name, sector);
        }
        auto reading = read(disk);
        auto const said = std::ranges::any_of(reading.findings, [&](std::string const& text) {
          return text.starts_with(name + ": damaged sectors: 1; nothing is lost");
        });
        told_by_starts += said;
        if (said) reading.findings = expected.findings;
        BOOST_TEST((reading == expected));
        auto const texts = findings_of(check(disk));
        BOOST_TEST(std::ranges::any_of(texts, [&](std::string const& text) {
          return text.starts_with(name + ": damaged sectors: 1, the first at offset " +
                                  std::to_string(sector * shard_bytes) + "; repaired");
        }));
      }
    }
  }
  BOOST_TEST(told_by_starts > 10u / damage_step);
}

BOOST_AUTO_TEST_CASE(beyond_parity_what_is_not_read_is_named_and_nothing_is_wrong) {
  auto const original = write_several_lives();
  auto const expected = read(original);
  auto const whole = packed(original);
  std::size_t lost = 0;
  for (auto const& target : targets_of(original)) {
    auto const name = pack_name(target.segment_no);
    auto const sectors = whole.bytes(name).size() / shard_bytes;
    for (std::uint64_t first = 0; first + 2 < sectors; first += damage_step) {
      auto disk = whole.clone();
      for (auto sector = first; sector < first + 3; ++sector) zero_sector(disk, name, sector);
      auto const reading = read(disk);
      LogFixture life(disk);
      BOOST_TEST_REQUIRE(life.open(), life.failure.message);
      auto const& gaps = life.report().gaps;
      for (auto const& [seq, payload] : reading.payloads) {
        BOOST_TEST((expected.payloads.at(seq) == payload));
        BOOST_TEST(!is_named(gaps, seq));
      }
      for (auto const& [seq, payload] : expected.payloads) {
        if (reading.payloads.contains(seq)) continue;
        ++lost;
        BOOST_TEST(is_named(gaps, seq));
      }
      BOOST_TEST(reading.next_seq >= expected.next_seq);
    }
  }
  BOOST_TEST(lost > 0u);
}

BOOST_AUTO_TEST_CASE(a_pack_that_is_missing_or_another_ones_is_damage) {
  auto const original = write_several_lives();
  auto const whole = packed(original);
  auto const targets = targets_of(original);
  auto missing = whole.clone();
  missing.remove(pack_name(targets[1].segment_no));
  BOOST_TEST(check(missing).has(Finding::Kind::damage));
  auto renamed = whole.clone();
  renamed.put(pack_name(targets[1].segment_no), whole.bytes(pack_name(targets[2].segment_no)));
  BOOST_TEST(check(renamed).has(Finding::Kind::damage));
}

BOOST_AUTO_TEST_CASE(retention_removes_packs_as_it_removes_segments) {
  auto disk = packed(write_several_lives());
  auto options = LogFixture::small_options();
  options.retain_bytes = 200 << 10;
  auto const first = targets_of(disk).front().segment_no;
  BOOST_TEST(has_pack(disk, first));
  LogFixture life(disk, options);
  BOOST_TEST_REQUIRE(life.open(), life.failure.message);
  life.fill(60);
  BOOST_TEST(life.listener.expired > 0u);
  BOOST_TEST(!has_pack(disk, first));
  life.stop();
  auto const reading = read(disk);
  BOOST_TEST(!reading.payloads.empty());
  BOOST_TEST(reading.findings.empty());
}

BOOST_AUTO_TEST_SUITE_END()
