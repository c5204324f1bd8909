// What a start does beyond finding damage: MANIFEST, versions, policy, starts that crash, and what
// becomes of damaged segments.
#include "wal/recover/log_reading.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "support/known_log.hpp"
#include "wal/format/crc32c.hpp"
#include "wal/format/field_codec.hpp"
#include "wal/format/segment_name.hpp"

using namespace stele::wal;
using stele::test::Crash;
using stele::test::Files;
using stele::test::KnownLog;
using stele::test::LogFixture;
using stele::test::place_of;
using stele::test::SimulatedDisk;

BOOST_AUTO_TEST_SUITE(recovery_test)

namespace {

std::string const manifest_file(manifest_name);

Options retaining(std::uint64_t segments) {
  auto options = LogFixture::small_options();
  options.retain_bytes = segments * options.segment_bytes;
  return options;
}

KnownLog three_segments() {
  KnownLog log;
  log.live([&](LogFixture& life) {
    log.write_large(life, 25);
    life.idle();
  });
  return log;
}

/// Forgets what retention removed.
void expire(KnownLog& log, Seq up_to) {
  log.payloads.erase(log.payloads.begin(), log.payloads.upper_bound(up_to));
}

Files all_files(SimulatedDisk const& disk) {
  Files files;
  for (auto const& name : disk.names()) files[name] = disk.bytes(name);
  return files;
}

Failure refused(SimulatedDisk& disk, Options const& options = LogFixture::small_options()) {
  auto const before = all_files(disk);
  LogFixture life(disk, options);
  BOOST_TEST(!life.open());
  BOOST_TEST((all_files(disk) == before), "a start that refuses has changed the disk");
  return life.failure;
}

/// Sets a byte of a structure and makes the checksum in its last four bytes right again.
void reseal(SimulatedDisk& disk, std::string const& name, std::uint64_t offset, std::size_t bytes,
            std::size_t at, std::uint8_t value) {
  auto const structure = std::span(disk.bytes(name)).subspan(offset, bytes);
  structure[at] = std::byte{value};
  FieldWriter(structure.last(4)).u32(crc32c(structure.first(bytes - 4)));
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_missing_manifest_is_reported_once_and_loses_nothing) {
  auto log = three_segments();
  log.disk.remove(manifest_file);
  auto const start = log.check_start(log.disk);
  BOOST_TEST(start.text() == "MANIFEST is missing; rebuilt from the segments that are there\n");
  BOOST_TEST((start.payloads == log.payloads));
  BOOST_TEST(start.gaps.empty());
}

BOOST_AUTO_TEST_CASE(a_damaged_or_short_or_unreadable_manifest_is_as_good_as_none) {
  for (std::size_t const kept : {0u, 100u, 4095u}) {
    auto log = three_segments();
    log.disk.bytes(manifest_file).resize(kept);
    auto const start = log.check_start(log.disk);
    BOOST_TEST(start.text() == "MANIFEST is damaged; rebuilt from the segments that are there\n");
    BOOST_TEST((start.payloads == log.payloads));
  }
  auto log = three_segments();
  log.disk.make_unreadable(manifest_file, 0, 512);
  auto const start = log.check_start(log.disk);
  BOOST_TEST(start.complains());
  BOOST_TEST((start.payloads == log.payloads));
}

// Whether retention or somebody else took what lies before the first segment, nobody knows any
// more.
BOOST_AUTO_TEST_CASE(without_a_manifest_what_is_missing_at_the_beginning_counts_as_damaged) {
  KnownLog log(retaining(3));
  log.live([&](LogFixture& life) {
    log.write_large(life, 40);
    life.idle();
    expire(log, life.listener.expired);
  });
  auto const first = log.payloads.begin()->first;
  BOOST_TEST_REQUIRE(first > 1u);
  log.disk.remove(manifest_file);
  LogFixture life(log.disk);
  for (int i = 0; i < 3; ++i) {
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    BOOST_TEST((life.sink.payloads == log.payloads));
    BOOST_TEST(life.report().findings.size() == (i == 0 ? 2u : 0u), "start " << i);
    BOOST_TEST_REQUIRE(life.report().gaps.size() == 1u, "start " << i);
    BOOST_TEST((life.report().gaps[0].reason == GapReason::damaged));
    BOOST_TEST(life.report().gaps[0].first_seq == 1u);
    BOOST_TEST(life.report().gaps[0].last_seq == first - 1);
    life.crash(Crash::kill);
  }
}

// An old copy of the MANIFEST, as a disk may give back that lost a write: the segments that were
// made since are there and are not to be made again.
BOOST_AUTO_TEST_CASE(an_old_manifest_loses_no_later_segment) {
  KnownLog log;
  std::vector<std::byte> old;
  log.live([&](LogFixture& life) {
    log.write_large(life, 5);
    old = log.disk.bytes(manifest_file);
    log.write_large(life, 40);
    life.idle();
  });
  log.disk.put(manifest_file, old);
  auto const start = log.check_start(log.disk);
  BOOST_TEST((start.payloads == log.payloads));
  BOOST_TEST(start.complains());
}

BOOST_AUTO_TEST_CASE(segments_without_manifest_and_header_are_no_log) {
  auto log = three_segments();
  log.disk.remove(manifest_file);
  for (auto const& name : stele::test::segments_of(log.disk)) {
    log.disk.bytes(name)[0] ^= std::byte{1};
    log.disk.bytes(name)[header_block_bytes] ^= std::byte{1};
  }
  auto const failure = refused(log.disk);
  BOOST_TEST((failure.code == Errc::not_a_log));
  BOOST_TEST(failure.message == "MANIFEST is missing, and no segment can be read");
}

BOOST_AUTO_TEST_CASE(a_first_start_that_crashed_before_its_manifest_is_begun_again) {
  SimulatedDisk disk{{}};
  {
    LogFixture life(disk);
    BOOST_TEST_REQUIRE(life.open());
    life.settle();
    life.crash(Crash::kill);
  }
  SimulatedDisk only_segment{{}};
  only_segment.put(segment_name(1), disk.bytes(segment_name(2)));
  reseal(only_segment, segment_name(1), 0, segment_header_bytes, 56, 1);
  reseal(only_segment, segment_name(1), 0, segment_header_bytes, 72, 0);
  LogFixture life(only_segment);
  BOOST_TEST_REQUIRE(life.open(), life.failure.message);
  BOOST_TEST(life.report().findings.empty());
  BOOST_TEST(life.write("first") == 1u);
}

BOOST_AUTO_TEST_CASE(a_newer_version_is_refused_and_nothing_is_changed) {
  auto log = three_segments();
  auto const commit = place_of(log.disk, 15).commit.offset;
  struct Case {
    std::string name;
    std::uint64_t offset;
    std::size_t bytes;
    std::size_t at;
  };
  for (auto const& [name, offset, bytes, at] :
       {Case{manifest_file, 0, manifest_bytes, 8}, Case{segment_name(1), 0, 128, 8},
        Case{segment_name(3), 0, 128, 16}, Case{segment_name(2), commit, 64, 4},
        Case{segment_name(2), commit, 64, 56}}) {
    auto newer = log.disk.clone();
    reseal(newer, name, offset, bytes, at, 9);
    auto const failure = refused(newer);
    BOOST_TEST((failure.code == Errc::unsupported_version), failure.message);
    BOOST_TEST(failure.message.starts_with(name), failure.message);
  }
}

BOOST_AUTO_TEST_CASE(damage_is_refused_if_the_options_say_so_and_nothing_is_changed) {
  auto log = three_segments();
  auto const place = place_of(log.disk, 15);
  log.disk.bytes(place.segment)[place.commit.offset + 100] ^= std::byte{1};
  auto options = LogFixture::small_options();
  options.on_damage = OnDamage::refuse;
  auto const failure = refused(log.disk, options);
  BOOST_TEST((failure.code == Errc::damaged));
  BOOST_TEST(failure.message.find(place.segment + " at offset ") != std::string::npos);
  log.check_start(log.disk);
  BOOST_TEST((refused(log.disk, options).code == Errc::damaged), "damage is not forgotten");
}

BOOST_AUTO_TEST_CASE(recovery_of_a_recovery_gives_the_same) {
  auto log = three_segments();
  auto const whole = log.disk.clone();
  for (Seq const seq : {Seq{2}, Seq{12}, Seq{25}}) {
    auto const place = place_of(whole, seq);
    log.disk.bytes(place.segment)[place.commit.offset + 100] ^= std::byte{1};
  }
  LogFixture life(log.disk);
  BOOST_TEST_REQUIRE(life.open());
  auto const payloads = life.sink.payloads;
  auto const gaps = life.report().gaps;
  BOOST_TEST(payloads.size() == 22u);
  for (int i = 0; i < 5; ++i) {
    i % 2 == 0 ? life.stop() : life.crash(Crash::power_cut);
    BOOST_TEST_REQUIRE(life.open());
    BOOST_TEST((life.sink.payloads == payloads));
    BOOST_TEST((life.report().gaps == gaps));
    BOOST_TEST((life.sink.gaps == gaps));
    BOOST_TEST(life.report().findings.empty());
  }
}

// The write of an earlier life reaches the disk after the next start judged the log's end: its
// seqs belong to others by then.
BOOST_AUTO_TEST_CASE(a_commit_that_lands_behind_a_judged_end_is_not_served) {
  SimulatedDisk disk{{}};
  LogFixture life(disk);
  BOOST_TEST_REQUIRE(life.open());
  life.write("one");
  life.write("late");
  life.crash(Crash::kill);
  auto const late = place_of(disk, 2);
  auto& bytes = disk.bytes(late.segment);
  auto const with_late = bytes;
  std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(late.commit.offset),
            bytes.begin() + static_cast<std::ptrdiff_t>(late.commit.end), std::byte{0});
  BOOST_TEST_REQUIRE(life.open());
  BOOST_TEST(life.write("in its place") == 2u);
  life.crash(Crash::kill);
  disk.put(late.segment, with_late);
  for (int i = 0; i < 2; ++i) {
    BOOST_TEST_REQUIRE(life.open());
    BOOST_TEST(life.sink.payloads.at(2) == "in its place");
    BOOST_TEST(life.sink.payloads.size() == 2u);
    BOOST_TEST(life.report().findings.empty());
    life.crash(Crash::kill);
  }
}

// Whatever step of it a crash stops: the next start finds the same, or its record in the log.
BOOST_AUTO_TEST_CASE(a_start_that_crashes_loses_no_gap) {
  for (bool const unreadable : {false, true}) {
    KnownLog log;
    log.live([&](LogFixture& life) { log.write_large(life, 3); });
    auto const place = place_of(log.disk, 3);
    log.disk.bytes(place.segment)[place.commit.offset + 3000] ^= std::byte{1};
    if (unreadable) log.disk.make_unreadable(place.segment, place.commit.offset, 512);
    for (std::uint64_t operation = 0;; ++operation) {
      BOOST_TEST_CONTEXT("operation " << operation << (unreadable ? ", unreadable" : ", torn")) {
        auto copy = log.disk.clone();
        copy.stop_after(operation);
        LogFixture first(copy);
        bool const opened = first.open();
        first.crash(operation % 2 == 0 ? Crash::kill : Crash::power_cut);
        if (opened) break;
        auto const start = log.check_start(copy);
        BOOST_TEST(stele::test::is_named(start.gaps, 3));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_damaged_segment_that_expires_is_kept_under_another_name) {
  KnownLog log(retaining(4));
  log.live([&](LogFixture& life) { log.write_large(life, 15); });
  auto const place = place_of(log.disk, 5);
  log.disk.bytes(place.segment)[place.commit.offset + 3000] ^= std::byte{1};
  auto const evidence = log.disk.bytes(place.segment);
  log.live([&](LogFixture& life) { log.write_large(life, 50); });
  BOOST_TEST(!log.disk.has(place.segment));
  BOOST_TEST_REQUIRE(log.disk.has(place.segment + ".damaged"));
  BOOST_TEST((log.disk.bytes(place.segment + ".damaged") == evidence));
  log.live([&](LogFixture& life) {
    BOOST_TEST(life.report().findings.empty());
    log.write_large(life, 20);
  });
  BOOST_TEST(log.disk.has(place.segment + ".damaged"));
}

// A crash between the MANIFEST that leaves it out and its new name.
BOOST_AUTO_TEST_CASE(a_damaged_segment_that_expires_is_kept_whenever_a_crash_comes) {
  KnownLog log(retaining(4));
  log.live([&](LogFixture& life) { log.write_large(life, 15); });
  auto const place = place_of(log.disk, 5);
  log.disk.bytes(place.segment)[place.commit.offset + 3000] ^= std::byte{1};
  auto const evidence = log.disk.bytes(place.segment);
  for (std::uint64_t operation = 0; operation < 100; ++operation) {
    auto copy = log.disk.clone();
    copy.stop_after(operation);
    LogFixture life(copy, retaining(4));
    if (life.open()) {
      for (int i = 0; i < 40 && !copy.stopped(); ++i) life.write(std::string(5000, 'y'));
    }
    life.crash(Crash::kill);
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    life.settle();
    auto const name = copy.has(place.segment) ? place.segment : place.segment + ".damaged";
    BOOST_TEST_REQUIRE(copy.has(name), "operation " << operation);
    BOOST_TEST((copy.bytes(name) == evidence));
  }
}

BOOST_AUTO_TEST_CASE(gaps_below_what_expired_are_not_named_twice) {
  KnownLog log(retaining(4));
  log.live([&](LogFixture& life) { log.write_large(life, 15); });
  auto const place = place_of(log.disk, 5);
  log.disk.bytes(place.segment)[place.commit.offset + 3000] ^= std::byte{1};
  Seq expired = 0;
  log.live([&](LogFixture& life) {
    log.write_large(life, 15);
    expired = life.listener.expired;
  });
  BOOST_TEST_REQUIRE(expired > 5u);
  LogFixture life(log.disk, retaining(4));
  BOOST_TEST_REQUIRE(life.open());
  auto const& gaps = life.report().gaps;
  for (std::size_t i = 1; i < gaps.size(); ++i) {
    BOOST_TEST(gaps[i - 1].last_seq < gaps[i].first_seq);
  }
  BOOST_TEST(stele::test::is_named(gaps, 5));
}

BOOST_AUTO_TEST_CASE(a_start_reads_each_byte_of_the_log_once) {
  auto options = LogFixture::small_options();
  options.segment_bytes = 1 << 20;
  KnownLog log(options);
  log.live([&](LogFixture& life) {
    log.write_large(life, 500);
    life.idle();
  });
  std::uint64_t bytes = manifest_bytes;
  auto const segments = stele::test::segments_of(log.disk);
  // The header, and a look at the first commit, come before, to know what the others are worth.
  constexpr std::uint64_t look_bytes = 64 << 10;
  for (auto const& name : segments) {
    bytes += header_block_bytes + log.disk.bytes(name).size();
    if (stele::test::header_of(log.disk, name).prev_end_commit != end_commit_unknown) {
      bytes += look_bytes;
    }
  }
  BOOST_TEST_REQUIRE(segments.size() >= 4u);
  auto const before = log.disk.bytes_read();
  LogFixture life(log.disk, options);
  BOOST_TEST_REQUIRE(life.open());
  BOOST_TEST((life.sink.payloads == log.payloads));
  BOOST_TEST(log.disk.bytes_read() - before <= bytes);
}

BOOST_AUTO_TEST_SUITE_END()
