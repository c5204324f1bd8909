// A backup: whenever it is taken it is a log that holds what had been acknowledged, an earlier one
// is brought up to date, and nothing else is ever taken for one.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "support/environment.hpp"
#include "support/known_log.hpp"
#include "support/log_at_work.hpp"
#include "support/sanitized.hpp"
#include "wal/format/segment_name.hpp"
#include "wal/offline/backup.hpp"

using namespace stele::wal;
using stele::test::Crash;
using stele::test::KnownLog;
using stele::test::LogAtWork;
using stele::test::LogFixture;
using stele::test::place_of;
using stele::test::SimulatedDisk;

namespace {

constexpr std::uint64_t seeds_default = stele::test::is_sanitized_test ? 1 : 4;

Result<BackupReport> back_up(SimulatedDisk const& source, SimulatedDisk& target,
                             bool in_use = false) {
  auto copy = source.clone();
  auto const from = copy.mount();
  auto const to = target.mount();
  return backup_log(*from, *to, [&] { return in_use; });
}

BackupReport backed_up(SimulatedDisk const& source, SimulatedDisk& target) {
  auto done = back_up(source, target);
  BOOST_TEST_REQUIRE(done.has_value(), done.error().message);
  return *std::move(done);
}

Options refusing() {
  auto options = LogFixture::small_options();
  options.on_damage = OnDamage::refuse;
  return options;
}

/// What a daemon that refuses damage finds in a copy. The copy itself stays as it is.
struct Restored {
  explicit Restored(SimulatedDisk const& copy) {
    auto disk = copy.clone();
    LogFixture life(disk, refusing());
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    BOOST_TEST(life.report().findings.empty());
    payloads = life.sink.payloads;
    gaps = life.report().gaps;
    next_seq = life.log->next_seq();
    store_id = life.log->store_id();
  }
  std::map<Seq, std::string> payloads{};
  std::vector<Gap> gaps{};
  Seq next_seq = 0;
  StoreId store_id{};
};

KnownLog log_of_three_segments() {
  KnownLog log;
  log.live([&](LogFixture& life) {
    log.write_large(life, 25);
    life.idle();
  });
  return log;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(backup_test)

BOOST_AUTO_TEST_CASE(a_copy_of_a_log_at_rest_is_the_same_log) {
  auto const log = log_of_three_segments();
  SimulatedDisk target{{.seed = 5}};
  auto const done = backed_up(log.disk, target);
  BOOST_TEST(done.segments == 3u);
  BOOST_TEST(done.segments_copied == 3u);
  Restored const source(log.disk);
  Restored const copy(target);
  BOOST_TEST((copy.payloads == log.payloads));
  BOOST_TEST((copy.store_id == source.store_id));
  BOOST_TEST(copy.next_seq == source.next_seq);
}

BOOST_AUTO_TEST_CASE(an_earlier_copy_gets_what_is_new_and_what_had_grown) {
  auto log = log_of_three_segments();
  SimulatedDisk target{{.seed = 5}};
  backed_up(log.disk, target);
  log.live([&](LogFixture& life) {
    log.write_large(life, 25);
    life.idle();
  });
  auto const done = backed_up(log.disk, target);
  BOOST_TEST(done.segments == 6u);
  BOOST_TEST(done.segments_copied == 4u);  // Of the earlier copy its last one again.
  Restored const copy(target);
  BOOST_TEST((copy.payloads == log.payloads));
  BOOST_TEST(backed_up(log.disk, target).segments_copied == 1u);
}

BOOST_AUTO_TEST_CASE(space_behind_the_last_commit_is_given_back) {
  KnownLog log;
  log.live([&](LogFixture& life) {
    log.write(life, "one");
    life.idle();
  });
  SimulatedDisk target{{.seed = 5}};
  backed_up(log.disk, target);
  BOOST_TEST(target.released_from(segment_name(1)) > first_commit_offset);
}

BOOST_AUTO_TEST_CASE(whenever_it_is_taken_from_a_log_at_work_it_holds_what_had_been_durable) {
  auto const seeds = stele::test::number_from_environment("STELE_BACKUP_SEEDS", seeds_default);
  std::uint64_t removed = 0;
  std::uint64_t kept = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SimulatedDisk disk({.seed = seed});
    SimulatedDisk target({.seed = seed + 1000});
    LogAtWork work(disk, seed, 256 << 10);
    for (int i = 0; i < 20; ++i) {
      BOOST_TEST_CONTEXT("seed " << seed << " backup " << i) {
        auto const durable = work.durable();
        auto from = work.directory();
        auto const to = target.mount();
        auto const done = backup_log(from, *to, [] { return true; });
        BOOST_TEST_REQUIRE(done.has_value(), done.error().message);
        removed += done->segments_removed;
        kept += done->segments - done->segments_copied;
        Restored const copy(target);
        BOOST_TEST(copy.next_seq > durable);
        Seq expected = 1;
        for (auto const& gap : copy.gaps) {
          BOOST_TEST((gap.reason == GapReason::expired));
          expected = gap.last_seq + 1;
        }
        BOOST_TEST(expected <= work.expired() + 1);
        for (auto const& [seq, payload] : copy.payloads) {
          BOOST_TEST(seq == expected++);
          BOOST_TEST((payload == work.written.at(seq)));
        }
        BOOST_TEST(expected == copy.next_seq);
      }
    }
  }
  BOOST_TEST(removed > seeds);
  BOOST_TEST(kept > seeds);
  BOOST_TEST_MESSAGE(seeds * 20 << " backups of a log at work: " << removed
                                << " segments expired in copies, " << kept << " not copied again");
}

BOOST_AUTO_TEST_CASE(damage_is_told_and_copied_as_it_is) {
  auto log = log_of_three_segments();
  auto const place = place_of(log.disk, 14);
  log.disk.bytes(place.segment)[place.commit.offset + 100] ^= std::byte{1};
  SimulatedDisk target{{.seed = 5}};
  auto const done = backed_up(log.disk, target);
  BOOST_TEST(done.check.has(Finding::Kind::damage));
  log.check_start(target);
}

BOOST_AUTO_TEST_CASE(damage_at_the_end_of_a_log_at_work_is_not_cut_off) {
  auto log = log_of_three_segments();
  auto const place = place_of(log.disk, 25);
  log.disk.bytes(place.segment)[place.commit.offset + 100] ^= std::byte{1};
  SimulatedDisk target{{.seed = 5}};
  auto copy = log.disk.clone();
  auto const from = copy.mount();
  auto const done = backup_log(*from, *target.mount(), [] { return true; });
  BOOST_TEST_REQUIRE(done.has_value(), done.error().message);
  BOOST_TEST(done->check.has(Finding::Kind::damage));
  log.check_start(target);
}

BOOST_AUTO_TEST_CASE(a_torn_end_is_copied_as_it_is) {
  KnownLog log;
  log.live([&](LogFixture& life) { log.write_large(life, 3); });
  auto const place = place_of(log.disk, 3);
  auto& bytes = log.disk.bytes(place.segment);
  std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(place.commit.offset) + 512, 512,
              std::byte{0});
  SimulatedDisk target{{.seed = 5}};
  auto const done = backed_up(log.disk, target);
  BOOST_TEST(done.check.has(Finding::Kind::torn));
  log.check_start(target);
}

BOOST_AUTO_TEST_CASE(an_end_that_rots_in_the_copy_of_a_log_at_work_is_damage) {
  KnownLog log;
  log.live([&](LogFixture& life) { log.write_large(life, 3); });
  SimulatedDisk target{{.seed = 5}};
  auto source = log.disk.clone();
  auto const from = source.mount();
  BOOST_TEST_REQUIRE(backup_log(*from, *target.mount(), [] { return true; }).has_value());
  auto const place = place_of(target, 3);
  auto& bytes = target.bytes(place.segment);
  std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(place.commit.offset), bytes.end(),
            std::byte{0});
  auto const checked = check_log(*target.mount(), [] { return false; });
  BOOST_TEST_REQUIRE(checked.has_value());
  BOOST_TEST(checked->has(Finding::Kind::damage));
}

BOOST_AUTO_TEST_CASE(a_segment_that_is_missing_is_missing_in_the_copy) {
  auto log = log_of_three_segments();
  log.disk.remove(segment_name(2));
  SimulatedDisk target{{.seed = 5}};
  BOOST_TEST(backed_up(log.disk, target).check.has(Finding::Kind::damage));
  log.check_start(target);
}

BOOST_AUTO_TEST_CASE(a_copy_that_rotted_is_told_and_not_called_whole) {
  auto const log = log_of_three_segments();
  SimulatedDisk target{{.seed = 5}};
  backed_up(log.disk, target);
  target.bytes(segment_name(1))[first_commit_offset + 1000] ^= std::byte{1};
  auto const again = back_up(log.disk, target);
  BOOST_TEST_REQUIRE(!again.has_value());
  BOOST_TEST((again.error().code == Errc::damaged));
}

BOOST_AUTO_TEST_CASE(something_else_is_never_taken_for_an_earlier_copy) {
  auto log = log_of_three_segments();
  auto const refused = [&](SimulatedDisk& target) {
    auto const files = segment_files(target);
    auto const done = back_up(log.disk, target);
    BOOST_TEST_REQUIRE(!done.has_value());
    BOOST_TEST((done.error().code == Errc::diverged), done.error().message);
    BOOST_TEST((segment_files(target) == files));
  };
  // Another log.
  SimulatedDisk other{{.seed = 77}};
  LogFixture life(other);
  BOOST_TEST_REQUIRE(life.open());
  life.write("of another log");
  life.stop();
  refused(other);
  // The same without a MANIFEST.
  other.remove(std::string(manifest_name));
  refused(other);
  // A copy on which a daemon has worked.
  SimulatedDisk copy{{.seed = 5}};
  backed_up(log.disk, copy);
  LogFixture restored(copy);
  BOOST_TEST_REQUIRE(restored.open());
  restored.write("its own");
  restored.stop();
  refused(copy);
  // It stays so when the log has as many segments.
  log.live([&](LogFixture& again) { log.write_large(again, 25); });
  refused(copy);
}

BOOST_AUTO_TEST_CASE(a_directory_without_a_log_has_no_backup) {
  SimulatedDisk const source{{}};
  SimulatedDisk target{{.seed = 5}};
  auto const done = back_up(source, target);
  BOOST_TEST_REQUIRE(!done.has_value());
  BOOST_TEST((done.error().code == Errc::not_a_log));
  BOOST_TEST(target.names().empty());
}

BOOST_AUTO_TEST_CASE(files_of_others_are_never_touched) {
  auto const log = log_of_three_segments();
  for (auto const* const name : {"db.sql", "upload.tmp", "wal-1.seg.tmp", "MANIFEST.tmp.tmp"}) {
    SimulatedDisk target{{.seed = 5}};
    target.put(name, std::vector<std::byte>(100, std::byte{7}));
    auto const done = back_up(log.disk, target);
    BOOST_TEST_REQUIRE(!done.has_value());
    BOOST_TEST((done.error().code == Errc::diverged), done.error().message);
    BOOST_TEST(target.names() == std::vector<std::string>{name}, boost::test_tools::per_element());
  }
  // Beside a copy they stay, too.
  SimulatedDisk target{{.seed = 5}};
  backed_up(log.disk, target);
  target.put("notes.tmp", std::vector<std::byte>(100, std::byte{7}));
  backed_up(log.disk, target);
  BOOST_TEST(target.has("notes.tmp"));
  LogFixture life(target);
  BOOST_TEST_REQUIRE(life.open());
  BOOST_TEST(target.has("notes.tmp"));
}

namespace {

// Stopped at any step, whatever the earlier copy was, the copy is a log: a check finds no damage, a
// daemon that refuses damage starts, and it holds all that it held, or what the log holds. Then it
// can be repeated.
void stop_at_each_step(SimulatedDisk const& source, SimulatedDisk const& earlier,
                       std::map<Seq, std::string> const& written,
                       std::map<Seq, std::string> const& before) {
  Restored const restored(source);
  auto whole = earlier.clone();
  auto const begun = whole.operations();
  backed_up(source, whole);
  auto const operations = whole.operations() - begun;
  for (std::uint64_t run = 0; run < operations * 2; ++run) {
    auto const stop = run / 2;
    bool const in_use = run % 2 == 1;
    for (auto const kind : {Crash::kill, Crash::power_cut}) {
      BOOST_TEST_CONTEXT("stopped at " << stop << (in_use ? ", at work" : "")) {
        auto target = earlier.clone();
        target.stop_after(stop);
        BOOST_TEST(!back_up(source, target, in_use).has_value());
        target.crash(kind);
        if (target.has(std::string(manifest_name))) {
          auto const checked = check_log(*target.mount(), [] { return false; });
          BOOST_TEST_REQUIRE(checked.has_value());
          for (auto const& finding : checked->findings) {
            BOOST_TEST((finding.kind == Finding::Kind::note), finding.text);
          }
          auto opened = target.clone();
          LogFixture copy(opened, refusing());
          BOOST_TEST_REQUIRE(copy.open(), copy.failure.message);
          for (auto const& [seq, payload] : copy.sink.payloads) {
            BOOST_TEST((written.at(seq) == payload));
          }
          bool const is_new = copy.sink.payloads == restored.payloads;
          bool const is_old = std::ranges::all_of(
              before, [&](auto const& entry) { return copy.sink.payloads.contains(entry.first); });
          BOOST_TEST((is_old || is_new), "neither what it held nor what the log holds");
        } else {
          BOOST_TEST(segment_files(target).empty(), "segments without a MANIFEST");
        }
        backed_up(source, target);
        BOOST_TEST((Restored(target).payloads == restored.payloads));
      }
    }
  }
  BOOST_TEST(operations >= 10u);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_crash_at_any_step_leaves_the_earlier_copy_a_log_and_can_be_repeated) {
  auto log = log_of_three_segments();
  SimulatedDisk earlier{{.seed = 5}};
  backed_up(log.disk, earlier);
  auto const before = log.payloads;
  log.live([&](LogFixture& life) {
    log.write_large(life, 14);
    life.idle();
  });
  stop_at_each_step(log.disk, earlier, log.payloads, before);
}

BOOST_AUTO_TEST_CASE(a_crash_at_any_step_of_a_first_copy_leaves_a_log_or_none) {
  auto const log = log_of_three_segments();
  stop_at_each_step(log.disk, SimulatedDisk({.seed = 5}), log.payloads, {});
}

// The log has lost to retention what would follow on the copy's last segment, all of that segment,
// or a part of what both hold.
BOOST_AUTO_TEST_CASE(a_crash_at_any_step_of_a_copy_that_retention_has_overtaken_leaves_a_log) {
  for (int const more : {30, 45, 80}) {
    auto options = LogFixture::small_options();
    options.retain_bytes = 5 * options.segment_bytes;
    KnownLog log(options);
    log.live([&](LogFixture& life) {
      log.write_large(life, 25);
      life.idle();
    });
    SimulatedDisk earlier{{.seed = 5}};
    backed_up(log.disk, earlier);
    auto const before = log.payloads;
    log.live([&](LogFixture& life) {
      log.write_large(life, more);
      life.idle();
    });
    stop_at_each_step(log.disk, earlier, log.payloads, before);
  }
}

// A daemon that serves what an unfinished copy held before begins a log of its own.
BOOST_AUTO_TEST_CASE(a_start_puts_aside_what_an_unfinished_copy_has_left) {
  auto options = LogFixture::small_options();
  options.retain_bytes = 5 * options.segment_bytes;
  KnownLog log(options);
  log.live([&](LogFixture& life) {
    log.write_large(life, 25);
    life.idle();
  });
  SimulatedDisk target{{.seed = 5}};
  backed_up(log.disk, target);
  auto const before = Restored(target).payloads;
  auto const held = segment_files(target).size();
  log.live([&](LogFixture& life) {
    log.write_large(life, 80);
    life.idle();
  });
  target.stop_after(25);
  BOOST_TEST(!back_up(log.disk, target).has_value());
  target.crash(Crash::kill);
  auto const unfinished = segment_files(target).size() - held;
  BOOST_TEST_REQUIRE(unfinished > 0u);
  LogFixture life(target, refusing());
  BOOST_TEST_REQUIRE(life.open(), life.failure.message);
  BOOST_TEST((life.sink.payloads == before));
  auto const names = target.names();
  BOOST_TEST(static_cast<std::size_t>(std::ranges::count_if(
                 names, [](auto const& name) { return is_stray_name(name); })) == unfinished);
}

BOOST_AUTO_TEST_SUITE_END()
