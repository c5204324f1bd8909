// A full disk: reads go on, writes are refused before they are admitted, and all heals by itself.
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "support/log_fixture.hpp"
#include "support/segment_view.hpp"
#include "wal/gap_ledger.hpp"
#include "wal/log.hpp"

using namespace stele::wal;
using stele::test::Crash;
using stele::test::LogFixture;
using stele::test::SimulatedDisk;

BOOST_AUTO_TEST_SUITE(log_space_test)

namespace {

constexpr std::uint64_t segment_bytes = 64 << 10;
std::string const payload(5000, 'x');

/// A log on a disk with room for this many segments; the last but one is needed while making the
/// MANIFEST.
struct Fixture {
  explicit Fixture(std::uint64_t segments) { set_room(segments); }

  void open() { BOOST_TEST_REQUIRE(life.open(), life.failure.message); }
  void set_room(std::uint64_t segments) { disk.set_capacity(segments * segment_bytes + 3 * 4096); }
  /// Writes until the log admits no more; returns the last seq.
  Seq fill() {
    Seq last = life.log->next_seq() - 1;
    while (!life.log->admit(1, payload.size())) {
      last = life.write(payload);
      BOOST_TEST_REQUIRE(last < 1000u);
    }
    return last;
  }

  SimulatedDisk disk{{}};
  LogFixture life{disk};
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_full_disk_refuses_writes_that_do_not_fit_and_loses_none_that_it_admitted) {
  Fixture fix(2);
  fix.open();
  auto const last = fix.fill();
  BOOST_TEST((fix.life.log->admit(1, payload.size()) == Errc::no_space));
  BOOST_TEST(last >= 20u);
  BOOST_TEST(fix.life.listener.durable == last);
  BOOST_TEST(fix.life.listener.failures.empty());
  BOOST_TEST(fix.life.metrics().space_failures >= 1u);
}

BOOST_AUTO_TEST_CASE(a_small_write_is_admitted_while_the_active_segment_has_room) {
  Fixture fix(2);
  fix.open();
  fix.fill();
  BOOST_TEST(!fix.life.log->admit(1, 10));
  auto const seq = fix.life.write("small");
  BOOST_TEST(fix.life.listener.durable == seq);
}

BOOST_AUTO_TEST_CASE(space_heals_the_log_without_a_restart) {
  Fixture fix(2);
  fix.open();
  auto const last = fix.fill();
  BOOST_TEST(fix.life.log->next_deadline().has_value());
  fix.life.advance_ms(1000);
  fix.life.settle();
  BOOST_TEST((fix.life.log->admit(1, payload.size()) == Errc::no_space));
  fix.set_room(4);
  fix.life.advance_ms(1000);
  fix.life.settle();
  BOOST_TEST(!fix.life.log->admit(1, payload.size()));
  BOOST_TEST(fix.life.write(payload) == last + 1);
  BOOST_TEST(fix.life.listener.durable == last + 1);
}

BOOST_AUTO_TEST_CASE(attempts_to_get_space_are_a_delay_apart) {
  Fixture fix(2);
  fix.open();
  fix.fill();
  auto const before = fix.life.metrics().space_failures;
  for (int ms = 0; ms < 3000; ms += 100) fix.life.advance_ms(100);
  BOOST_TEST(fix.life.metrics().space_failures - before == 3u);
}

// Admitted while the spare seemed to come, refused when it did not: nothing of them was written.
BOOST_AUTO_TEST_CASE(queued_groups_that_find_no_space_are_refused_and_their_seqs_given_out_again) {
  Fixture fix(1);
  fix.open();
  std::vector<Seq> sent;
  while (fix.life.log->pending_bytes() < 2 * segment_bytes &&
         !fix.life.log->admit(1, payload.size())) {
    sent.push_back(fix.life.append(payload));
    if (sent.size() == 9) fix.life.settle();
  }
  fix.life.settle();
  auto const durable = fix.life.listener.durable;
  if (!fix.life.listener.refused.empty()) {
    BOOST_TEST(fix.life.listener.refused.front() == durable + 1);
  }
  BOOST_TEST(fix.life.log->next_seq() == durable + 1);
  BOOST_TEST(fix.life.log->pending_bytes() == 0u);
  fix.set_room(4);
  fix.life.advance_ms(1000);
  fix.life.settle();
  BOOST_TEST(fix.life.write("again") == durable + 1);
  fix.life.stop();
  fix.open();
  BOOST_TEST(fix.life.sink.payloads.size() == durable + 1);
  BOOST_TEST(fix.life.sink.payloads.at(durable + 1) == "again");
}

BOOST_AUTO_TEST_CASE(groups_admitted_before_the_disk_was_known_to_be_full_are_refused) {
  Fixture fix(2);
  fix.open();
  std::vector<std::string> const group(8, payload);
  for (int i = 0; i < 5; ++i) fix.life.append_group(group);
  fix.life.settle();
  BOOST_TEST_REQUIRE(fix.life.listener.refused.size() == 1u);
  auto const first = fix.life.listener.refused.front();
  BOOST_TEST(first == fix.life.listener.durable + 1);
  BOOST_TEST(fix.life.log->next_seq() == first);
  BOOST_TEST(fix.life.log->idle());
}

// Clients may have used up the file descriptors; a disk that fills may take a part of the zeros.
BOOST_AUTO_TEST_CASE(a_segment_that_cannot_be_made_for_now_is_tried_again) {
  struct Case {
    std::uint64_t operation;  ///< Of the start: it creates a segment, creates MANIFEST, writes.
    boost::system::error_code error;
  };
  for (auto const& [operation, error] :
       {Case{0, make_error_code(boost::system::errc::too_many_files_open)},
        Case{1, make_error_code(boost::system::errc::too_many_files_open_in_system)},
        Case{2, Errc::short_write}, Case{2, Errc::no_space}}) {
    Fixture fix(10);
    fix.disk.fail_after(operation, error);
    fix.open();
    BOOST_TEST(fix.disk.has_failed());
    BOOST_TEST(fix.life.metrics().space_failures == 1u, error.message());
    fix.life.advance_ms(1000);
    fix.life.settle();
    BOOST_TEST(fix.life.write("after all") == 1u);
    BOOST_TEST(fix.life.listener.durable == 1u);
    BOOST_TEST(fix.life.listener.failures.empty());
  }
}

BOOST_AUTO_TEST_CASE(a_full_log_can_be_stopped_and_read_again) {
  Fixture fix(2);
  fix.open();
  auto const last = fix.fill();
  fix.life.stop();
  fix.open();
  BOOST_TEST(fix.life.sink.payloads.size() == last);
  BOOST_TEST(fix.life.report().findings.empty());
}

BOOST_AUTO_TEST_CASE(a_start_on_a_full_disk_serves_reads_and_heals) {
  Fixture fix(2);
  fix.open();
  auto const last = fix.fill();
  fix.life.crash(Crash::power_cut);
  fix.open();
  BOOST_TEST(fix.life.sink.payloads.size() == last);
  BOOST_TEST((fix.life.log->admit(1, 1) == Errc::no_space));
  BOOST_TEST(fix.life.listener.failures.empty());
  fix.set_room(5);
  fix.life.advance_ms(1000);
  fix.life.settle();
  BOOST_TEST(fix.life.write("healed") == last + 1);
  fix.life.crash(Crash::kill);
  fix.open();
  BOOST_TEST(fix.life.sink.payloads.size() == last + 1);
  BOOST_TEST(fix.life.report().findings.empty());
}

BOOST_AUTO_TEST_CASE(a_start_on_a_full_disk_can_be_repeated_and_loses_no_gap) {
  Fixture fix(2);
  fix.open();
  auto const last = fix.fill();
  fix.life.crash(Crash::kill);
  auto const place = stele::test::place_of(fix.disk, 3);
  fix.disk.bytes(place.segment)[place.commit.offset + 100] ^= std::byte{1};
  for (int start = 0; start < 3; ++start) {
    fix.open();
    BOOST_TEST(fix.life.sink.payloads.size() == last - 1);
    BOOST_TEST(fix.life.report().gaps.size() == 1u);
    BOOST_TEST(fix.life.report().findings.size() == 1u);
    fix.life.crash(Crash::kill);
  }
  fix.set_room(5);
  fix.open();
  BOOST_TEST(fix.life.report().findings.size() == 1u);
  fix.life.stop();
  fix.open();
  BOOST_TEST(fix.life.report().findings.empty());
  BOOST_TEST(fix.life.report().gaps.size() == 1u);
}

// The first write into the spare may be under way at a crash. Where the disk is full, nothing that
// a start can write says that it found none.
BOOST_AUTO_TEST_CASE(a_write_that_a_start_did_not_see_stays_unseen_on_a_full_disk) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    for (int writes = 8; writes <= 14; ++writes) {
      SimulatedDisk disk{{.seed = seed}};
      LogFixture life(disk);
      BOOST_TEST_REQUIRE(life.open());
      life.settle();
      disk.set_capacity(disk.used_bytes());
      for (int i = 0; i < writes; ++i) life.write(payload);
      life.append(payload);
      life.start_commit();
      life.crash(Crash::kill);
      BOOST_TEST_REQUIRE(life.open());
      auto const seen = life.sink.payloads;
      life.crash(Crash::power_cut);
      BOOST_TEST_REQUIRE(life.open());
      BOOST_TEST((life.sink.payloads == seen), "seed " << seed << ", " << writes << " writes");
    }
  }
}

BOOST_AUTO_TEST_CASE(retention_makes_room_by_itself) {
  SimulatedDisk disk{{}};
  auto options = LogFixture::small_options();
  options.retain_bytes = 3 * segment_bytes;
  disk.set_capacity(4 * segment_bytes + 4096 * 3);
  LogFixture life(disk, options);
  BOOST_TEST_REQUIRE(life.open());
  for (int i = 0; i < 100; ++i) {
    BOOST_TEST_REQUIRE(!life.log->admit(1, payload.size()), "payload " << i);
    life.write(payload);
  }
  BOOST_TEST(life.listener.durable == 100u);
  BOOST_TEST(life.metrics().space_failures == 0u);
}

/// A log at its limit on a disk that another program has filled, and goes on filling.
struct CrowdedFixture {
  explicit CrowdedFixture(std::uint64_t retained_segments, int short_lives = 0,
                          std::uint64_t seed = 1)
      : disk({.seed = seed}), life(disk, retaining(retained_segments)) {
    for (; short_lives > 0; --short_lives) {
      BOOST_TEST_REQUIRE(life.open(), life.failure.message);
      life.write(payload);
      life.stop();
    }
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    for (int i = 0; i < 100; ++i) life.write(payload);
    disk.take_free_space();
  }
  static Options retaining(std::uint64_t segments) {
    auto options = LogFixture::small_options();
    options.retain_bytes = segments * segment_bytes;
    return options;
  }
  /// How many of this many writes are taken, while the other program takes whatever becomes free.
  int write(LogFixture& log, int count, std::string const& text = payload) {
    int taken = 0;
    for (int i = 0; i < count; ++i) {
      if (!log.log->admit(1, text.size())) {
        log.append(text);
        log.start_commit();
        for (auto before = disk.operations() + 1; before != disk.operations();) {
          before = disk.operations();
          log.poll();
          disk.take_free_space();
        }
        if (log.listener.refused.empty()) ++taken;
        log.listener.refused.clear();
      }
      log.advance_ms(100);
      log.settle();
      disk.take_free_space();
    }
    return taken;
  }

  SimulatedDisk disk;
  LogFixture life;
};

BOOST_AUTO_TEST_CASE(a_log_at_its_limit_goes_on_by_its_own_space_on_a_full_disk) {
  CrowdedFixture fix(6);
  BOOST_TEST(fix.write(fix.life, 200) == 200);
  BOOST_TEST(fix.life.metrics().segments_removed > 15U);
  fix.life.crash(Crash::power_cut);
  BOOST_TEST_REQUIRE(fix.life.open(), fix.life.failure.message);
  BOOST_TEST(fix.life.report().findings.empty());
  BOOST_TEST(fix.life.sink.payloads.rbegin()->first == 300U);
  BOOST_TEST(fix.write(fix.life, 50) == 50);
}

// What the log does not fill of its segments does not count, but takes space.
BOOST_AUTO_TEST_CASE(segments_that_are_hardly_filled_do_not_keep_a_log_below_its_limit) {
  CrowdedFixture fix(10);
  BOOST_TEST(fix.write(fix.life, 80, std::string(30'000, 'x')) == 80);
  for (bool const clean : {true, false}) {
    if (clean) {
      fix.life.stop();
    } else {
      fix.life.crash(Crash::kill);
    }
    fix.disk.take_free_space();
    BOOST_TEST_REQUIRE(fix.life.open(), fix.life.failure.message);
    BOOST_TEST(fix.life.report().findings.empty());
    BOOST_TEST(fix.write(fix.life, 40, std::string(20'000, 'x')) == 40, (clean ? "clean" : "kill"));
    BOOST_TEST(fix.write(fix.life, 40) == 40);
  }
}

// A start gives the zeros of the lives before it back, so their files are too small for a segment.
BOOST_AUTO_TEST_CASE(the_small_files_of_short_lives_do_not_keep_a_log_from_going_on) {
  CrowdedFixture fix(12, 5);
  BOOST_TEST(fix.life.listener.expired == 0U);
  BOOST_TEST(fix.write(fix.life, 100) == 100);
}

BOOST_AUTO_TEST_CASE(a_lower_limit_takes_effect_at_a_start_on_a_full_disk) {
  for (bool const clean : {true, false}) {
    CrowdedFixture fix(20);
    if (clean) {
      fix.life.stop();
    } else {
      fix.life.crash(Crash::kill);
    }
    fix.disk.take_free_space();
    LogFixture lower(fix.disk, CrowdedFixture::retaining(4));
    BOOST_TEST_REQUIRE(lower.open(), lower.failure.message);
    BOOST_TEST(fix.write(lower, 30) == 30, (clean ? "clean" : "killed"));
    BOOST_TEST(lower.metrics().log_bytes <= 4 * segment_bytes);
    BOOST_TEST(lower.listener.expired > 0U);
    lower.crash(Crash::power_cut);
  }
}

// Each file ends in zeros for which an entry was too large: a start may give back what is much.
BOOST_AUTO_TEST_CASE(a_restart_before_the_disk_is_full_leaves_files_that_are_nearly_filled_whole) {
  CrowdedFixture fix(6);
  fix.disk.set_capacity(UINT64_MAX);
  std::string const text(12'000, 'x');
  for (int lives = 0; lives < 2; ++lives) {
    for (int i = 0; i < 40; ++i) fix.life.write(text);
    fix.life.stop();
    BOOST_TEST_REQUIRE(fix.life.open(), fix.life.failure.message);
  }
  fix.disk.take_free_space();
  BOOST_TEST(fix.write(fix.life, 100, text) == 100);
}

BOOST_AUTO_TEST_CASE(when_room_returns_nothing_goes_that_the_limit_keeps) {
  CrowdedFixture fix(10);
  BOOST_TEST(fix.write(fix.life, 40, std::string(30'000, 'x')) == 40);
  fix.disk.set_capacity(UINT64_MAX);
  auto const expired = fix.life.listener.expired;
  // Each segment holds one of these, and counts with about half of its bytes.
  for (int i = 0; i < 2; ++i) fix.life.write(std::string(30'000, 'x'));
  BOOST_TEST(fix.life.listener.expired == expired);
}

// What each start gives back would be lost to the other program, until no file is whole any more.
// But for what a kill in the midst of two segments leaves.
BOOST_AUTO_TEST_CASE(many_starts_beside_one_who_takes_all_space_leave_the_log_nearly_all_its_own) {
  int asked = 0;
  int taken = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CrowdedFixture fix(12, 0, seed);
    for (int lives = 0; lives < 12; ++lives) {
      std::string const text(fix.disk.random(2) == 0 ? 6'000 : 12'000, 'x');
      auto const count = static_cast<int>(fix.disk.random(40));
      asked += count;
      taken += fix.write(fix.life, count, text);
      if (fix.disk.random(2) == 0) {
        fix.life.stop();
      } else {
        fix.disk.stop_after(fix.disk.random(60));
        for (int i = 0; i < 10 && !fix.disk.stopped(); ++i) {
          if (!fix.life.log->admit(1, text.size())) fix.life.write(text);
        }
        fix.life.crash(Crash::kill);
      }
      fix.disk.take_free_space();
      BOOST_TEST_REQUIRE(fix.life.open(), fix.life.failure.message);
      BOOST_TEST(fix.life.report().findings.empty());
    }
  }
  BOOST_TEST(taken * 20 >= asked * 19, taken << " of " << asked);
}

// Behind the last commit there is hardly anything that could be given back.
BOOST_AUTO_TEST_CASE(the_spare_of_a_killed_life_is_the_first_segment_of_the_next) {
  for (auto const kind : {Crash::kill, Crash::power_cut}) {
    SimulatedDisk disk{{}};
    LogFixture life(disk);
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    life.fill(10);
    BOOST_TEST(life.metrics().segments_made == 1U);
    auto const last = life.listener.durable;
    disk.take_free_space();
    life.crash(kind);
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    disk.take_free_space();
    BOOST_TEST(life.report().findings.empty());
    BOOST_TEST(life.sink.payloads.size() == last);
    BOOST_TEST(!life.log->admit(1, payload.size()));
    BOOST_TEST(life.write(payload) == last + 1);
    BOOST_TEST(life.listener.refused.empty());
    life.crash(kind);
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    BOOST_TEST(life.report().findings.empty());
    BOOST_TEST(life.sink.payloads.size() == last + 1);
  }
}

BOOST_AUTO_TEST_CASE(what_a_killed_life_reserved_and_did_not_use_serves_the_next_start) {
  SimulatedDisk disk{{}};
  LogFixture life(disk);
  BOOST_TEST_REQUIRE(life.open(), life.failure.message);
  life.write("one");
  life.settle();
  disk.take_free_space();
  for (int start = 0; start < 3; ++start) {
    life.crash(Crash::kill);
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    BOOST_TEST(!life.log->admit(1, payload.size()), "start " << start);
    life.write(payload);
    BOOST_TEST(life.listener.refused.empty());
  }
}

// Below the limit there is nothing that may go; and what somebody holds is not given up for space.
BOOST_AUTO_TEST_CASE(a_full_disk_takes_nothing_that_retention_keeps) {
  CrowdedFixture below(40);
  BOOST_TEST(below.write(below.life, 40) < 40);
  BOOST_TEST(below.life.listener.expired == 0U);
  SimulatedDisk disk{{}};
  auto options = CrowdedFixture::retaining(4);
  options.hold_bytes = 100 * segment_bytes;
  LogFixture held(disk, options);
  BOOST_TEST_REQUIRE(held.open(), held.failure.message);
  for (int i = 0; i < 100; ++i) held.write(payload);
  disk.take_free_space();
  while (!held.log->admit(1, payload.size())) held.write(payload);
  BOOST_TEST(held.listener.expired == 0U);
  held.log->hold_from(held.log->next_seq());
  held.advance_ms(1000);
  held.settle();
  BOOST_TEST(!held.log->admit(1, payload.size()));
  BOOST_TEST(held.listener.expired > 0U);
}

BOOST_AUTO_TEST_CASE(a_crash_at_any_step_of_freeing_space_loses_nothing_that_is_not_named) {
  for (std::uint64_t operations = 0; operations < 60; ++operations) {
    for (auto const kind : {Crash::kill, Crash::power_cut}) {
      BOOST_TEST_CONTEXT(operations << " operations") {
        CrowdedFixture fix(6);
        fix.disk.stop_after(operations);
        for (int i = 0; i < 30 && !fix.disk.stopped(); ++i) {
          if (!fix.life.log->admit(1, payload.size())) fix.life.write(payload);
        }
        auto const durable = fix.life.listener.durable;
        fix.life.crash(kind);
        BOOST_TEST_REQUIRE(fix.life.open(), fix.life.failure.message);
        auto const totals = fix.life.log->gaps().totals();
        BOOST_TEST(totals.damaged == 0U);
        for (auto const& gap : fix.life.report().gaps) {
          BOOST_TEST((gap.reason == GapReason::expired || gap.first_seq > durable));
        }
        BOOST_TEST_REQUIRE(!fix.life.sink.payloads.empty());
        BOOST_TEST(fix.life.sink.payloads.rbegin()->first >= durable);
        auto const first = fix.life.sink.payloads.begin()->first;
        BOOST_TEST(first == fix.life.expired_when_opened() + 1);
        BOOST_TEST(fix.write(fix.life, 20) == 20);
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
