// Checking a whole log: what it finds, and that beside a log at work it finds nothing that is not
// so. That it finds what a start finds is part of support/known_log.hpp.
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "support/environment.hpp"
#include "support/known_log.hpp"
#include "support/log_at_work.hpp"
#include "support/sanitized.hpp"
#include "wal/format/segment_name.hpp"
#include "wal/offline/log_check.hpp"

using namespace stele::wal;
using stele::test::commits_of;
using stele::test::Crash;
using stele::test::KnownLog;
using stele::test::LogAtWork;
using stele::test::LogFixture;
using stele::test::place_of;
using stele::test::SimulatedDisk;

BOOST_AUTO_TEST_SUITE(log_check_test)

namespace {

constexpr std::uint64_t seeds_default = stele::test::is_sanitized_test ? 1 : 4;

LogCheck check(SimulatedDisk const& disk, bool in_use = false) {
  auto copy = disk.clone();
  auto const directory = copy.mount();
  return check_log(*directory, [&] { return in_use; }).value();
}

std::string text_of(LogCheck const& check) {
  std::string text;
  for (auto const& finding : check.findings) text += finding.text + "\n";
  return text;
}

/// Checks a log at work, over and over.
template <class Judge>
void check_at_work(LogAtWork& work, int checks, Judge const& judge) {
  for (int i = 0; i < checks; ++i) {
    auto directory = work.directory();
    auto const checked = check_log(directory, [] { return true; });
    BOOST_TEST_REQUIRE(checked.has_value());
    judge(*checked);
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_log_at_work_has_no_findings_whenever_and_however_slowly_one_looks) {
  auto const seeds = stele::test::number_from_environment("STELE_CHECK_SEEDS", seeds_default);
  std::uint64_t removed = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SimulatedDisk disk({.seed = seed});
    LogAtWork work(disk, seed, 256 << 10);
    check_at_work(work, 50, [&](LogCheck const& checked) {
      BOOST_TEST(checked.findings.empty(), "seed " << seed << ": " << text_of(checked));
      for (auto const& gap : checked.report.gaps) {
        BOOST_TEST((gap.reason == GapReason::expired), "seed " << seed);
      }
    });
    removed += work.metrics().segments_removed;
  }
  BOOST_TEST(removed > seeds * 10);
  BOOST_TEST_MESSAGE(seeds * 50 << " checks of a log at work, " << removed << " segments removed");
}

BOOST_AUTO_TEST_CASE(damage_in_a_log_at_work_is_found_each_time_and_nothing_else) {
  KnownLog log;
  log.live([&](LogFixture& life) {
    log.write_large(life, 15);
    life.idle();
  });
  auto const place = place_of(log.disk, 3);
  log.disk.bytes(place.segment)[place.commit.offset + 100] ^= std::byte{1};
  LogAtWork work(log.disk, 1, 0);
  check_at_work(work, 10, [&](LogCheck const& checked) {
    BOOST_TEST_REQUIRE(checked.findings.size() == 1u);
    auto const& finding = checked.findings.front();
    BOOST_TEST((finding.kind == Finding::Kind::damage));
    BOOST_TEST(finding.text.starts_with(place.segment + " at offset " +
                                        std::to_string(place.commit.offset)));
    BOOST_TEST(finding.named);
  });
}

BOOST_AUTO_TEST_CASE(an_unfinished_end_is_torn_unless_a_process_is_writing_it) {
  KnownLog log;
  log.live([&](LogFixture& life) { log.write_large(life, 3); });
  auto const place = place_of(log.disk, 3);
  auto& bytes = log.disk.bytes(place.segment);
  std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(place.commit.offset) + 512, 512,
              std::byte{0});
  auto const torn = check(log.disk);
  BOOST_TEST_REQUIRE(torn.findings.size() == 1u);
  BOOST_TEST((torn.findings.front().kind == Finding::Kind::torn));
  BOOST_TEST(torn.report.gaps.size() == 1u);
  auto const open = check(log.disk, true);
  BOOST_TEST(open.findings.empty());
  BOOST_TEST(open.report.gaps.empty());
}

BOOST_AUTO_TEST_CASE(damage_that_an_earlier_start_named_is_found_still_and_said_to_be_known) {
  KnownLog log;
  log.live([&](LogFixture& life) {
    log.write_large(life, 3);
    life.idle();
  });
  auto const place = place_of(log.disk, 2);
  log.disk.bytes(place.segment)[place.commit.offset + 100] ^= std::byte{1};
  auto const before = check(log.disk);
  BOOST_TEST_REQUIRE(before.findings.size() == 1u);
  BOOST_TEST(!before.findings.front().named);
  BOOST_TEST(before.findings.front().first_commit_no == 3u);
  BOOST_TEST(before.findings.front().last_commit_no == 3u);
  log.live([](LogFixture&) {});
  auto const after = check(log.disk);
  BOOST_TEST_REQUIRE(after.findings.size() == 1u);
  BOOST_TEST(after.findings.front().named);
  BOOST_TEST(after.findings.front().text == before.findings.front().text);
}

BOOST_AUTO_TEST_CASE(rot_that_costs_nothing_is_a_note) {
  KnownLog log;
  log.live([&](LogFixture& life) {
    log.write(life, "one");
    life.idle();
  });
  auto const name = segment_name(1);
  auto const whole = check(log.disk);
  BOOST_TEST(whole.findings.empty());
  log.disk.bytes(name)[header_block_bytes + 60] ^= std::byte{1};
  auto const padding = place_of(log.disk, 1).commit.used_end;
  log.disk.bytes(name)[padding + 7] ^= std::byte{1};
  auto const found = check(log.disk);
  BOOST_TEST_REQUIRE(found.findings.size() == 2u);
  BOOST_TEST(!found.has(Finding::Kind::damage));
  BOOST_TEST(found.findings[0].text ==
             name + " at offset 4096: this copy of the header is damaged; the other one serves");
  BOOST_TEST(found.findings[1].text ==
             name + " at offset " + std::to_string(padding) + ": padding holds something else");
}

BOOST_AUTO_TEST_CASE(a_directory_in_which_nothing_was_ever_written_is_no_log) {
  SimulatedDisk disk{{}};
  auto const directory = disk.mount();
  auto const checked = check_log(*directory, [] { return false; });
  BOOST_TEST_REQUIRE(!checked.has_value());
  BOOST_TEST((checked.error().code == Errc::not_a_log));
}

BOOST_AUTO_TEST_SUITE_END()
