#include "wal/recover/retention.hpp"

#include <boost/test/unit_test.hpp>
#include <deque>
#include <vector>

using namespace stele::wal;
using namespace std::chrono_literals;

namespace {

/// Segments of 100 bytes with ten payloads each; the last is the active one.
struct KeptLog {
  explicit KeptLog(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      segments.push_back({.segment_no = i + 1, .bytes = 100, .first_seq = 10 * i + 1});
    }
  }
  std::size_t expired(std::uint64_t new_bytes = 100) {
    Manifest manifest;
    return plan_expiry(view(), new_bytes, manifest).size();
  }
  RetentionView view() {
    return {options, segments, 100 * segments.size(), 10 * segments.size(), held_from, age};
  }

  Options options{};
  std::deque<KeptSegment> segments{};
  Seq held_from = 0;
  std::chrono::milliseconds age{};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(expiry_test)

BOOST_AUTO_TEST_CASE(sizes_whose_sum_is_more_than_fits_hold_as_much_as_there_is) {
  KeptLog fix(10);
  fix.options.retain_bytes = 400;
  BOOST_TEST(fix.expired() == 7U);
  for (std::uint64_t const hold : {UINT64_MAX, UINT64_MAX - 399, UINT64_MAX - 400}) {
    fix.options.hold_bytes = hold;
    BOOST_TEST(fix.expired() == 0U, "hold-bytes " << hold);
  }
  fix.options.hold_bytes = 300;
  BOOST_TEST(fix.expired() == 4U);
  fix.options.retain_bytes = UINT64_MAX;
  BOOST_TEST(fix.expired() == 0U);
}

BOOST_AUTO_TEST_CASE(age_and_size_take_the_oldest_first_and_never_the_active_one) {
  KeptLog fix(4);
  fix.options.retain_age = 10s;
  fix.age = 100s;
  fix.segments[0].since = 89s;
  fix.segments[1].since = 91s;
  BOOST_TEST(fix.expired() == 1U);
  fix.options.retain_bytes = 1;
  BOOST_TEST(fix.expired() == 3U);
  BOOST_TEST(KeptLog(1).expired() == 0U);
}

BOOST_AUTO_TEST_CASE(on_a_full_disk_the_oldest_go_until_one_is_large_enough) {
  KeptLog fix(5);
  fix.options.segment_bytes = 200;
  fix.options.retain_bytes = 1000;
  Manifest manifest;
  auto const expired = [&](std::vector<std::uint64_t> const& space) {
    return plan_expiry(fix.view(), 200, manifest, space).size();
  };
  BOOST_TEST(fix.expired(200) == 0U);
  BOOST_TEST(expired({200, 200, 200, 200, 200}) == 1U);
  BOOST_TEST(expired({100, 100, 200, 200, 200}) == 3U);
  fix.segments[0].damaged = true;
  BOOST_TEST(expired({200, 200, 200, 200, 200}) == 2U, "a damaged one gives its space to none");
  BOOST_TEST(expired({100, 100, 100, 100, 100}) == 1U, "two segments below the limit");
  BOOST_TEST(expired({0, 0, 100, 100, 200}) == 0U);
  fix.options.hold_bytes = 100;
  BOOST_TEST(expired({200, 200, 200, 200, 200}) == 0U);
  fix.options.hold_bytes = 0;
  fix.options.retain_bytes = 0;
  BOOST_TEST(expired({200, 200, 200, 200, 200}) == 0U);
}

BOOST_AUTO_TEST_CASE(the_first_that_stays_is_known_ahead_as_far_as_size_decides) {
  KeptLog fix(5);
  fix.options.retain_age = 1s;
  fix.age = 100s;
  BOOST_TEST(first_seq_kept(fix.view(), 200) == 0U);
  fix.options.retain_bytes = 700;
  BOOST_TEST(first_seq_kept(fix.view(), 200) == 0U);
  BOOST_TEST(first_seq_kept(fix.view(), 201) == 11U);
  BOOST_TEST(first_seq_kept(fix.view(), 400) == 21U);
  fix.options.hold_bytes = 1000;
  BOOST_TEST(first_seq_kept(fix.view(), 400) == 0U);
  fix.held_from = 11;
  BOOST_TEST(first_seq_kept(fix.view(), 400) == 11U);
}

BOOST_AUTO_TEST_CASE(an_age_is_written_down_while_it_matters_to_what_was_left) {
  KeptLog fix(3);
  fix.options.retain_age = 10s;
  fix.segments[1].since = 5s;
  fix.age = 9s;
  auto const needs = [&](std::chrono::milliseconds noted) {
    return needs_age_record(fix.view(), noted);
  };
  BOOST_TEST(needs(8s));
  BOOST_TEST(!needs(9s), "it is written down");
  fix.age = 1000s;
  BOOST_TEST(needs(14s));
  BOOST_TEST(!needs(15s), "all that was left is known to be too old");
  fix.options.hold_bytes = 100;
  BOOST_TEST(!needs(8s), "the oldest is held");
  fix.held_from = 11;
  BOOST_TEST(needs(8s));
  KeptLog active(1);
  active.options.retain_age = 10s;
  active.age = 20s;
  BOOST_TEST(!needs_age_record(active.view(), 0s));
}

BOOST_AUTO_TEST_CASE(a_segment_was_left_before_the_first_age_record_behind_it) {
  std::vector<KeptSegment> segments(5);
  segments[0].first_age = 1s;
  segments[0].last_age = 3s;
  segments[2].first_age = 7s;
  segments[2].last_age = 9s;
  segments[3].first_age = 12s;
  segments[3].last_age = 15s;
  BOOST_TEST((date_segments(segments) == 15s));
  std::vector<std::chrono::milliseconds> since;
  for (auto const& segment : segments) since.push_back(segment.since);
  std::vector<std::chrono::milliseconds> const expected{7s, 7s, 12s, 15s, 15s};
  BOOST_TEST((since == expected));
}

BOOST_AUTO_TEST_CASE(without_age_records_everything_is_as_young_as_can_be) {
  std::vector<KeptSegment> segments(3);
  BOOST_TEST((date_segments(segments) == 0s));
  for (auto const& segment : segments) BOOST_TEST((segment.since == 0s));
  std::vector<KeptSegment> none;
  BOOST_TEST((date_segments(none) == 0s));
}

BOOST_AUTO_TEST_SUITE_END()
