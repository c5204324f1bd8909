// Turning from segment to segment, and retention.
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "support/log_fixture.hpp"
#include "support/segment_view.hpp"
#include "wal/format/manifest.hpp"
#include "wal/format/segment_name.hpp"
#include "wal/log.hpp"

using namespace stele::wal;
using stele::test::commits_of;
using stele::test::Crash;
using stele::test::header_of;
using stele::test::LogFixture;
using stele::test::segments_of;
using stele::test::SimulatedDisk;

BOOST_AUTO_TEST_SUITE(log_segments_test)

namespace {

constexpr std::uint64_t segment_bytes = 64 << 10;

struct Fixture {
  explicit Fixture(Options const& options = LogFixture::small_options()) : life(disk, options) {
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
  }
  static Options retaining(std::uint64_t segments) {
    auto options = LogFixture::small_options();
    options.retain_bytes = segments * segment_bytes;
    return options;
  }
  void reopen() { BOOST_TEST_REQUIRE(life.open(), life.failure.message); }
  /// Writes this many payloads of 5000 bytes: about ten fill a segment.
  void fill(int count) {
    for (int i = 0; i < count; ++i) {
      auto const seq = life.write(payload(life.log->next_seq()));
      BOOST_TEST(life.listener.durable == seq);
    }
  }
  static std::string payload(Seq seq) {
    auto text = std::to_string(seq) + ":";
    return text + std::string(5000 - text.size(), 'x');
  }
  void check_payloads(Seq first, Seq last) const {
    BOOST_TEST(life.sink.payloads.size() == last - first + 1);
    for (auto seq = first; seq <= last; ++seq) {
      auto const found = life.sink.payloads.find(seq);
      BOOST_TEST_REQUIRE((found != life.sink.payloads.end()), "seq " << seq);
      BOOST_TEST((found->second == payload(seq)), "seq " << seq);
    }
  }

  SimulatedDisk disk{{}};
  LogFixture life;
};

Manifest manifest_on(SimulatedDisk& disk) {
  auto const& bytes = disk.bytes(std::string(manifest_name));
  return std::get<Manifest>(
      decode_manifest(std::span<std::byte const, manifest_bytes>(bytes.data(), manifest_bytes)));
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_log_over_many_segments_comes_back) {
  Fixture fix;
  fix.fill(100);
  BOOST_TEST(fix.life.metrics().segments_made >= 10u);
  fix.life.stop();
  fix.reopen();
  fix.check_payloads(1, 100);
  BOOST_TEST(fix.life.report().findings.empty());
  BOOST_TEST(fix.life.report().gaps.empty());
}

BOOST_AUTO_TEST_CASE(a_log_over_many_segments_comes_back_after_a_power_cut) {
  Fixture fix;
  fix.fill(40);
  fix.life.crash(Crash::power_cut);
  fix.reopen();
  fix.check_payloads(1, 40);
  BOOST_TEST(fix.life.report().findings.empty());
}

BOOST_AUTO_TEST_CASE(commits_fill_segments_front_to_back_and_none_spans_two) {
  Fixture fix;
  fix.fill(60);
  std::uint64_t commit_no = 0;
  for (auto const& name : segments_of(fix.disk)) {
    auto offset = first_commit_offset;
    for (auto const& commit : commits_of(fix.disk, name)) {
      BOOST_TEST(commit.offset == offset);
      BOOST_TEST(commit.header.commit_no == ++commit_no);
      BOOST_TEST(commit.end <= segment_bytes);
      offset = commit.end;
    }
  }
  BOOST_TEST(commit_no >= 61u);
}

BOOST_AUTO_TEST_CASE(
    the_first_segment_of_each_life_is_smaller_so_that_a_start_waits_for_few_zeros) {
  auto options = LogFixture::small_options();
  options.segment_bytes = 4 * segment_bytes;
  options.first_segment_bytes = segment_bytes;
  Fixture fix(options);
  fix.fill(20);
  fix.life.stop();
  fix.reopen();
  std::vector<std::uint64_t> sizes;
  for (auto const& name : segments_of(fix.disk)) {
    if (commits_of(fix.disk, name).empty()) continue;
    sizes.push_back(header_of(fix.disk, name).segment_bytes / segment_bytes);
  }
  BOOST_TEST(sizes == (std::vector<std::uint64_t>{1, 4, 1}), boost::test_tools::per_element());
  fix.check_payloads(1, 20);
}

BOOST_AUTO_TEST_CASE(a_group_that_does_not_fit_waits_for_the_next_segment_as_a_whole) {
  Fixture fix;
  fix.fill(10);
  std::vector<std::string> const group(4, std::string(2000, 'g'));
  auto const first = fix.life.append_group(group);
  fix.life.settle();
  auto const place = stele::test::place_of(fix.disk, first);
  BOOST_TEST(place.segment == segment_name(2));
  BOOST_TEST(place.commit.header.payload_count == 4u);
}

BOOST_AUTO_TEST_CASE(the_metrics_tell_where_the_active_segment_begins) {
  Fixture fix;
  BOOST_TEST(fix.life.metrics().active_first_seq == 1u);
  fix.fill(40);
  auto const first = fix.life.metrics().active_first_seq;
  auto const last_segment = place_of(fix.disk, 40).segment;
  BOOST_TEST(place_of(fix.disk, first).segment == last_segment);
  BOOST_TEST(place_of(fix.disk, first - 1).segment != last_segment);
}

BOOST_AUTO_TEST_CASE(each_segment_names_the_one_before_it_and_has_its_own_salt) {
  Fixture fix;
  fix.fill(40);
  auto const names = segments_of(fix.disk);
  for (std::size_t i = 1; i < names.size(); ++i) {
    auto const header = header_of(fix.disk, names[i]);
    auto const before = header_of(fix.disk, names[i - 1]);
    BOOST_TEST(header.segment_no == before.segment_no + 1);
    BOOST_TEST(header.prev_segment_no == before.segment_no);
    BOOST_TEST(header.prev_salt == before.salt);
    BOOST_TEST(header.salt != before.salt);
    BOOST_TEST((header.store_id == fix.life.log->store_id()));
    BOOST_TEST(header.prev_end_commit == end_commit_unknown);
  }
}

BOOST_AUTO_TEST_CASE(a_spare_is_ready_ahead_of_need) {
  Fixture fix;
  fix.life.settle();
  BOOST_TEST(segments_of(fix.disk).size() == 2u);
  BOOST_TEST(commits_of(fix.disk, segment_name(2)).empty());
  BOOST_TEST(manifest_on(fix.disk).last_segment_no == 2u);
  fix.fill(50);
  BOOST_TEST(fix.life.metrics().segment_waits == 0u);
}

BOOST_AUTO_TEST_CASE(commits_wait_when_the_spare_is_not_ready_and_lose_nothing) {
  Fixture fix;
  std::vector<std::string> const group(8, Fixture::payload(0));
  for (int i = 0; i < 20; ++i) fix.life.append_group(group);
  fix.life.settle();
  auto const& metrics = fix.life.metrics();
  BOOST_TEST(metrics.segment_waits > 0u);
  BOOST_TEST(metrics.segment_waits < metrics.segments_made);
  BOOST_TEST(fix.life.listener.durable == 160u);
  fix.life.stop();
  fix.reopen();
  BOOST_TEST(fix.life.sink.payloads.size() == 160u);
}

BOOST_AUTO_TEST_CASE(a_segment_that_was_left_is_never_written_again) {
  Fixture fix;
  fix.fill(25);
  auto const before = stele::test::segment_files(fix.disk);
  fix.fill(25);
  fix.life.idle();
  fix.life.stop();
  fix.reopen();
  fix.fill(5);
  auto const after = stele::test::segment_files(fix.disk);
  for (auto const& name : {segment_name(1), segment_name(2)}) {
    BOOST_TEST((after.at(name) == before.at(name)), name);
  }
}

BOOST_AUTO_TEST_CASE(each_start_opens_a_new_segment_and_uses_up_no_spare) {
  Fixture fix;
  for (std::uint64_t start = 1; start <= 4; ++start) {
    fix.life.write("x");
    BOOST_TEST(stele::test::place_of(fix.disk, start).segment == segment_name(start));
    fix.life.stop();
    fix.reopen();
  }
  fix.life.settle();
  BOOST_TEST(segments_of(fix.disk).size() == 6u);  // Four old ones, the active one, the spare.
}

BOOST_AUTO_TEST_CASE(a_stop_and_a_start_give_back_the_space_that_no_commit_uses) {
  Fixture fix;
  fix.fill(3);
  auto const first = segment_name(1);
  auto const spare = segment_name(2);
  fix.life.crash(Crash::kill);
  BOOST_TEST(fix.disk.released_from(first) == 0u);
  auto const end_of = [&](std::string const& name) {
    return align_up(commits_of(fix.disk, name).back().end, header_block_bytes);
  };
  fix.reopen();
  BOOST_TEST(fix.disk.released_from(first) == end_of(first));
  auto const second = spare;  // Made again by the start.
  auto const third = segment_name(3);
  fix.fill(1);
  BOOST_TEST(fix.disk.released_from(second) == 0u);
  fix.life.stop();
  BOOST_TEST(fix.disk.released_from(second) == end_of(second));
  BOOST_TEST(fix.disk.released_from(third) == first_commit_offset);
  fix.reopen();
  fix.check_payloads(1, 4);
  BOOST_TEST(fix.life.report().findings.empty());
}

BOOST_AUTO_TEST_CASE(retention_removes_whole_old_segments_and_tells) {
  Fixture fix(Fixture::retaining(4));
  fix.fill(100);
  fix.life.settle();
  auto const names = segments_of(fix.disk);
  BOOST_TEST(names.size() <= 4u);
  BOOST_TEST(fix.life.metrics().segments_removed > 5u);
  auto const first = manifest_on(fix.disk).first_seq;
  BOOST_TEST(fix.life.listener.expired == first - 1);
  BOOST_TEST(manifest_on(fix.disk).first_segment_no == header_of(fix.disk, names[0]).segment_no);
  BOOST_TEST(commits_of(fix.disk, names[0]).at(0).header.first_seq == first);
  BOOST_TEST(fix.life.metrics().log_bytes <= 4 * segment_bytes);
}

BOOST_AUTO_TEST_CASE(what_retention_removed_is_named_as_expired_and_the_rest_comes_back) {
  Fixture fix(Fixture::retaining(4));
  fix.fill(100);
  auto const first = manifest_on(fix.disk).first_seq;
  fix.life.crash(Crash::kill);
  fix.reopen();
  fix.check_payloads(first, 100);
  BOOST_TEST(fix.life.report().findings.empty());
  BOOST_TEST_REQUIRE(fix.life.report().gaps.size() == 1u);
  auto const& gap = fix.life.report().gaps.front();
  BOOST_TEST((gap.reason == GapReason::expired));
  BOOST_TEST(gap.first_seq == 1u);
  BOOST_TEST(gap.last_seq == first - 1);
  BOOST_TEST((fix.life.sink.gaps == fix.life.report().gaps));
}

BOOST_AUTO_TEST_CASE(without_a_limit_nothing_is_removed) {
  Fixture fix;
  fix.fill(50);
  BOOST_TEST(fix.life.metrics().segments_removed == 0u);
  BOOST_TEST(fix.life.listener.expired == 0u);
}

BOOST_AUTO_TEST_CASE(many_starts_do_not_crowd_out_history) {
  Fixture fix(Fixture::retaining(10));
  fix.fill(5);
  for (int start = 0; start < 30; ++start) {
    fix.life.crash(Crash::kill);
    fix.reopen();
    fix.check_payloads(1, 5);
  }
}

BOOST_AUTO_TEST_CASE(the_active_segment_never_expires) {
  Fixture fix(Fixture::retaining(1));
  fix.fill(30);
  fix.life.crash(Crash::kill);
  fix.reopen();
  BOOST_TEST(fix.life.sink.payloads.contains(30));
}

// The MANIFEST goes first: a crash between the two leaves files too many, never too few.
BOOST_AUTO_TEST_CASE(expired_segments_are_removed_only_when_the_manifest_leaves_them_out) {
  Fixture fix(Fixture::retaining(3));
  fix.fill(15);
  fix.life.settle();
  for (int i = 0; i < 300; ++i) {
    auto const manifest = manifest_on(fix.disk);
    for (auto no = manifest.first_segment_no; no <= manifest.last_segment_no; ++no) {
      BOOST_TEST(fix.disk.has(segment_name(no)), "segment " << no << " is gone too early");
    }
    if (i % 10 == 0 && fix.life.log->idle()) fix.life.append(std::string(20'000, 'x'));
    fix.life.start_commit();
    fix.life.poll();
  }
  BOOST_TEST(fix.life.metrics().segments_removed > 3u);
}

BOOST_AUTO_TEST_CASE(expired_files_that_a_crash_left_are_removed_by_the_next_start) {
  Fixture fix(Fixture::retaining(4));
  fix.fill(20);
  fix.life.settle();
  auto const old = stele::test::segment_files(fix.disk).begin()->second;
  auto const old_name = segments_of(fix.disk).front();
  fix.fill(30);
  fix.life.stop();
  BOOST_TEST_REQUIRE(!fix.disk.has(old_name));
  fix.disk.put(old_name, old);
  fix.disk.put(segment_name(99) + ".tmp", std::vector<std::byte>(100));
  fix.reopen();
  BOOST_TEST(!fix.disk.has(old_name));
  BOOST_TEST(!fix.disk.has(segment_name(99) + ".tmp"));
  BOOST_TEST(fix.life.report().findings.empty());
}

BOOST_AUTO_TEST_SUITE_END()
