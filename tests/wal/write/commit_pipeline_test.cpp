#include "wal/write/commit_pipeline.hpp"

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "wal/format/commit_body.hpp"

using namespace stele::wal;
using std::chrono::milliseconds;

namespace {

constexpr std::uint64_t salt = 0x5a17;

/// A pipeline without a disk: what it would write is decoded.
struct Fixture {
  explicit Fixture(stele::wal::LogEnd const& start = {}, std::size_t gather_bytes = 4096)
      : pipeline(
            start,
            {.commit_align = 512, .gather_bytes = gather_bytes, .mark_delay = milliseconds(50)}) {}

  Seq append(std::vector<std::string_view> const& payloads) {
    return pipeline.append({}, payloads);
  }
  CommitHeader begin() {
    bytes = pipeline.begin(salt);
    return std::get<CommitHeader>(decode_commit_header(bytes.first<commit_header_bytes>()));
  }
  Seq finish() { return pipeline.on_durable(now); }
  CommitHeader commit() {
    auto const header = begin();
    finish();
    return header;
  }
  std::size_t groups_in_flight() const {
    std::size_t count = 0;
    auto const header = decode_commit_header(bytes.first<commit_header_bytes>());
    GroupReader groups(
        bytes.subspan(commit_header_bytes, std::get<CommitHeader>(header).body_bytes));
    while (groups.next()) ++count;
    return count;
  }

  CommitPipeline pipeline;
  Instant now{};
  std::span<std::byte const> bytes{};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(commit_pipeline_test)

BOOST_AUTO_TEST_CASE(seqs_are_dense_from_the_start_over_groups_and_commits) {
  Fixture fix({.commit_no = 7, .chain = 0xc0ffee, .next_seq = 100});
  BOOST_TEST(fix.append({"a", "b", "c"}) == 100u);
  BOOST_TEST(fix.append({"d"}) == 103u);
  auto const first = fix.begin();
  BOOST_TEST(fix.append({"e", "f"}) == 104u);
  BOOST_TEST(first.first_seq == 100u);
  BOOST_TEST(first.payload_count == 4u);
  BOOST_TEST(fix.finish() == 103u);
  BOOST_TEST(fix.begin().first_seq == 104u);
  BOOST_TEST(fix.pipeline.next_seq() == 106u);
}

BOOST_AUTO_TEST_CASE(arrivals_gather_into_the_next_commit_while_one_is_in_flight) {
  Fixture fix;
  fix.append({"first"});
  fix.begin();
  BOOST_TEST(fix.pipeline.in_flight());
  BOOST_TEST(!fix.pipeline.next_commit_bytes().has_value());
  for (int i = 0; i < 5; ++i) fix.append({"later"});
  BOOST_TEST(fix.groups_in_flight() == 1u);
  BOOST_TEST(fix.finish() == 1u);
  fix.begin();
  BOOST_TEST(fix.groups_in_flight() == 5u);
  BOOST_TEST(fix.finish() == 6u);
  BOOST_TEST(fix.pipeline.idle());
}

BOOST_AUTO_TEST_CASE(bytes_in_flight_are_left_alone_by_later_appends) {
  Fixture fix;
  fix.append({"in flight"});
  fix.begin();
  std::vector<std::byte> const before(fix.bytes.begin(), fix.bytes.end());
  std::string const large(100'000, 'x');
  fix.append({large});
  BOOST_TEST(std::ranges::equal(before, fix.bytes));
}

BOOST_AUTO_TEST_CASE(nothing_is_durable_before_on_durable) {
  Fixture fix;
  fix.append({"a", "b"});
  BOOST_TEST(fix.pipeline.durable_seq() == 0u);
  fix.begin();
  BOOST_TEST(fix.pipeline.durable_seq() == 0u);
  BOOST_TEST(fix.pipeline.pending_bytes() == 2u);
  BOOST_TEST(fix.finish() == 2u);
  BOOST_TEST(fix.pipeline.durable_seq() == 2u);
  BOOST_TEST(fix.pipeline.pending_bytes() == 0u);
}

BOOST_AUTO_TEST_CASE(headers_chain_and_tell_what_is_durable) {
  Fixture fix({.commit_no = 7, .chain = 0xc0ffee, .next_seq = 1});
  std::uint32_t chain = 0xc0ffee;
  for (std::uint64_t number = 7; number < 12; ++number) {
    fix.append({"x"});
    auto const header = fix.begin();
    BOOST_TEST(header.commit_no == number);
    BOOST_TEST(header.durable_commit == number - 1);
    BOOST_TEST(header.chain == chain);
    BOOST_TEST(header.salt == salt);
    chain = header_crc(fix.bytes.first<commit_header_bytes>());
    BOOST_TEST(fix.pipeline.chain() == chain);
    fix.finish();
    BOOST_TEST(fix.pipeline.durable_commit() == number);
  }
}

BOOST_AUTO_TEST_CASE(a_commit_gathers_up_to_its_limit_and_a_group_never_spans_two) {
  Fixture fix({}, 2 * group_bytes(1, 100));
  std::string const payload(100, 'x');
  for (int i = 0; i < 5; ++i) fix.append({payload});
  std::vector<std::uint32_t> counts;
  while (fix.pipeline.next_commit_bytes()) counts.push_back(fix.commit().payload_count);
  BOOST_TEST((counts == std::vector<std::uint32_t>{2, 2, 1}));

  // One byte is missing for the second group; half of it would fit.
  Fixture pairs({}, 2 * group_bytes(2, 200) - 1);
  for (int i = 0; i < 2; ++i) pairs.append({payload, payload});
  counts.clear();
  while (pairs.pipeline.next_commit_bytes()) counts.push_back(pairs.commit().payload_count);
  BOOST_TEST((counts == std::vector<std::uint32_t>{2, 2}));
}

BOOST_AUTO_TEST_CASE(a_group_above_the_limit_gets_a_commit_of_its_own) {
  Fixture fix({}, 200);
  std::string const large(5000, 'x');
  fix.append({"small"});
  fix.append({large});
  fix.append({"small"});
  std::vector<std::size_t> sizes;
  while (auto const bytes = fix.pipeline.next_commit_bytes()) {
    fix.begin();
    BOOST_TEST(fix.bytes.size() == *bytes);
    sizes.push_back(*bytes);
    fix.finish();
  }
  BOOST_TEST((sizes == std::vector<std::size_t>{512, 5120, 512}));
}

BOOST_AUTO_TEST_CASE(queued_bytes_are_those_that_the_commits_will_take) {
  Fixture fix({}, 200);
  std::string const large(5000, 'x');
  BOOST_TEST(fix.pipeline.queued_commit_bytes() == 0u);
  fix.append({"small"});
  fix.append({large});
  BOOST_TEST(fix.pipeline.queued_commit_bytes() == 512u + 5120u);
  fix.begin();
  BOOST_TEST(fix.pipeline.queued_commit_bytes() == 5120u);
}

BOOST_AUTO_TEST_CASE(a_mark_is_due_after_the_delay_and_only_once) {
  Fixture fix;
  BOOST_TEST(!fix.pipeline.mark_deadline().has_value());
  fix.append({"x"});
  fix.begin();
  BOOST_TEST(!fix.pipeline.mark_deadline().has_value());
  fix.now += milliseconds(7);
  fix.finish();
  BOOST_TEST((fix.pipeline.mark_deadline() == fix.now + milliseconds(50)));
  fix.pipeline.queue_mark();
  BOOST_TEST(!fix.pipeline.mark_deadline().has_value());
  auto const mark = fix.commit();
  BOOST_TEST((mark.kind == CommitKind::mark));
  BOOST_TEST(mark.payload_count == 0u);
  BOOST_TEST(mark.durable_commit == 1u);
  BOOST_TEST(mark.first_seq == 2u);
  BOOST_TEST(!fix.pipeline.mark_deadline().has_value());
}

BOOST_AUTO_TEST_CASE(no_mark_is_due_when_a_commit_follows) {
  Fixture fix;
  fix.append({"x"});
  fix.begin();
  fix.append({"y"});
  fix.finish();
  fix.begin();
  BOOST_TEST(!fix.pipeline.mark_deadline().has_value());
}

BOOST_AUTO_TEST_CASE(marks_and_seals_change_no_seq) {
  Fixture fix({.commit_no = 3, .chain = 1, .next_seq = 9});
  fix.pipeline.queue_mark();
  BOOST_TEST(fix.begin().first_seq == 9u);
  BOOST_TEST(fix.finish() == 8u);
  fix.pipeline.queue_seal();
  auto const seal = fix.begin();
  BOOST_TEST((seal.kind == CommitKind::seal));
  BOOST_TEST(fix.finish() == 8u);
  BOOST_TEST(fix.pipeline.next_seq() == 9u);
}

BOOST_AUTO_TEST_CASE(gaps_do_not_share_a_commit_with_entries) {
  Fixture fix;
  fix.pipeline.append_gap({.first_seq = 1, .last_seq = 2});
  fix.pipeline.append_gap({.first_seq = 4, .last_seq = 5});
  fix.append({"x"});
  auto const gaps = fix.commit();
  BOOST_TEST((gaps.kind == CommitKind::gap));
  BOOST_TEST(gaps.body_bytes == 2 * gap_record_bytes);
  BOOST_TEST((fix.commit().kind == CommitKind::entries));
}

BOOST_AUTO_TEST_CASE(the_commit_of_a_gap_is_known_when_it_is_appended) {
  Fixture fix;
  fix.append({"in flight"});
  auto const in_flight = fix.begin().commit_no;
  fix.append({"queued"});
  auto const expected = fix.pipeline.append_gap({.first_seq = 3, .last_seq = 2});
  BOOST_TEST(expected == in_flight + 2);
  BOOST_TEST(fix.pipeline.append_gap({.first_seq = 3, .last_seq = 2}) == expected);
  fix.append({"behind"});
  fix.finish();
  fix.commit();
  BOOST_TEST(fix.pipeline.durable_commit() < expected);
  auto const gaps = fix.commit();
  BOOST_TEST((gaps.kind == CommitKind::gap));
  BOOST_TEST(gaps.commit_no == expected);
  BOOST_TEST(gaps.first_seq == 3u);
  BOOST_TEST(fix.pipeline.durable_commit() == expected);
}

BOOST_AUTO_TEST_CASE(dropping_the_queue_gives_its_seqs_out_again) {
  Fixture fix({}, 200);
  std::string const large(5000, 'x');
  fix.append({"in flight"});
  fix.begin();
  BOOST_TEST(fix.append({"a", "b"}) == 2u);
  BOOST_TEST(fix.append({large}) == 4u);
  BOOST_TEST(fix.pipeline.drop_queued() == 2u);
  BOOST_TEST(fix.pipeline.next_seq() == 2u);
  BOOST_TEST(fix.pipeline.pending_bytes() == 9u);
  BOOST_TEST(!fix.pipeline.next_commit_bytes().has_value());
  BOOST_TEST(fix.finish() == 1u);
  BOOST_TEST(fix.append({"again"}) == 2u);
  BOOST_TEST(fix.commit().first_seq == 2u);
}

BOOST_AUTO_TEST_CASE(a_failure_is_final_and_nothing_becomes_durable) {
  Fixture fix;
  fix.append({"a"});
  fix.begin();
  fix.append({"b"});
  fix.pipeline.on_failed();
  BOOST_TEST(fix.pipeline.failed());
  BOOST_TEST(fix.pipeline.durable_seq() == 0u);
  BOOST_TEST(fix.pipeline.durable_commit() == 0u);
}

BOOST_AUTO_TEST_CASE(steady_work_reuses_its_buffers) {
  Fixture fix;
  std::set<std::byte const*> addresses;
  for (int i = 0; i < 50; ++i) {
    fix.append({"x"});
    fix.begin();
    addresses.insert(fix.bytes.data());
    fix.append({"y"});
    fix.finish();
    fix.commit();
  }
  BOOST_TEST(addresses.size() <= 3u);
}

// Memory that is new to the process costs many times what filling it does, while all others wait.
BOOST_AUTO_TEST_CASE(small_commits_leave_the_buffer_that_is_large_to_the_next_huge_group) {
  Fixture fix;
  std::string const huge(9'000'000, 'h');
  for (int round = 0; round < 4; ++round) {
    fix.append({"small"});
    fix.begin();
    fix.append({huge});
    fix.finish();
    fix.begin();
    fix.append({"small"});
    fix.finish();
    fix.commit();
  }
  BOOST_TEST(fix.pipeline.spare_bytes() >= huge.size());
  BOOST_TEST(fix.pipeline.spare_bytes() < 2 * huge.size());
}

BOOST_AUTO_TEST_CASE(huge_groups_reuse_the_buffers_of_those_before_them_until_a_mark) {
  Fixture fix;
  std::string const huge(std::size_t{12} << 20, 'h');
  fix.append({huge});
  fix.commit();
  auto const* const first = fix.bytes.data();
  for (int i = 0; i < 5; ++i) {
    fix.append({huge});
    fix.commit();
    BOOST_TEST(fix.bytes.data() == first);
  }
  BOOST_TEST(fix.pipeline.spare_bytes() >= huge.size());
  fix.pipeline.queue_mark();
  fix.commit();
  BOOST_TEST(fix.pipeline.spare_bytes() <= std::size_t{8} << 20);
}

BOOST_AUTO_TEST_SUITE_END()
