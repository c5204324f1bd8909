// Files with the name of a segment: which of them are the log's where MANIFEST does not say it, or
// says something else. What is not is neither served nor hidden, and what it says of seqs is
// believed.
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "support/known_log.hpp"
#include "wal/format/segment_name.hpp"

using namespace stele::wal;
using stele::test::Crash;
using stele::test::KnownLog;
using stele::test::LogFixture;
using stele::test::segments_of;
using stele::test::SimulatedDisk;

BOOST_AUTO_TEST_SUITE(stray_segment_test)

namespace {

std::string const manifest_file(manifest_name);

/// A life that a crash ends: eleven payloads in each segment but the last, and a spare behind it.
void live(KnownLog& log, int payloads) {
  log.live([&](LogFixture& life) {
    log.write_large(life, payloads);
    life.idle();
  });
}

KnownLog log_of(int payloads, std::uint64_t seed = 1) {
  KnownLog log;
  log.disk = SimulatedDisk({.seed = seed});
  live(log, payloads);
  return log;
}

Options refusing() {
  auto options = LogFixture::small_options();
  options.on_damage = OnDamage::refuse;
  return options;
}

using AllFiles = std::map<std::string, std::vector<std::byte>>;
AllFiles all_files(SimulatedDisk const& disk) {
  AllFiles files;
  for (auto const& name : disk.names()) files[name] = disk.bytes(name);
  return files;
}

/// Of a start that must refuse, and change nothing.
Failure refused(SimulatedDisk& disk, Options const& options) {
  auto const before = all_files(disk);
  LogFixture life(disk, options);
  BOOST_TEST(!life.open());
  BOOST_TEST((all_files(disk) == before), "a start that refuses has changed the disk");
  return life.failure;
}

}  // namespace

// Only the first start's own segment looks like a log that has not begun.
BOOST_AUTO_TEST_CASE(a_spare_that_is_left_alone_is_not_a_new_log) {
  auto const log = log_of(25);
  auto const names = segments_of(log.disk);
  SimulatedDisk spare{{}};
  spare.put(names.back(), log.disk.bytes(names.back()));
  for (auto const& options : {LogFixture::small_options(), refusing()}) {
    auto const failure = refused(spare, options);
    BOOST_TEST((failure.code == Errc::not_a_log), failure.message);
  }
  auto const directory = spare.mount();
  auto const checked = check_log(*directory, [] { return false; });
  BOOST_TEST_REQUIRE(!checked.has_value());
  BOOST_TEST((checked.error().code == Errc::not_a_log));
}

BOOST_AUTO_TEST_CASE(any_one_segment_that_is_left_is_told_to_be_the_rest_of_a_log) {
  auto const log = log_of(25);
  auto const names = segments_of(log.disk);
  for (std::size_t i = 0; i + 1 < names.size(); ++i) {
    SimulatedDisk left{{}};
    left.put(names[i], log.disk.bytes(names[i]));
    BOOST_TEST((refused(left, refusing()).code == Errc::damaged));
    LogFixture life(left);
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    BOOST_TEST(!life.report().findings.empty());
    BOOST_TEST(!life.sink.payloads.empty());
    for (auto const& [seq, payload] : life.sink.payloads) {
      BOOST_TEST((log.payloads.at(seq) == payload));
      BOOST_TEST(life.log->next_seq() > seq);
    }
  }
}

// It may be what a disk gave back, or what somebody left there: nobody knows how the log went on in
// between. Its seqs were given out, so they are not again.
BOOST_AUTO_TEST_CASE(a_segment_of_ours_two_numbers_ahead_is_told_and_not_served) {
  auto log = log_of(25);
  auto ahead = log_of(0);
  ahead.disk = log.disk.clone();
  ahead.payloads = log.payloads;
  live(ahead, 40);
  auto const last_no = segments_of(log.disk).size();
  auto const stray = segment_name(last_no + 2);
  BOOST_TEST_REQUIRE(ahead.disk.has(stray));
  auto const bytes = ahead.disk.bytes(stray);
  log.disk.put(stray, bytes);
  BOOST_TEST((refused(log.disk, refusing()).code == Errc::damaged));
  LogFixture life(log.disk);
  BOOST_TEST_REQUIRE(life.open(), life.failure.message);
  BOOST_TEST((life.sink.payloads == log.payloads));
  BOOST_TEST_REQUIRE(!life.report().findings.empty());
  BOOST_TEST(life.report().findings[0].starts_with(stray + ": MANIFEST does not name it"));
  BOOST_TEST((log.disk.bytes(stray + ".stray") == bytes));
  auto const of_stray = commits_of(ahead.disk, stray).back().header;
  BOOST_TEST(life.log->next_seq() >= of_stray.first_seq + of_stray.payload_count);
  // It is kept, whatever the log does with the number, and the next start has nothing new to say.
  life.fill(40);
  life.stop();
  BOOST_TEST((log.disk.bytes(stray + ".stray") == bytes));
  BOOST_TEST_REQUIRE(life.open(), life.failure.message);
  BOOST_TEST(life.report().findings.empty());
}

BOOST_AUTO_TEST_CASE(a_segment_of_another_log_behind_ours_is_told_and_kept) {
  for (std::uint64_t const ahead : {1u, 2u, 1000u}) {
    auto log = log_of(25);
    auto const other = log_of(25, 77);
    auto const stray = segment_name(segments_of(log.disk).size() + ahead);
    log.disk.put(stray, other.disk.bytes(segment_name(2)));
    LogFixture life(log.disk);
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    BOOST_TEST((life.sink.payloads == log.payloads));
    BOOST_TEST_REQUIRE(life.report().findings.size() == 1u);
    BOOST_TEST(life.report().findings[0].starts_with(stray));
    BOOST_TEST(life.log->next_seq() == 26u);
    life.fill(30);
    BOOST_TEST((log.disk.bytes(stray + ".stray") == other.disk.bytes(segment_name(2))));
  }
}

BOOST_AUTO_TEST_CASE(an_absurd_number_costs_no_time_and_no_memory) {
  for (bool const has_manifest : {true, false}) {
    auto log = log_of(25);
    auto const stray = segment_name(UINT64_MAX);
    log.disk.put(stray, log.disk.bytes(segment_name(2)));
    if (!has_manifest) log.disk.remove(manifest_file);
    LogFixture life(log.disk);
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    BOOST_TEST((life.sink.payloads == log.payloads));
    BOOST_TEST(!life.report().findings.empty());
    BOOST_TEST(log.disk.has(stray + ".stray"));
  }
}

BOOST_AUTO_TEST_CASE(two_strays_of_one_number_are_both_kept) {
  auto log = log_of(25);
  auto const other = log_of(25, 77);
  auto const stray = segment_name(20);
  for (std::uint64_t const no : {1u, 2u}) {
    log.disk.put(stray, other.disk.bytes(segment_name(no)));
    live(log, 1);
  }
  BOOST_TEST((log.disk.bytes(stray + ".stray") == other.disk.bytes(segment_name(1))));
  BOOST_TEST((log.disk.bytes(stray + ".stray.2") == other.disk.bytes(segment_name(2))));
}

BOOST_AUTO_TEST_CASE(without_a_manifest_most_segments_say_whose_log_it_is) {
  auto const other = log_of(25, 77);
  for (std::uint64_t foreign = 1; foreign <= 4; ++foreign) {
    auto log = log_of(25);
    BOOST_TEST_REQUIRE(log.disk.has(segment_name(foreign)));
    log.disk.remove(manifest_file);
    log.disk.put(segment_name(foreign), other.disk.bytes(segment_name(foreign)));
    LogFixture life(log.disk);
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    BOOST_TEST(!life.report().findings.empty());
    BOOST_TEST(!life.sink.payloads.empty());
    BOOST_TEST((life.log->store_id() != header_of(other.disk, segment_name(1)).store_id));
    for (auto const& name : segments_of(log.disk)) BOOST_TEST(log.disk.has(name));
  }
}

BOOST_AUTO_TEST_CASE(without_a_manifest_as_many_segments_of_two_logs_are_no_log) {
  auto log = log_of(25);
  auto const other = log_of(25, 77);
  log.disk.remove(manifest_file);
  for (std::uint64_t const no : {1u, 3u}) {
    log.disk.put(segment_name(no), other.disk.bytes(segment_name(no)));
  }
  BOOST_TEST((refused(log.disk, LogFixture::small_options()).code == Errc::not_a_log));
}

BOOST_AUTO_TEST_CASE(an_older_manifest_costs_nothing_and_is_told) {
  KnownLog log;
  live(log, 25);
  auto const old = log.disk.bytes(manifest_file);
  live(log, 25);
  live(log, 25);
  log.disk.put(manifest_file, old);
  auto const start = log.check_start(log.disk);
  BOOST_TEST((start.payloads == log.payloads));
  BOOST_TEST(start.complains());
  BOOST_TEST(start.gaps.empty());
}

BOOST_AUTO_TEST_CASE(an_older_manifest_of_a_whole_log_is_no_damage) {
  KnownLog log;
  live(log, 25);
  auto const old = log.disk.bytes(manifest_file);
  live(log, 25);
  log.disk.put(manifest_file, old);
  LogFixture life(log.disk, refusing());
  BOOST_TEST_REQUIRE(life.open(), life.failure.message);
  BOOST_TEST((life.sink.payloads == log.payloads));
  BOOST_TEST(!life.report().findings.empty());
}

// Two copies of one log went on for themselves. Numbers, seqs and store id fit; the neighbours name
// another salt.
BOOST_AUTO_TEST_CASE(a_segment_of_another_branch_that_its_neighbours_do_not_know_is_not_served) {
  KnownLog log;
  live(log, 5);
  KnownLog branch;
  branch.disk = log.disk.clone();
  branch.disk.random(2);  // From here on its salts are others.
  branch.payloads = log.payloads;
  live(log, 60);
  branch.live([&](LogFixture& life) {
    for (int i = 0; i < 60; ++i) branch.write(life, "theirs" + std::string(4994, 'y'));
    life.idle();
  });
  auto const names = segments_of(log.disk);
  BOOST_TEST_REQUIRE(names.size() >= 6u);
  // The second is where both begin to differ: what came before it fits both.
  for (std::size_t i = 2; i + 1 < names.size(); ++i) {
    BOOST_TEST_CONTEXT(names[i]) {
      auto disk = log.disk.clone();
      disk.put(names[i], branch.disk.bytes(names[i]));
      auto const start = log.check_start(disk);
      BOOST_TEST(start.complains());
      for (auto const& [seq, payload] : start.payloads) BOOST_TEST(!payload.starts_with("theirs"));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
