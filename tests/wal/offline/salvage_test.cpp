// Salvage: what can be read is copied with its seqs, what cannot is named, and the source stays as
// it is, whatever happens.
#include <boost/test/unit_test.hpp>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "support/environment.hpp"
#include "support/known_log.hpp"
#include "wal/format/segment_name.hpp"
#include "wal/offline/log_check.hpp"
#include "wal/offline/salvage.hpp"

using namespace stele::wal;
using stele::test::is_named;
using stele::test::KnownLog;
using stele::test::LogFixture;
using stele::test::place_of;
using stele::test::SimulatedDisk;

namespace {

std::function<std::uint64_t()> entropy() {
  return [engine = std::mt19937_64(7)]() mutable { return engine(); };
}

Result<SalvageReport> salvage(SimulatedDisk const& source, SimulatedDisk& target,
                              bool in_use = false) {
  auto copy = source.clone();
  auto const from = copy.mount();
  auto const to = target.mount();
  auto const files = segment_files(copy);
  auto report = salvage_log(*from, *to, {.in_use = [&] { return in_use; }, .entropy = entropy()});
  BOOST_TEST((segment_files(copy) == files), "the source was changed");
  return report;
}

/// What the salvaged log is to be: opened by a daemon that refuses damage, without a word to say.
struct Salvaged {
  explicit Salvaged(SimulatedDisk const& source) {
    auto const made = salvage(source, disk);
    BOOST_TEST_REQUIRE(made.has_value(), made.error().message);
    report = *made;
    auto const directory = disk.mount();
    auto const checked = check_log(*directory, [] { return false; });
    BOOST_TEST_REQUIRE(checked.has_value());
    BOOST_TEST(checked->findings.empty());
    auto options = LogFixture::small_options();
    options.on_damage = OnDamage::refuse;
    LogFixture life(disk, options);
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    BOOST_TEST(life.report().findings.empty());
    BOOST_TEST(life.report().clean_stop);
    auto expected = report.gaps;
    // What has expired lies before the first segment, which has another number here.
    for (auto& gap : expected) {
      if (gap.reason == GapReason::expired) gap.segment_no = 1;
    }
    BOOST_TEST((life.report().gaps == expected));
    payloads = life.sink.payloads;
    groups = life.sink.groups;
    next_seq = life.log->next_seq();
    BOOST_TEST(report.payloads == payloads.size());
  }
  SimulatedDisk disk{{.seed = 9}};
  SalvageReport report{};
  std::map<Seq, std::string> payloads{};
  std::vector<stele::test::CollectingSink::Group> groups{};
  Seq next_seq = 0;
};

// What source_log() holds beyond what it shows: a group that is torn, and the last payload.
constexpr Seq torn_first = 34;
constexpr Seq torn_last = 36;
constexpr Seq last_seq = 37;

/// Groups of three in each commit, over several segments, with all there is to name: a client's
/// drop and a torn tail.
KnownLog source_log() {
  KnownLog log;
  WriterMark const writer{.writer = {1, 2, 3}, .write_no = 1};
  log.live([&](LogFixture& life) {
    for (int i = 0; i < 12; ++i) {
      std::vector<std::string> const group{"a" + std::to_string(i), std::string(3000, 'b'),
                                           "c" + std::to_string(i)};
      auto const first = life.append_group(group, writer);
      for (Seq k = 0; k < 3; ++k) log.payloads[first + k] = group[k];
      life.settle();
      if (i == 5) life.log->append_dropped({9}, 4);
    }
  });
  auto const last = place_of(log.disk, 36);
  log.disk.bytes(last.segment)[last.commit.offset + 90] ^= std::byte{1};  // Nothing proves it.
  for (Seq seq = torn_first; seq <= torn_last; ++seq) log.payloads.erase(seq);
  log.live([&](LogFixture& life) {
    log.write(life, "after the torn tail");
    life.idle();
  });
  return log;
}

std::vector<std::string> reasons(SalvageReport const& report) {
  std::vector<std::string> reasons;
  for (auto const& gap : report.gaps) reasons.emplace_back(to_string(gap.reason));
  return reasons;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(salvage_test)

BOOST_AUTO_TEST_CASE(a_log_that_is_whole_is_copied_with_seqs_writers_and_all_that_it_names) {
  auto const log = source_log();
  Salvaged const copy(log.disk);
  BOOST_TEST((copy.payloads == log.payloads));
  BOOST_TEST(copy.report.out_of_damage == 0u);
  BOOST_TEST((reasons(copy.report) == std::vector<std::string>{"dropped_by_client", "torn"}));
  BOOST_TEST(copy.next_seq == log.payloads.rbegin()->first + 1);
  BOOST_TEST(copy.groups.size() == 12u);
  BOOST_TEST(copy.groups[0].writer.write_no == 1u);
}

BOOST_AUTO_TEST_CASE(what_has_expired_in_the_source_has_expired_in_the_copy) {
  auto options = LogFixture::small_options();
  options.retain_bytes = 128 << 10;
  KnownLog log(options);
  log.live([&](LogFixture& life) {
    log.write_large(life, 60);
    life.idle();
  });
  Salvaged const copy(log.disk);
  BOOST_TEST((reasons(copy.report) == std::vector<std::string>{"expired"}));
  BOOST_TEST(copy.payloads.begin()->first == copy.report.gaps[0].last_seq + 1);
  BOOST_TEST(copy.payloads.rbegin()->first == 60u);
}

BOOST_AUTO_TEST_CASE(a_bad_record_costs_itself_and_not_its_commit) {
  auto log = source_log();
  auto const place = place_of(log.disk, 8);
  auto const second_payload = place.commit.offset + commit_header_bytes + group_header_bytes +
                              record_header_bytes + 2 + record_header_bytes;
  log.disk.bytes(place.segment)[second_payload + 1000] ^= std::byte{1};
  Salvaged const copy(log.disk);
  log.payloads.erase(8);
  BOOST_TEST((copy.payloads == log.payloads));
  BOOST_TEST(copy.report.out_of_damage == 2u);
  BOOST_TEST(
      (reasons(copy.report) == std::vector<std::string>{"damaged", "dropped_by_client", "torn"}));
  BOOST_TEST(copy.report.gaps[0].first_seq == 8u);
  BOOST_TEST(copy.report.gaps[0].last_seq == 8u);
}

// The lengths behind it lead nowhere, so nobody knows which seq a later record has.
BOOST_AUTO_TEST_CASE(a_bad_length_costs_what_lies_behind_it_in_its_commit) {
  auto log = source_log();
  auto const place = place_of(log.disk, 8);
  auto const second_record =
      place.commit.offset + commit_header_bytes + group_header_bytes + record_header_bytes + 2;
  log.disk.bytes(place.segment)[second_record] ^= std::byte{4};
  Salvaged const copy(log.disk);
  log.payloads.erase(8);
  log.payloads.erase(9);
  BOOST_TEST((copy.payloads == log.payloads));
}

BOOST_AUTO_TEST_CASE(a_segment_whose_headers_are_lost_is_copied_whole) {
  auto log = source_log();
  auto& bytes = log.disk.bytes(segment_name(1));
  std::fill_n(bytes.begin(), first_commit_offset, std::byte{0});
  Salvaged const copy(log.disk);
  BOOST_TEST((copy.payloads == log.payloads));
  BOOST_TEST(copy.report.out_of_damage > 10u);
}

BOOST_AUTO_TEST_CASE(an_unreadable_sector_costs_the_records_that_it_touches) {
  auto log = source_log();
  auto const place = place_of(log.disk, 8);
  log.disk.make_unreadable(place.segment, place.commit.offset + 1024, 512);
  Salvaged const copy(log.disk);
  log.payloads.erase(8);
  log.payloads.erase(9);
  BOOST_TEST((copy.payloads == log.payloads));
}

BOOST_AUTO_TEST_CASE(a_log_that_a_process_has_open_is_refused) {
  auto const log = source_log();
  SimulatedDisk target{{}};
  auto const refused = salvage(log.disk, target, true);
  BOOST_TEST_REQUIRE(!refused.has_value());
  BOOST_TEST((refused.error().code == Errc::locked));
  BOOST_TEST(target.names().empty());
}

BOOST_AUTO_TEST_CASE(a_crash_at_any_step_leaves_the_source_whole_and_no_manifest_in_the_target) {
  auto const log = source_log();
  SimulatedDisk whole{{}};
  BOOST_TEST_REQUIRE(salvage(log.disk, whole).has_value());
  auto const operations = whole.operations();
  for (std::uint64_t stop = 0; stop < operations; ++stop) {
    for (auto const kind : {stele::test::Crash::kill, stele::test::Crash::power_cut}) {
      SimulatedDisk target{{.seed = stop + 1}};
      target.stop_after(stop);
      BOOST_TEST(!salvage(log.disk, target).has_value(), "stopped at " << stop);
      target.crash(kind);
      // The sync of its name is the last step: the name may be there before it.
      if (stop + 1 < operations) BOOST_TEST(!target.has("MANIFEST"), "stopped at " << stop);
    }
  }
  BOOST_TEST(operations >= 6u);
}

// Whatever lies on the source: no payload comes with other bytes or another seq, nothing that a
// start could read is left behind, and all that is missing is named. Two things nobody can know:
// that a group was torn, once the record that says so is damaged, too; and that there was a last
// commit, once nothing is left of it.
BOOST_AUTO_TEST_CASE(any_damage_is_salvaged_without_a_wrong_byte) {
  auto const seed = stele::test::number_from_environment("STELE_SEED", 1);
  auto const runs = stele::test::number_from_environment("STELE_DAMAGE_RUNS", 150);
  std::mt19937_64 random(seed);
  auto const below = [&](std::uint64_t bound) { return random() % bound; };
  std::uint64_t out_of_damage = 0;
  auto const log = source_log();
  for (std::uint64_t run = 0; run < runs; ++run) {
    auto source = log.disk.clone();
    for (auto hits = 1 + below(6); hits > 0; --hits) {
      auto& bytes = source.bytes(segment_name(1 + below(2)));
      auto const begin = below(8) == 0 ? below(8192) : 8192 + below(40'000);
      auto const length = std::uint64_t{1} << below(12);
      for (auto at = begin; at < std::min<std::uint64_t>(begin + length, bytes.size()); ++at) {
        bytes[at] = static_cast<std::byte>(run % 3 == 0 ? 0 : random());
      }
    }
    BOOST_TEST_CONTEXT("STELE_SEED=" << seed << " run " << run) {
      auto opened = source.clone();
      LogFixture life(opened);
      BOOST_TEST_REQUIRE(life.open(), life.failure.message);
      Salvaged const copy(source);
      out_of_damage += copy.report.out_of_damage;
      for (auto const& [seq, payload] : copy.payloads) {
        if (seq < torn_first || seq > torn_last) {
          BOOST_TEST_REQUIRE(log.payloads.contains(seq), seq);
          BOOST_TEST((log.payloads.at(seq) == payload), seq);
        }
        BOOST_TEST(!is_named(copy.report.gaps, seq), seq);
      }
      for (auto const& [seq, payload] : life.sink.payloads) BOOST_TEST(copy.payloads.contains(seq));
      for (auto const& [seq, payload] : log.payloads) {
        bool const is_told = copy.payloads.contains(seq) || is_named(copy.report.gaps, seq);
        BOOST_TEST((is_told || (seq == last_seq && copy.next_seq == last_seq)), seq);
      }
      BOOST_TEST(copy.next_seq == life.log->next_seq());
    }
  }
  BOOST_TEST(out_of_damage > 0u);
  std::cout << "salvage_test: " << runs << " damaged logs salvaged, " << out_of_damage
            << " payloads out of damaged commits, STELE_SEED=" << seed << "\n";
}

BOOST_AUTO_TEST_SUITE_END()
