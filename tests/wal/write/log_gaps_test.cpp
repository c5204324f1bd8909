// What a log says is missing while it runs: what it found, what retention took, what clients
// dropped.
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "support/log_fixture.hpp"
#include "support/segment_view.hpp"
#include "wal/gap_ledger.hpp"

using namespace stele::wal;
using stele::test::Crash;
using stele::test::LogFixture;
using stele::test::SimulatedDisk;

BOOST_AUTO_TEST_SUITE(log_gaps_test)

namespace {

constexpr WriterId writer{0xa0, 0xa1};

struct Fixture {
  explicit Fixture(Options const& options = LogFixture::small_options()) : life(disk, options) {
    reopen();
  }
  void reopen() { BOOST_TEST_REQUIRE(life.open(), life.failure.message); }
  std::vector<Gap> gaps() const {
    auto const known = life.log->gaps().gaps();
    return {known.begin(), known.end()};
  }
  GapTotals totals() const { return life.log->gaps().totals(); }

  SimulatedDisk disk{{}};
  LogFixture life;
};

Gap dropped(Seq before, std::uint64_t count) {
  return {.first_seq = before,
          .last_seq = before - 1,
          .reason = GapReason::dropped_by_client,
          .dropped = count,
          .writer = writer};
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_new_log_misses_nothing) {
  Fixture fix;
  fix.life.write("one");
  BOOST_TEST(fix.gaps().empty());
}

BOOST_AUTO_TEST_CASE(a_drop_takes_no_seq_and_lies_between_those_before_and_behind_it) {
  Fixture fix;
  fix.life.write("one");
  fix.life.append("two");
  fix.life.log->append_dropped(writer, 7);
  BOOST_TEST(fix.life.append("three") == 3u);
  fix.life.settle();
  BOOST_TEST((fix.gaps() == std::vector{dropped(3, 7)}));
  BOOST_TEST((fix.totals() == GapTotals{.dropped = 7}));
}

BOOST_AUTO_TEST_CASE(a_drop_is_known_and_told_when_it_is_on_disk_and_not_before) {
  Fixture fix;
  fix.life.write("one");
  fix.life.listener.durable = 0;
  auto const commit_no = fix.life.log->append_dropped(writer, 7);
  fix.life.start_commit();
  BOOST_TEST(fix.gaps().empty());
  BOOST_TEST(fix.life.log->durable_commit() < commit_no);
  fix.life.settle();
  BOOST_TEST(fix.life.log->durable_commit() == commit_no);
  BOOST_TEST(fix.life.listener.durable == 1u);
  BOOST_TEST(fix.gaps().size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_drop_that_was_told_survives_any_crash) {
  for (auto const kind : {Crash::kill, Crash::power_cut}) {
    Fixture fix;
    fix.life.write("one");
    fix.life.log->append_dropped(writer, 7);
    fix.life.log->append_dropped(writer, 8);
    fix.life.settle();
    BOOST_TEST(fix.life.write("two") == 2u);
    fix.life.crash(kind);
    for (int start = 0; start < 3; ++start) {
      fix.reopen();
      BOOST_TEST((fix.gaps() == std::vector{dropped(2, 15)}));
      BOOST_TEST(fix.life.report().findings.empty());
      BOOST_TEST(fix.life.sink.payloads.size() == 2u);
      fix.life.crash(kind);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_drop_before_the_first_payload_has_a_place_too) {
  Fixture fix;
  fix.life.log->append_dropped(writer, 1);
  fix.life.settle();
  fix.life.stop();
  fix.reopen();
  BOOST_TEST((fix.gaps() == std::vector{dropped(1, 1)}));
  BOOST_TEST(fix.life.write("one") == 1u);
}

BOOST_AUTO_TEST_CASE(what_retention_takes_is_named_at_once_and_takes_its_drops_with_it) {
  auto options = LogFixture::small_options();
  options.retain_bytes = 4 * options.segment_bytes;
  Fixture fix(options);
  fix.life.write("one");
  fix.life.log->append_dropped(writer, 7);
  for (int i = 0; i < 100; ++i) fix.life.write(std::string(5000, 'x'));
  fix.life.log->append_dropped(writer, 9);
  fix.life.settle();
  auto const expired = fix.life.listener.expired;
  BOOST_TEST_REQUIRE(expired > 0u);
  BOOST_TEST((fix.totals() == GapTotals{.expired = expired, .dropped = 9}));
  fix.life.stop();
  fix.reopen();
  auto const expired_now = fix.totals().expired;
  BOOST_TEST(expired_now >= expired);
  BOOST_TEST((fix.totals() == GapTotals{.expired = expired_now, .dropped = 9}));
}

BOOST_AUTO_TEST_CASE(a_drop_that_finds_no_space_is_refused_with_the_groups_around_it) {
  Fixture fix;
  while (fix.disk.used_bytes() < 3 * fix.life.log->options().segment_bytes) {
    fix.life.write(std::string(5000, 'x'));
  }
  fix.disk.set_capacity(fix.disk.used_bytes());
  while (!fix.life.log->admit(1, 5000)) fix.life.write(std::string(5000, 'x'));
  auto const commit_before = fix.life.log->durable_commit();
  auto const room = std::vector<std::string>(12, std::string(5000, 'x'));
  auto const first = fix.life.append_group(room);
  auto const commit_no = fix.life.log->append_dropped(writer, 7);
  fix.life.settle();
  BOOST_TEST((fix.life.listener.refused == std::vector<Seq>{first}));
  BOOST_TEST(fix.life.log->durable_commit() == commit_before);
  BOOST_TEST(commit_no > commit_before);
  BOOST_TEST(fix.totals().dropped == 0u);
}

BOOST_AUTO_TEST_CASE(what_a_start_found_is_among_the_gaps) {
  Fixture fix;
  fix.life.write("one");
  fix.life.write("two");
  fix.life.idle();
  auto const place = stele::test::place_of(fix.disk, 2);
  fix.life.crash(Crash::kill);
  fix.disk.bytes(place.segment)[place.commit.offset + 70] ^= std::byte{1};
  fix.reopen();
  BOOST_TEST((fix.totals() == GapTotals{.damaged = 1}));
  BOOST_TEST((fix.gaps() == fix.life.report().gaps));
}

// Every other commit of a long log is lost: what is said of it stays short, what a start compares
// grows with the log and not with its square, and the next start finds all of it named.
BOOST_AUTO_TEST_CASE(a_log_of_very_many_damaged_places_starts_and_is_named_as_a_whole) {
  constexpr Seq holes = 5000;
  auto options = LogFixture::small_options();
  options.segment_bytes = 1 << 20;
  SimulatedDisk disk{{}};
  LogFixture life(disk, options);
  BOOST_TEST_REQUIRE(life.open());
  for (Seq seq = 1; seq <= 2 * holes; ++seq) life.write("m");
  life.stop();
  Seq lost = 0;
  for (auto const& name : stele::test::segments_of(disk)) {
    for (auto const& commit : stele::test::commits_of(disk, name)) {
      if (commit.header.kind != CommitKind::entries || commit.header.first_seq % 2 != 0) continue;
      std::fill_n(disk.bytes(name).begin() + static_cast<std::ptrdiff_t>(commit.offset),
                  commit.end - commit.offset, std::byte{0});
      ++lost;
    }
  }
  BOOST_TEST_REQUIRE(lost == holes);
  for (int start = 0; start < 2; ++start) {
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    BOOST_TEST(life.sink.payloads.size() == holes);
    BOOST_TEST(life.log->gaps().totals().damaged == holes);
    BOOST_TEST(life.log->gaps().compared() <= 4 * holes);
    auto const told = start == 0 ? RecoveryReport::findings_max : 0u;
    BOOST_TEST(life.report().findings.size() == told);
    BOOST_TEST(life.report().findings_omitted == (start == 0 ? holes - told : 0u));
    life.idle();
    life.stop();
  }
  options.on_damage = OnDamage::refuse;
  LogFixture refusing(disk, options);
  BOOST_TEST(!refusing.open());
  BOOST_TEST(refusing.failure.message.size() < 4096u);
}

BOOST_AUTO_TEST_CASE(an_acknowledgement_that_was_told_survives_any_crash) {
  for (auto const kind : {Crash::kill, Crash::power_cut}) {
    Fixture fix;
    fix.life.write("one");
    auto const commit_no = fix.life.log->append_acknowledged(4, 6);
    fix.life.start_commit();
    BOOST_TEST(fix.life.log->durable_commit() < commit_no);
    fix.life.settle();
    BOOST_TEST(fix.life.log->durable_commit() == commit_no);
    fix.life.crash(kind);
    for (int start = 0; start < 3; ++start) {
      fix.reopen();
      BOOST_TEST_REQUIRE(fix.life.report().acknowledgements.size() == 1u);
      auto const& known = fix.life.report().acknowledgements.front();
      BOOST_TEST((known.first_seq == 4 && known.last_seq == 6));
      BOOST_TEST(fix.gaps().empty());
      BOOST_TEST(fix.life.report().findings.empty());
      fix.life.crash(kind);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
