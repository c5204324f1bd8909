#include "daemon/query/range_count.hpp"

#include <boost/test/unit_test.hpp>
#include <map>
#include <random>
#include <vector>

#include "daemon/query/follow_read.hpp"
#include "daemon/query/range_read.hpp"
#include "daemon/store_fixture.hpp"

namespace {

using stele::daemon::RangeCount;
using stele::protocol::CountLogs;
using stele::protocol::EntryFilter;

struct CountFixture : stele::test::StoreFixture {
  /// Steps to the end; returns how many steps that took.
  std::size_t run(RangeCount& count) {
    std::size_t steps = 1;
    while ((status = take_step(count)) == RangeCount::Status::more) ++steps;
    return steps;
  }
  /// One step, in a turn of its own.
  RangeCount::Status take_step(RangeCount& count) {
    stele::daemon::TurnBudget budget;
    return count.step(store, budget);
  }
  RangeCount count_of(CountLogs const& request) {
    RangeCount count(request);
    BOOST_TEST(count.begin(store).has_value());
    run(count);
    return count;
  }
  std::vector<RangeCount::Bucket> buckets(CountLogs const& request) {
    auto const count = count_of(request);
    BOOST_REQUIRE(count.buckets().has_value());
    return {count.buckets()->begin(), count.buckets()->end()};
  }

  RangeCount::Status status = RangeCount::Status::done;
};

using Buckets = std::vector<RangeCount::Bucket>;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(range_count_test, CountFixture)

BOOST_AUTO_TEST_CASE(both_ends_of_a_range_count) {
  write_all({10, 20, 20, 30, UINT64_MAX, 0});
  BOOST_TEST(count_of({}).count() == 6U);
  BOOST_TEST(count_of({.start_ts = 20, .end_ts = 30}).count() == 3U);
  BOOST_TEST(count_of({.start_ts = 21, .end_ts = 29}).count() == 0U);
  BOOST_TEST(count_of({.start_ts = 30, .end_ts = 20}).count() == 0U);
  BOOST_TEST(count_of({.start_ts = UINT64_MAX}).count() == 1U);
  BOOST_TEST(!count_of({}).buckets().has_value());
}

BOOST_AUTO_TEST_CASE(an_empty_store_counts_nothing) {
  BOOST_TEST(count_of({}).count() == 0U);
  BOOST_TEST(buckets({.bucket_us = 1}).empty());
}

BOOST_AUTO_TEST_CASE(buckets_start_at_multiples_and_empty_ones_are_left_out) {
  write_all({7, 10, 19, 20, 45, 12});
  BOOST_TEST((buckets({.bucket_us = 10}) == Buckets{{0, 1}, {10, 3}, {20, 1}, {40, 1}}));
  BOOST_TEST(
      (buckets({.start_ts = 12, .end_ts = 20, .bucket_us = 10}) == Buckets{{10, 2}, {20, 1}}));
  BOOST_TEST((buckets({.bucket_us = 1}).size() == 6U));
}

BOOST_AUTO_TEST_CASE(the_last_bucket_of_time_is_whole) {
  write_all({UINT64_MAX, UINT64_MAX - 1, 0});
  BOOST_TEST((buckets({.bucket_us = UINT64_MAX}) == Buckets{{0, 2}, {UINT64_MAX, 1}}));
  BOOST_TEST((buckets({.bucket_us = 10}) == Buckets{{0, 1}, {UINT64_MAX - 5, 2}}));
}

BOOST_AUTO_TEST_CASE(terms_are_judged_entry_by_entry) {
  write(10, "one disk");
  write(20, "two");
  write(30, "three disk");
  EntryFilter filter;
  filter.contains = "disk";
  BOOST_TEST(count_of({.filter = filter}).count() == 2U);
  filter.after_seq = 1;
  BOOST_TEST(count_of({.filter = filter}).count() == 1U);
  BOOST_TEST((buckets({.filter = filter, .bucket_us = 30}) == Buckets{{30, 1}}));
  filter.contains = {};
  BOOST_TEST(count_of({.filter = filter}).count() == 2U);
}

BOOST_AUTO_TEST_CASE(reads_counts_and_follows_alike_refuse_an_after_seq_behind_the_end_of_the_log) {
  write_all({10, 20});
  stele::protocol::ReadLogs read;
  stele::protocol::ReadLogs follow;
  follow.follow = true;
  auto const begun = [&](stele::daemon::Seq seq) {
    EntryFilter filter;
    filter.after_seq = read.filter.after_seq = follow.filter.after_seq = seq;
    auto const of_read = stele::daemon::RangeRead::make(read)->begin(store);
    auto const of_follow = stele::daemon::FollowRead(follow).begin(store);
    auto const of_count = RangeCount(CountLogs{.filter = filter}).begin(store);
    BOOST_TEST(of_read.has_value() == of_count.has_value());
    BOOST_TEST(of_follow.has_value() == of_count.has_value());
    if (!of_count) {
      BOOST_TEST(of_count.error().detail == R"({"path":"after_seq","durable_seq":2})");
      BOOST_TEST(of_read.error().detail == of_count.error().detail);
      BOOST_TEST(of_follow.error().detail == of_count.error().detail);
    }
    return of_count.has_value();
  };
  BOOST_TEST(begun(0));
  BOOST_TEST(begun(2));
  BOOST_TEST(!begun(3));
  BOOST_TEST(!begun(UINT64_MAX));
}

BOOST_AUTO_TEST_CASE(entries_that_become_visible_after_the_start_do_not_count) {
  write_all({10, 30});
  RangeCount count(CountLogs{});
  BOOST_TEST(count.begin(store).has_value());
  write_all({20, 40});
  run(count);
  BOOST_TEST(count.count() == 2U);
}

BOOST_AUTO_TEST_CASE(more_buckets_than_the_limit_end_the_count) {
  for (std::uint64_t i = 0; i < stele::protocol::count_buckets_max; ++i) write(i);
  BOOST_TEST(buckets({.bucket_us = 1}).size() == stele::protocol::count_buckets_max);
  BOOST_TEST((status == RangeCount::Status::done));
  write(stele::protocol::count_buckets_max);
  count_of({.bucket_us = 1});
  BOOST_TEST((status == RangeCount::Status::too_many_buckets));
  count_of({.bucket_us = 2});
  BOOST_TEST((status == RangeCount::Status::done));
}

BOOST_AUTO_TEST_CASE(a_long_count_is_sliced_and_exact) {
  std::mt19937_64 random(5);
  std::map<std::uint64_t, std::uint64_t> expected;
  for (int i = 0; i < 30'000; ++i) {
    auto const timestamp = random() % 1000;
    write(timestamp);
    if (timestamp >= 100 && timestamp <= 900) ++expected[timestamp / 70 * 70];
  }
  RangeCount count({.start_ts = 100, .end_ts = 900, .filter = {.uid = 2}, .bucket_us = 70});
  BOOST_TEST(count.begin(store).has_value());
  for (int i = 0; i < 1000; ++i) write(random() % 1000);
  BOOST_TEST(run(count) > 5U);
  BOOST_REQUIRE(count.buckets().has_value());
  BOOST_TEST((Buckets(count.buckets()->begin(), count.buckets()->end()) ==
              Buckets(expected.begin(), expected.end())));
}

BOOST_AUTO_TEST_CASE(what_retention_removes_meanwhile_is_left_out) {
  for (std::uint64_t i = 0; i < 10'000; ++i) write(i);
  RangeCount count({.filter = {.uid = 2}});
  BOOST_TEST(count.begin(store).has_value());
  BOOST_REQUIRE((take_step(count) == RangeCount::Status::more));
  store.remove_up_to(9'000);
  run(count);
  BOOST_TEST(count.count() < 9'000U);
  BOOST_TEST(count.count() >= 1'000U);
}

BOOST_AUTO_TEST_SUITE_END()
