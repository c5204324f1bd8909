// A full disk: reads go on, writes are refused before they are admitted, and all heals by itself.
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "support/log_fixture.hpp"
#include "support/segment_view.hpp"
#include "wal/log.hpp"

using namespace stele::wal;
using stele::test::Crash;
using stele::test::LogFixture;
using stele::test::SimulatedDisk;

BOOST_AUTO_TEST_SUITE(log_space_test)

namespace {

constexpr std::uint64_t segment_bytes = 64 << 10;
std::string const payload(5000, 'x');

/// A log on a disk with room for so many segments; the last but one is needed while making the
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
    BOOST_TEST((fix.life.log->admit(1, 1) == Errc::no_space), error.message());
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

BOOST_AUTO_TEST_SUITE_END()
