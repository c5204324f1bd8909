// The log as its owner sees it, on a simulated disk.
#include "wal/log.hpp"

#include <boost/test/unit_test.hpp>
#include <numeric>
#include <string>
#include <vector>

#include "support/log_fixture.hpp"
#include "support/segment_view.hpp"

using namespace stele::wal;
using stele::test::Crash;
using stele::test::LogFixture;
using stele::test::SimulatedDisk;

BOOST_AUTO_TEST_SUITE(log_test)

namespace {

using Payloads = std::map<Seq, std::string>;

struct Fixture {
  explicit Fixture(Options const& options = LogFixture::small_options()) : life(disk, options) {
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
  }
  void reopen() { BOOST_TEST_REQUIRE(life.open(), life.failure.message); }

  SimulatedDisk disk{{}};
  LogFixture life;
};

std::string refusal(Options const& options) {
  SimulatedDisk disk{{}};
  LogFixture life(disk, options);
  BOOST_TEST(!life.open());
  BOOST_TEST(disk.names().empty());
  return life.failure.message;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_new_directory_is_an_empty_log) {
  Fixture fix;
  BOOST_TEST(fix.life.sink.payloads.empty());
  BOOST_TEST(fix.life.log->next_seq() == 1u);
  BOOST_TEST(fix.life.report().findings.empty());
  BOOST_TEST(fix.life.report().gaps.empty());
  BOOST_TEST(!fix.life.report().clean_stop);
}

BOOST_AUTO_TEST_CASE(appends_come_back_after_a_stop) {
  Fixture fix;
  BOOST_TEST(fix.life.append_group({"one", "two"}) == 1u);
  BOOST_TEST(fix.life.append("three") == 3u);
  fix.life.stop();
  fix.reopen();
  BOOST_TEST((fix.life.sink.payloads == Payloads{{1, "one"}, {2, "two"}, {3, "three"}}));
  BOOST_TEST(fix.life.log->next_seq() == 4u);
  BOOST_TEST(fix.life.report().payloads == 3u);
  BOOST_TEST(fix.life.report().findings.empty());
}

BOOST_AUTO_TEST_CASE(durable_appends_come_back_after_a_kill_and_after_a_power_cut) {
  for (auto const kind : {Crash::kill, Crash::power_cut}) {
    Fixture fix;
    fix.life.write("one");
    fix.life.write("two");
    BOOST_TEST(fix.life.listener.durable == 2u);
    fix.life.crash(kind);
    fix.reopen();
    BOOST_TEST((fix.life.sink.payloads == Payloads{{1, "one"}, {2, "two"}}));
    BOOST_TEST(fix.life.report().findings.empty());
  }
}

BOOST_AUTO_TEST_CASE(payloads_of_any_bytes_and_of_none_come_back) {
  Fixture fix;
  std::string every_byte(256, '\0');
  std::iota(every_byte.begin(), every_byte.end(), '\0');
  fix.life.append_group({"", every_byte, std::string(3000, '\0')});
  fix.life.stop();
  fix.reopen();
  BOOST_TEST(
      (fix.life.sink.payloads == Payloads{{1, ""}, {2, every_byte}, {3, std::string(3000, '\0')}}));
}

BOOST_AUTO_TEST_CASE(seqs_are_dense_over_restarts) {
  Fixture fix;
  Seq expected = 1;
  for (int life = 0; life < 5; ++life) {
    for (int i = 0; i < 7; ++i) BOOST_TEST(fix.life.write("x") == expected++);
    if (life % 2 == 0) fix.life.stop();
    if (life % 2 == 1) fix.life.crash(Crash::kill);
    fix.reopen();
    BOOST_TEST(fix.life.sink.payloads.size() == expected - 1);
    BOOST_TEST(fix.life.report().gaps.empty());
  }
}

BOOST_AUTO_TEST_CASE(groups_come_back_with_their_writer) {
  Fixture fix;
  WriterMark const writer{.writer = {1, 2, 3}, .write_no = 77};
  fix.life.append_group({"a", "b"}, writer);
  fix.life.append("c");
  fix.life.stop();
  fix.reopen();
  auto const& groups = fix.life.sink.groups;
  BOOST_TEST_REQUIRE(groups.size() == 2u);
  BOOST_TEST((groups[0].writer == writer));
  BOOST_TEST(groups[0].first == 1u);
  BOOST_TEST(groups[0].last == 2u);
  BOOST_TEST((groups[1].writer == WriterMark{}));
  BOOST_TEST(groups[1].first == 3u);
}

BOOST_AUTO_TEST_CASE(nothing_is_written_by_append_itself) {
  Fixture fix;
  fix.life.settle();
  auto const before = fix.disk.operations();
  fix.life.append("x");
  fix.life.poll();
  BOOST_TEST(!fix.life.log->idle());
  BOOST_TEST(fix.life.log->pending_bytes() == 1u);
  fix.life.settle();
  BOOST_TEST(fix.disk.operations() == before + 1);
  BOOST_TEST(fix.life.log->idle());
  BOOST_TEST(fix.life.log->pending_bytes() == 0u);
}

BOOST_AUTO_TEST_CASE(what_arrives_while_a_commit_is_in_flight_shares_the_next) {
  Fixture fix;
  fix.life.settle();
  fix.life.append("first");
  fix.life.start_commit();
  for (int i = 0; i < 10; ++i) {
    fix.life.append("later");
    fix.life.start_commit();
  }
  fix.life.settle();
  BOOST_TEST(fix.life.metrics().commits == 2u);
  BOOST_TEST(fix.life.metrics().commit_payloads_max == 10u);
}

BOOST_AUTO_TEST_CASE(a_mark_is_written_once_after_50_ms_of_idle_time) {
  Fixture fix;
  fix.life.write("x");
  auto const marks = fix.life.metrics().marks;
  BOOST_TEST((fix.life.log->next_deadline() == fix.life.now + std::chrono::milliseconds(50)));
  fix.life.advance_ms(49);
  fix.life.settle();
  BOOST_TEST(fix.life.metrics().marks == marks);
  fix.life.advance_ms(1);
  fix.life.settle();
  BOOST_TEST(fix.life.metrics().marks == marks + 1);
  BOOST_TEST(!fix.life.log->next_deadline().has_value());
  fix.life.advance_ms(1000);
  fix.life.settle();
  BOOST_TEST(fix.life.metrics().marks == marks + 1);
}

BOOST_AUTO_TEST_CASE(a_mark_tells_the_listener_nothing) {
  Fixture fix;
  fix.life.write("x");
  fix.life.listener.durable = 0;
  fix.life.idle();
  BOOST_TEST(fix.life.listener.durable == 0u);
}

BOOST_AUTO_TEST_CASE(the_last_commit_of_a_clean_stop_is_a_seal) {
  Fixture fix;
  fix.life.write("x");
  fix.life.stop();
  auto const segment = stele::test::place_of(fix.disk, 1).segment;
  auto const commits = stele::test::commits_of(fix.disk, segment);
  BOOST_TEST((commits.back().header.kind == CommitKind::seal));
  BOOST_TEST(commits.back().header.durable_commit == commits.back().header.commit_no - 1);
  fix.reopen();
  BOOST_TEST(fix.life.report().clean_stop);
}

BOOST_AUTO_TEST_CASE(a_crash_is_not_a_clean_stop) {
  Fixture fix;
  fix.life.stop();
  fix.reopen();
  fix.life.write("x");
  fix.life.crash(Crash::kill);
  fix.reopen();
  BOOST_TEST(!fix.life.report().clean_stop);
}

BOOST_AUTO_TEST_CASE(the_first_commit_of_each_start_proves_the_log_before_it) {
  Fixture fix;
  fix.life.write("x");
  fix.life.crash(Crash::kill);
  auto const before = stele::test::commits_of(fix.disk, stele::test::segments_of(fix.disk)[0]);
  fix.reopen();
  auto const segment = stele::test::segments_of(fix.disk)[1];
  auto const header = stele::test::header_of(fix.disk, segment);
  auto const first = stele::test::commits_of(fix.disk, segment).at(0).header;
  BOOST_TEST((first.kind == CommitKind::mark));
  BOOST_TEST(first.durable_commit == before.back().header.commit_no);
  BOOST_TEST(first.commit_no == before.back().header.commit_no + 1);
  BOOST_TEST(header.prev_end_commit == before.back().header.commit_no);
  BOOST_TEST(header.prev_segment_no == 1u);
}

BOOST_AUTO_TEST_CASE(the_store_id_is_made_once) {
  Fixture fix;
  auto const id = fix.life.log->store_id();
  BOOST_TEST((id[6] >> 4) == 4);
  BOOST_TEST((id[8] >> 6) == 2);
  fix.life.stop();
  fix.reopen();
  BOOST_TEST((fix.life.log->store_id() == id));
}

BOOST_AUTO_TEST_CASE(a_second_opener_is_told_that_the_directory_is_locked) {
  Fixture fix;
  fix.life.settle();
  auto const operations = fix.disk.operations();
  LogFixture second(fix.disk);
  BOOST_TEST(!second.open());
  BOOST_TEST((second.failure.code == Errc::locked));
  BOOST_TEST(fix.disk.operations() == operations);
  fix.life.write("still mine");
  fix.life.stop();
  BOOST_TEST(second.open());
}

BOOST_AUTO_TEST_CASE(commits_lie_at_multiples_of_the_alignment_asked_for) {
  auto options = LogFixture::small_options();
  options.commit_align = 4096;
  Fixture fix(options);
  for (int i = 0; i < 5; ++i) fix.life.write("x");
  auto const name = stele::test::segments_of(fix.disk).front();
  BOOST_TEST(stele::test::header_of(fix.disk, name).commit_align == 4096u);
  auto const commits = stele::test::commits_of(fix.disk, name);
  BOOST_TEST(commits.size() == 6u);
  for (auto const& commit : commits) BOOST_TEST(commit.offset % 4096 == 0u);
  fix.life.crash(Crash::power_cut);
  fix.reopen();
  BOOST_TEST(fix.life.sink.payloads.size() == 5u);
}

BOOST_AUTO_TEST_CASE(segments_of_another_alignment_and_size_are_read) {
  SimulatedDisk disk{{}};
  auto options = LogFixture::small_options();
  options.commit_align = 4096;
  options.segment_bytes = 128 << 10;
  LogFixture before(disk, options);
  BOOST_TEST_REQUIRE(before.open());
  before.write("old");
  before.stop();
  LogFixture after(disk);
  BOOST_TEST_REQUIRE(after.open());
  after.write("new");
  after.stop();
  BOOST_TEST_REQUIRE(before.open());
  BOOST_TEST((before.sink.payloads == Payloads{{1, "old"}, {2, "new"}}));
}

BOOST_AUTO_TEST_CASE(options_that_make_no_sense_are_refused_before_anything_is_written) {
  for (std::size_t const align : {100u, 256u, 3000u, 8192u}) {
    auto options = LogFixture::small_options();
    options.commit_align = align;
    BOOST_TEST(refusal(options) == "commit-align must be a power of two from 512 to 4096");
  }
  for (std::uint64_t const bytes : {0u, 4096u, (64u << 10) - 4096u, (64u << 10) + 512u}) {
    auto options = LogFixture::small_options();
    options.segment_bytes = bytes;
    BOOST_TEST(refusal(options) == "segment-bytes must be a multiple of 4096 and at least 65536");
  }
}

BOOST_AUTO_TEST_CASE(defaults_are_resolved_and_shown) {
  Fixture fix;
  auto const& options = fix.life.log->options();
  BOOST_TEST(options.commit_align == 512u);
  BOOST_TEST(options.commit_bytes_max == (64u << 10) - 8192 - 512 - commit_header_bytes);
}

BOOST_AUTO_TEST_CASE(the_largest_group_fits_and_one_byte_more_is_too_large) {
  Fixture fix;
  auto const most = fix.life.log->options().commit_bytes_max - group_bytes(1, 0);
  BOOST_TEST(!fix.life.log->admit(1, most));
  BOOST_TEST((fix.life.log->admit(1, most + 1) == Errc::too_large));
  BOOST_TEST((fix.life.log->admit(2, most) == Errc::too_large));
  std::string const largest(most, 'L');
  fix.life.write(largest);
  fix.life.write("behind it");
  fix.life.write(largest);
  fix.life.stop();
  fix.reopen();
  BOOST_TEST((fix.life.sink.payloads == Payloads{{1, largest}, {2, "behind it"}, {3, largest}}));
}

BOOST_AUTO_TEST_CASE(latency_is_counted_from_begin_to_durable) {
  Fixture fix;
  fix.life.settle();
  fix.life.append("x");
  fix.life.start_commit();
  fix.life.now += std::chrono::microseconds(300);
  fix.life.settle();
  BOOST_TEST(fix.life.metrics().commit_latency_us_log2[8] == 1u);
}

BOOST_AUTO_TEST_CASE(a_log_may_go_away_with_work_in_flight) {
  Fixture fix;
  fix.life.append("x");
  fix.life.start_commit();
  fix.life.log.reset();
  fix.disk.crash(Crash::kill);
  fix.reopen();
  BOOST_TEST(fix.life.sink.payloads.size() <= 1u);
}

// The log keeps it in the highest bit of the number.
BOOST_AUTO_TEST_CASE(a_group_is_told_after_a_restart_to_have_come_behind_a_higher_number) {
  SimulatedDisk disk{{}};
  LogFixture life(disk);
  BOOST_TEST_REQUIRE(life.open());
  constexpr std::uint64_t no_max = (std::uint64_t{1} << 63) - 1;
  std::vector<WriterMark> const marks{
      {{7}, 2, false}, {{7}, 1, true}, {{7}, no_max, false}, {{7}, no_max - 1, true}};
  for (auto const& mark : marks) life.append_group({"payload"}, mark);
  life.settle();
  life.crash(Crash::kill);
  BOOST_TEST_REQUIRE(life.open());
  BOOST_TEST_REQUIRE(life.sink.groups.size() == marks.size());
  for (std::size_t i = 0; i < marks.size(); ++i) {
    BOOST_TEST((life.sink.groups[i].writer == marks[i]), i);
  }
}

BOOST_AUTO_TEST_SUITE_END()
